"""What a fleet's containers should ask for, by what they were seen to use."""

from __future__ import annotations

from math import ceil

from autoscaler.engine.usage import DAY_SECONDS, ContainerUse, Usage
from autoscaler.model import MEMORY_MARGIN, FleetSnapshot, Sizing

QUANTILE = 0.9
CPU_MARGIN = 1.15
LEAST_CORES, LEAST_BYTES = 0.025, 64 * 2**20
MILLICORES, MEBIBYTE = 1000, 2**20
SOON_SECONDS = 600.0


def right_size(usage: Usage, snapshot: FleetSnapshot) -> tuple[Sizing, ...]:
    """Advice for each container that was looked at for ten minutes, by name."""
    slots = next((sample.value for sample in snapshot.samples.named("slots_per_replica")), None)
    return tuple(
        _sizing(name, use, None if slots is None else int(slots))
        for name, use in sorted(usage.containers.items())
        if use.at - use.since >= SOON_SECONDS
    )


def _sizing(name: str, use: ContainerUse, slots: int | None) -> Sizing:
    """With all slots busy it takes as much more than at its peak as the tasks then took each."""
    top = max(use.days.values(), key=lambda day: day.peak)
    idle = min(day.least for day in use.days.values())
    each = (top.peak - idle) / top.busy if top.busy and top.peak > idle else None
    full = top.peak if each is None or slots is None else max(top.peak, idle + each * slots)
    used, measured = use.quantile(QUANTILE), use.at - use.since
    return Sizing(
        container=name,
        request_cores=ceil(max(LEAST_CORES, used * CPU_MARGIN) * MILLICORES) / MILLICORES,
        memory_bytes=ceil(max(LEAST_BYTES, full * MEMORY_MARGIN) / MEBIBYTE) * MEBIBYTE,
        used_cores=used,
        peak_bytes=top.peak,
        busy=top.busy,
        idle_bytes=idle,
        task_bytes=each,
        full_bytes=full,
        slots=slots,
        measured_seconds=measured,
        sure=measured >= DAY_SECONDS,
    )
