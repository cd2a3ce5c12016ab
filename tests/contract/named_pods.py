"""The kubernetes target under the names that the contract gives to units."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from autoscaler.interfaces import Context, Options, Target
from autoscaler.model import Action, Drain, Unit, UnitPhase
from autoscaler.targets.kubernetes import Kubernetes
from tests.kubernetes.cluster import cluster
from tests.servers import eventually
from tests.targets.kubernetes_rig import target_of
from tests.units import FLEET, NOW


class NamedPods(Target[Options]):
    """A cluster names its pods itself: each new pod gets the name that was asked for.

    What has that name already is not asked for again, as the target could not know it.
    """

    def __init__(self, pods: Kubernetes) -> None:
        super().__init__(Options(), Context(FLEET.name, FLEET))
        self._pods = pods
        self._names: dict[str, str] = {}

    async def units(self, now: float) -> tuple[Unit, ...]:
        found = await self._pods.units(now)
        named = (replace(u, name=self._names[u.name]) for u in found if u.name in self._names)
        return tuple(replace(unit, created_at=NOW) for unit in named)

    async def add(self, actions: Sequence[Action]) -> None:
        there = {unit.name for unit in await self.units(NOW)}
        wanted = {a.unit: a for a in reversed(actions) if a.unit not in there}
        if not wanted:
            return
        await self._pods.add(list(wanted.values()))
        await eventually(lambda: self._given(list(reversed(wanted))), "the pods")

    async def mark(self, action: Action, drain: Drain | None) -> None:
        await self._pods.mark(self._for_pod(action), drain)

    async def remove(self, actions: Sequence[Action]) -> None:
        await self._pods.remove([self._for_pod(action) for action in actions])

    async def aclose(self) -> None:
        await self._pods.aclose()

    async def _given(self, names: list[str]) -> bool:
        units = [u for u in await self._pods.units(NOW) if u.phase is UnitPhase.RUNNING]
        fresh = sorted(u.name for u in units if u.name not in self._names)
        if len(fresh) < len(names):
            return False
        self._names.update(zip(fresh, names, strict=True))
        return True

    def _for_pod(self, action: Action) -> Action:
        pods = {name: pod for pod, name in self._names.items()}
        return replace(action, unit=pods.get(action.unit, action.unit))


@contextlib.asynccontextmanager
async def named_pods(directory: Path) -> AsyncIterator[Target]:
    """A target of a Deployment that has no pods yet."""
    async with cluster() as made:
        made.deployment("worker", 0)
        yield NamedPods(target_of(made, directory, FLEET))
