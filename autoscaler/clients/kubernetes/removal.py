"""Lets drained pods go: marks them as the cheapest, lowers replicas, and sees who really left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import structlog

from autoscaler.clients.kubernetes import marks
from autoscaler.clients.kubernetes.faults import Conflict, NotFound
from autoscaler.clients.kubernetes.pods import Pod
from autoscaler.clients.kubernetes.population import Population
from autoscaler.clients.kubernetes.victims import Leaving, shrink
from autoscaler.clients.kubernetes.view import View
from autoscaler.clients.kubernetes.workload import Scale
from autoscaler.errors import TargetConflict, TargetError
from autoscaler.model import Action

TRIES = 3
LOOKS_AFTER_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)

log = structlog.get_logger("autoscaler.kubernetes")


@dataclass(frozen=True, slots=True)
class Removal:
    """One shrink of one workload. Raises TargetError or ApiError.

    look: the replicas as they are. wrote: told of every number before it is written. all_alike: no
    replica runs tasks.
    """

    view: View
    look: Callable[[], Awaitable[Population]]
    wrote: Callable[[int], None]
    all_alike: bool = False

    async def carry_out(self, population: Population, actions: Sequence[Action]) -> None:
        """The right cost on the victims, then fewer replicas, in one breath; then look."""
        names = {action.unit for action in actions}
        for attempt in range(TRIES):
            population, scale = await self._as_one(population)
            leaving = _leaving(population, names)
            pods = tuple(population.pods.values())
            plan = shrink(population.workload, pods, leaving, all_alike=self.all_alike)
            await self._commit(leaving.pods, plan.cost, actions)
            if plan.replicas == scale.replicas:
                return
            try:
                self.wrote(plan.replicas)
                lowered = await self.view.write_scale(plan.replicas, scale.version)
            except Conflict:
                if attempt == TRIES - 1:
                    raise
                population = await self.look()
            else:
                await self._see_who_left(population, leaving.pods, lowered)
                return

    async def _as_one(self, population: Population) -> tuple[Population, Scale]:
        """What is seen and the scale, of one version: no rollout begun since is overlooked."""
        for seconds in LOOKS_AFTER_SECONDS:
            scale = await self.view.read_scale()
            refuse_moved(population, scale)
            if scale.version == population.workload.scale.version:
                return population, scale
            await asyncio.sleep(seconds)
            population = await self.look()
        raise TargetConflict(f"{population.workload.name} changes faster than it can be seen")

    async def _commit(
        self, pods: Sequence[Pod], cost: int | None, actions: Sequence[Action]
    ) -> None:
        """From here on these pods can only go: they are never resumed, however late a write is."""
        pods = [pod for pod in pods if not pod.leaving or cost not in (None, pod.cost)]
        fences = {action.unit: action.fence for action in actions}
        changes = [
            {
                **marks.fenced(fences[pod.name]),
                **marks.unshielded(pod.shields),
                marks.LEAVING: "true",
                **({} if cost is None else {marks.COST: str(cost)}),
            }
            for pod in pods
        ]
        writes = map(self.view.annotate, pods, changes)
        for result in await asyncio.gather(*writes, return_exceptions=True):
            if isinstance(result, Conflict | NotFound):
                raise TargetConflict(f"a pod changed since it was found empty: {result}")
            if isinstance(result, BaseException):
                raise result

    async def _see_who_left(
        self, before: Population, victims: Sequence[Pod], lowered: Scale
    ) -> None:
        """Raise the replicas again by as many as left in the victims' place."""
        lost: list[str] = []
        staying: list[str] = []
        leaving = {pod.uid for pod in victims}
        for seconds in LOOKS_AFTER_SECONDS:
            await asyncio.sleep(seconds)
            after = await self.look()
            staying = [pod.name for pod in victims if _is_live(pod, after)]
            lost = [
                pod.name
                for pod in before.pods.values()
                if pod.live and pod.uid not in leaving and not _is_live(pod, after)
            ]
            if not staying:
                return
        if lost:
            await self._compensate(lost, staying, lowered)

    async def _compensate(
        self, lost: Collection[str], staying: Collection[str], lowered: Scale
    ) -> None:
        scale = await self.view.read_scale()
        missing = min(len(lost), len(staying))
        log.error("another pod left", lost=sorted(lost), staying=sorted(staying))
        told = f"{', '.join(sorted(lost))} left in place of {', '.join(sorted(staying))}"
        if scale.replicas != lowered.replicas:
            raise TargetError(f"{told}, and replicas changed meanwhile: see who else deletes pods")
        wanted = scale.replicas + missing
        self.wrote(wanted)
        await self.view.write_scale(wanted, scale.version)
        raise TargetError(f"{told}: replicas raised again to {wanted}; see who else deletes pods")


def refuse_moved(population: Population, scale: Scale) -> None:
    """Raises TargetConflict unless the number is still the one that was planned from."""
    planned = population.workload.scale.replicas
    if scale.replicas != planned:
        raise TargetConflict(
            f"replicas of {population.workload.name} went from {planned} to {scale.replicas} "
            "since the plan was made"
        )


def _leaving(population: Population, names: Collection[str]) -> Leaving:
    pods = [pod for name, pod in population.pods.items() if name in names and pod.live]
    awaited = [one.number for name, one in population.awaited.items() if name in names]
    return Leaving(pods, awaited)


def _is_live(pod: Pod, population: Population) -> bool:
    now = population.pods.get(pod.name)
    return now is not None and now.uid == pod.uid and now.live
