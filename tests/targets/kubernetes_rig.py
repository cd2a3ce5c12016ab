"""A kubernetes target over a small cluster, for tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoscaler.interfaces import Context
from autoscaler.model import Action, ActionKind, Drain, Fence, Unit
from autoscaler.targets.kubernetes import Kubernetes, KubernetesOptions
from tests.kubernetes.cluster import NAMESPACE, Cluster
from tests.servers import eventually
from tests.units import FLEET, NOW

WORKERS = replace(FLEET, queues=("default",), max_replicas=10)
MARK = Drain(NOW, ("default",))


def target_of(
    cluster: Cluster, directory: Path, fleet: Any = WORKERS, **options: Any
) -> Kubernetes:
    """A target of Deployment worker, unless the options say otherwise."""
    if not {"statefulset", "scale_target_ref"} & options.keys():
        options = {"deployment": "worker", **options}
    facts = {"namespace": NAMESPACE, "kubeconfig": cluster.kubeconfig(directory), **options}
    context = Context(fleet.name, fleet, (fleet,), directory)
    return Kubernetes(KubernetesOptions.model_validate(facts), context)


def act(kind: ActionKind, unit: str, sequence: int, term: int = 1, at: float = NOW) -> Action:
    return Action(kind, "default", unit, Fence(term, sequence), at, "a test")


def adding(*sequences: int, term: int = 1) -> list[Action]:
    return [act(ActionKind.ADD, f"default-{n}", n, term) for n in sequences]


def drain(unit: str, sequence: int, term: int = 1) -> Action:
    return act(ActionKind.DRAIN, unit, sequence, term)


def resume(unit: str, sequence: int, term: int = 1) -> Action:
    return act(ActionKind.RESUME, unit, sequence, term)


def remove(unit: str, sequence: int, term: int = 1) -> Action:
    return act(ActionKind.REMOVE, unit, sequence, term)


async def units(target: Kubernetes, now: float = NOW) -> dict[str, Unit]:
    return {unit.name: unit for unit in await target.units(now)}


async def running(target: Kubernetes, number: int) -> list[str]:
    """The names of the units once so many run, and no more are there."""
    names: list[str] = []

    async def all_run() -> bool:
        found = await units(target)
        names[:] = sorted(found)
        return [str(unit.phase) for unit in found.values()] == ["running"] * number

    await eventually(all_run, f"{number} pods that run")
    return names


async def drained(target: Kubernetes, *names: str, first: int = 1) -> None:
    for number, name in enumerate(names, first):
        await target.mark(drain(name, number), MARK)


@contextlib.asynccontextmanager
async def watching(target: Kubernetes) -> AsyncIterator[list[str]]:
    """The target's watch, running; what it woke the daemon for."""
    woken: list[str] = []
    task = asyncio.create_task(target.watch(woken.append))
    try:
        yield woken
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def left(target: Kubernetes, *names: str) -> list[str]:
    """Wait until these pods are gone; the names of those that stay."""

    async def gone() -> bool:
        return not set(names) & set(await units(target))

    await eventually(gone, f"the end of {names}")
    return sorted(await units(target))
