"""Which units come, stay and leave: resume before adding, drain before removing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice, takewhile

from autoscaler.model import (
    Action,
    ActionKind,
    Fence,
    Fleet,
    FleetSnapshot,
    QueuesFrom,
    Replica,
    UnitPhase,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """An action before it has its fence."""

    kind: ActionKind
    unit: str
    reason: str
    worker: str = ""
    queues: tuple[str, ...] = ()
    unheard: bool = False


def plan(snapshot: FleetSnapshot, desired: int, fence: Fence) -> tuple[Action, ...]:
    """The actions that bring the present replicas towards `desired`, safest first.

    Draining units are resumed before new ones are added; victims are drained, at most
    `max_draining` at once; a drained unit is removed once it is empty. While anything the fleet
    needs is unknown nobody leaves. Who is to stay and consumes nothing gets its queues back.
    Fences count up from `fence`, in the order in which all this is done: nothing is stale by it.
    """
    missing_replicas = desired - snapshot.current
    resumed = _resume(snapshot, missing_replicas)
    staying = {wish.unit for wish in resumed}
    leaving: list[Wish] = []
    if not snapshot.missing:
        leaving += _drain(snapshot, -missing_replicas)
        leaving += _finish(snapshot, staying)
    revived = _revive(snapshot, staying.union(wish.unit for wish in leaving))
    added = _add(snapshot, missing_replicas - len(resumed), len(resumed))
    wishes = [*resumed, *revived, *added, *leaving]
    return tuple(
        Action(
            kind=wish.kind,
            fleet=snapshot.fleet.name,
            unit=wish.unit,
            fence=Fence(fence.term, fence.sequence + position),
            at=snapshot.now,
            reason=wish.reason,
            worker=wish.worker,
            queues=wish.queues,
            unheard=wish.unheard,
        )
        for position, wish in enumerate(wishes)
    )


def choose(snapshot: FleetSnapshot, number: int) -> tuple[Replica, ...]:
    """The replicas that can best be spared, never a shielded one.

    First those that serve nobody (never registered, not ready), then idle ones, then those
    expected to be empty soonest; ties go to the fullest zone, then to the newest. Where units have
    ordinals only the highest may leave, and a shielded one keeps all below it.
    """
    serving = [replica for replica in snapshot.replicas if replica.serving]
    if any(replica.unit.ordinal is not None for replica in serving):
        serving.sort(key=lambda replica: -(replica.unit.ordinal or 0))
        free = takewhile(lambda replica: not replica.unit.shielded, serving)
        return tuple(islice(free, number))
    zones = Counter(replica.unit.zone for replica in serving)
    candidates = [replica for replica in serving if not replica.unit.shielded]
    victims: list[Replica] = []
    while candidates and len(victims) < number:
        victim = min(candidates, key=lambda replica: _cost_of_losing(replica, zones))
        candidates.remove(victim)
        zones[victim.unit.zone] -= 1
        victims.append(victim)
    return tuple(victims)


def kept_by_order(leaving: Collection[str], snapshot: FleetSnapshot) -> Mapping[str, str]:
    """Who of those that would leave cannot yet -> who has to leave before.

    Where units have ordinals the highest goes first: one that stays above keeps all below it.
    """
    ordered = [(r.unit.ordinal, r) for r in snapshot.replicas if r.unit.ordinal is not None]
    staying = ((n, r.name) for n, r in ordered if _alive(r) and r.name not in leaving)
    highest, name = max(staying, default=(-1, ""))
    return {r.name: name for n, r in ordered if r.name in leaving and n < highest}


def on_their_way_out(snapshot: FleetSnapshot) -> frozenset[str]:
    """Those that drain and that nobody keeps, whom `max_draining` is about."""
    draining = frozenset(replica.name for replica in snapshot.replicas if replica.draining)
    return draining - kept_by_order(draining, snapshot).keys()


def removable(replica: Replica, snapshot: FleetSnapshot) -> bool:
    """Whether all we know says that the unit is empty. It is asked once more before it goes."""
    if replica.terminating or replica.unit.drain is None:
        return False
    if not snapshot.fleet.queues:
        return True
    if replica.worker is None:
        return replica.unheard
    return not replica.silent and replica.worker.drained and not replica.lingering


def _cost_of_losing(replica: Replica, zones: Counter[str]) -> tuple[float, ...]:
    worker = replica.worker
    held = 0 if worker is None else (worker.busy or 0) + (worker.reserved or 0)
    if replica.unheard:
        rank = 0
    elif not replica.ready:
        rank = 1
    else:
        rank = 2 if held == 0 else 3
    expected = replica.expected_empty_seconds
    soonest = float(held) if expected is None else expected
    return rank, soonest, -zones[replica.unit.zone], -replica.unit.created_at


def _resume(snapshot: FleetSnapshot, wanted: int) -> list[Wish]:
    """Give work back to draining workers that can hear us, the latest drained first.

    Of those with ordinals the lowest: one that stays above keeps all that drain below it.
    """
    able = [r for r in snapshot.replicas if _resumable(r)]
    able.sort(key=_resumed_first)
    reason = "demand returned: a draining unit is cheaper than a new one"
    return [
        _tell(ActionKind.RESUME, replica, snapshot, reason) for replica in able[: max(0, wanted)]
    ]


def _revive(snapshot: FleetSnapshot, planned: set[str]) -> Iterator[Wish]:
    """Undo what came late or was done by hand: a worker without queues that no mark explains.

    And tell those that lack queues which were found after their start.
    """
    for replica in snapshot.replicas:
        worker = replica.worker
        if worker is None or worker.queues is None:
            continue
        if not replica.serving or replica.silent or replica.name in planned:
            continue
        if not worker.queues:
            reason = "it takes no tasks, and nothing says that it leaves"
            yield _tell(ActionKind.RESUME, replica, snapshot, reason)
        elif lacking := _lacking(worker.queues, snapshot.fleet):
            reason = f"its fleet serves {', '.join(lacking)} as well"
            yield Wish(ActionKind.RESUME, replica.name, reason, worker.name, lacking)


def _add(snapshot: FleetSnapshot, wanted: int, resumed: int) -> Iterator[Wish]:
    """Launch new units, never more than `max_replicas` in all that can still run a task."""
    alive = sum(1 for r in snapshot.replicas if _alive(r))
    room = snapshot.fleet.max_replicas - alive
    for name in islice(_free_names(snapshot), max(0, min(wanted, room))):
        reason = f"more than {snapshot.current + resumed} needed"
        yield Wish(ActionKind.ADD, name, reason)


def _drain(snapshot: FleetSnapshot, excess: int) -> Iterator[Wish]:
    """Mark victims, as many as may drain at once; one that others keep is in nobody's way."""
    free = snapshot.fleet.drain.max_draining - len(on_their_way_out(snapshot))
    for replica in choose(snapshot, max(0, min(excess, free))):
        yield _tell(ActionKind.DRAIN, replica, snapshot, f"{excess} too many")


