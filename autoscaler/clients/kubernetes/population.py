"""A workload's replicas as units: its pods, and those that it was asked for and has not made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from autoscaler.clients.kubernetes.pods import Pod
from autoscaler.clients.kubernetes.workload import Workload
from autoscaler.clients.units.rules import NEVER, Applied
from autoscaler.model import Drain, Fence, Unit, UnitPhase

NOT_MADE = "asked for, not made yet"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A replica without a pod. number: its ordinal, where there are ordinals. It cannot be marked

    on the cluster, so its mark lives here.
    """

    number: int
    since: float
    drain: Drain | None = None
    fence: Fence = NEVER


@dataclass(frozen=True, slots=True)
class Population:
    """All replicas of one workload as of one look. A value: `after` gives the next one.

    awaited: those without a pod, by the name that their unit has.
    """

    workload: Workload
    pods: Mapping[str, Pod] = field(default_factory=dict)
    awaited: Mapping[str, Awaited] = field(default_factory=dict)

    def after(self, workload: Workload, pods: Sequence[Pod], now: float) -> Population:
        """The next look; who is still awaited keeps age and mark."""
        known = self.awaited if workload.uid == self.workload.uid else {}
        names = {f"{workload.name}-awaited-{n}": n for n in _numbers(workload, pods)}
        awaited = {name: known.get(name, Awaited(n, now)) for name, n in names.items()}
        return Population(workload, {pod.name: pod for pod in pods}, awaited)

    def marked(self, name: str, drain: Drain | None, fence: Fence) -> Population:
        """With the mark of one that has no pod."""
        one = replace(self.awaited[name], drain=drain, fence=fence)
        return replace(self, awaited={**self.awaited, name: one})

    def with_pod(self, pod: Pod) -> Population:
        """With a pod as it is after it was written."""
        return replace(self, pods={**self.pods, pod.name: pod})

    def units(self, nodename: str) -> dict[str, Unit]:
        """Every replica as the engine knows it. nodename: a template with {pod}."""
        ordered = self.workload.ordered
        units = [_unit(pod, nodename, ordered=ordered) for pod in self.pods.values()]
        units += [
            Unit(
                name,
                UnitPhase.PENDING,
                one.since,
                drain=one.drain,
                ordinal=one.number if ordered else None,
                ready=False,
                condition=NOT_MADE,
            )
            for name, one in self.awaited.items()
        ]
        return {unit.name: unit for unit in units}

    def applied(self, newest: Fence) -> Applied:
        """The fences of its units. newest: of what was done to the fleet by this process."""
        fences = {name: pod.fence for name, pod in self.pods.items()}
        fences |= {name: one.fence for name, one in self.awaited.items()}
        return Applied(max([newest, *fences.values()]), fences)


def _numbers(workload: Workload, pods: Sequence[Pod]) -> list[int]:
    """One number for each replica without a pod; the missing ordinals, where there are any."""
    live = [pod for pod in pods if pod.live]
    first, replicas = workload.first_ordinal, workload.scale.replicas
    if workload.ordered:
        there = {pod.ordinal for pod in live}
        return [n for n in range(first, first + replicas) if n not in there]
    return list(range(1, replicas - len(live) + 1))


def _unit(pod: Pod, nodename: str, *, ordered: bool) -> Unit:
    """A pod whose removal was begun does not come back: a late request could still delete it."""
    drain = None if pod.phase is UnitPhase.FAILED else pod.drain
    if drain is not None and pod.leaving:
        drain = replace(drain, pinned=True)
    return Unit(
        name=pod.name,
        phase=pod.phase,
        created_at=pod.created_at,
        worker=nodename.format(pod=pod.name),
        drain=drain,
        shielded=pod.shielded,
        zone=pod.zone,
        ordinal=pod.ordinal if ordered else None,
        ready=pod.ready,
        condition=pod.condition,
        node=pod.node,
        spot=pod.spot,
        image=pod.image,
        grace_seconds=pod.grace_seconds,
        started_at=pod.started_at,
        ready_since=pod.ready_since,
        requests=pod.requests,
    )
