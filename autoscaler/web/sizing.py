"""Advice on what containers should ask for, as the API answers it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.model import Sizing
from autoscaler.web.documents import SizingDocument


def sizing_document(sizing: Sizing, memory_bytes: int | None) -> SizingDocument:
    """One container; memory_bytes: into which slots are to fit."""
    return {
        "container": sizing.container,
        "request_cores": sizing.request_cores,
        "memory_bytes": sizing.memory_bytes,
        "used_cores": sizing.used_cores,
        "peak_bytes": sizing.peak_bytes,
        "busy": sizing.busy,
        "idle_bytes": sizing.idle_bytes,
        "task_bytes": sizing.task_bytes,
        "full_bytes": sizing.full_bytes,
        "slots": sizing.slots,
        "measured_seconds": sizing.measured_seconds,
        "sure": sizing.sure,
        "concurrency": None if memory_bytes is None else sizing.concurrency_in(memory_bytes),
    }


def merge_patch(sizings: Sequence[Sizing]) -> dict[str, object] | None:
    """A strategic merge patch of a Deployment or StatefulSet; None when there is no advice."""
    if not sizings:
        return None
    containers = [{"name": one.container, "resources": _resources(one)} for one in sizings]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def _resources(sizing: Sizing) -> dict[str, dict[str, str]]:
    """Request and limit of memory are one: above its request a pod is the first to be evicted."""
    memory = f"{sizing.memory_bytes // 2**20}Mi"
    cpu = f"{round(sizing.request_cores * 1000)}m"
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}