def _finish(snapshot: FleetSnapshot, staying: set[str]) -> Iterator[Wish]:
    """Carry every drain one step on: tell the worker again, or remove the empty unit."""
    for replica in snapshot.replicas:
        if not replica.draining or replica.name in staying:
            continue
        worker = replica.worker
        name = worker.name if worker else replica.unit.worker
        if removable(replica, snapshot):
            reason = "it never took a task" if worker is None else "drained and empty"
            never = replica.unheard
            yield Wish(ActionKind.REMOVE, replica.name, reason, worker=name, unheard=never)
        elif worker is not None and not replica.silent and worker.queues != frozenset():
            yield _tell(ActionKind.DRAIN, replica, snapshot, "it still takes tasks")


def _tell(kind: ActionKind, replica: Replica, snapshot: FleetSnapshot, reason: str) -> Wish:
    """To drain or resume: the worker, where it is known, and the queues that it is about."""
    name = replica.worker.name if replica.worker else ""
    return Wish(kind, replica.name, reason, worker=name, queues=_queues_of(replica, snapshot))


def _queues_of(replica: Replica, snapshot: FleetSnapshot) -> tuple[str, ...]:
    """The queues the worker has or had: those it tells of, those on its mark, the fleet's."""
    told = replica.worker.queues if replica.worker else None
    marked = replica.unit.drain.queues if replica.unit.drain else ()
    return tuple(sorted({*(told or ()), *marked})) or snapshot.fleet.queues


def _lacking(consumed: frozenset[str], fleet: Fleet) -> tuple[str, ...]:
    """Queues that are named in the config are the command's business, and the operator's."""
    if fleet.queues_from is not QueuesFrom.SOURCES:
        return ()
    return tuple(queue for queue in fleet.queues if queue not in consumed)


def _resumable(replica: Replica) -> bool:
    drain = replica.unit.drain
    return drain is not None and not drain.pinned and not replica.silent and _alive(replica)


def _resumed_first(replica: Replica) -> tuple[int, float]:
    since = replica.unit.drain.since if replica.unit.drain else 0.0
    return replica.unit.ordinal or 0, -since


def _alive(replica: Replica) -> bool:
    return replica.unit.phase in (UnitPhase.PENDING, UnitPhase.RUNNING)


def _free_names(snapshot: FleetSnapshot) -> Iterable[str]:
    taken = {replica.name for replica in snapshot.replicas}
    names = (f"{snapshot.fleet.name}-{number}" for number in count(1))
    return (name for name in names if name not in taken)
