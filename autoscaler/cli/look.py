"""One look at everything a config names, through the daemon's own controller; changes nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from autoscaler.clock import Clock
from autoscaler.config import Config
from autoscaler.controller import Controller
from autoscaler.engine.explain import explain
from autoscaler.engine.wording import count
from autoscaler.model import BrokerState, Observation, Tick, WorkersState
from autoscaler.telemetry.redaction import without_secrets

Document = dict[str, Any]


def look(config: Config) -> Document:
    """What was found: `systems` (sources and targets), `fleets` and `findings`."""
    return asyncio.run(_look(config.model_copy(update={"dry_run": True})))


async def _look(config: Config) -> Document:
    controller = Controller(config)
    try:
        tick = await controller.tick(Clock().now())
    finally:
        await controller.aclose()
    explanations = [explain(fleet) for fleet in tick.fleets.values()]
    document: Document = {
        "systems": systems(config, tick),
        "fleets": [{"summary": each.summary, "why": each.why} for each in explanations],
        "findings": [
            {"severity": each.severity, "summary": each.summary, "remedy": each.remedy}
            for each in tick.findings
        ],
    }
    return dict(without_secrets(document))


def systems(config: Config, tick: Tick) -> list[Document]:
    """A row for each source and target, and for each part that could not be read."""
    kinds = {name: source.kind for name, source in config.sources.items()}
    found = {name: told(seen) for name, seen in tick.snapshot.observations.items()}
    for fleet in config.fleets:
        name = f"target/{fleet.name}"
        kinds[name] = fleet.target.kind
        found[name] = count(len(tick.snapshot.units.get(fleet.name, ())), "unit")
    missing = tick.snapshot.missing
    named = [
        {
            "name": name,
            "kind": kind,
            "up": name not in missing,
            "found": missing.get(name, found.get(name, "")),
        }
        for name, kind in kinds.items()
    ]
    parts = [
        {"name": name, "kind": "", "up": False, "found": why}
        for name, why in missing.items()
        if name not in kinds
    ]
    return named + parts


def told(seen: Observation) -> str:
    """What one source found, in a few words."""
    if isinstance(seen, BrokerState):
        waiting = sum(queue.waiting for queue in seen.queues.values())
        return f"{count(len(seen.queues), 'queue')}, {count(waiting, 'task')} waiting"
    if isinstance(seen, WorkersState):
        busy = sum(worker.busy or 0 for worker in seen.workers.values())
        return f"{count(len(seen.workers), 'worker')}, {count(busy, 'task')} running"
    return count(sum(1 for _ in seen.samples()), "sample")
