"""How many workers of a fleet load what its readings show, and how many will that do not yet."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.engine.growth import SETTLED_SECONDS
from autoscaler.engine.hearing import STARTING_SECONDS
from autoscaler.model import FleetSnapshot, Replica


@dataclass(frozen=True, slots=True)
class Crew:
    """A fleet's replicas. A value: `after` returns the next one.

    connected: those whose worker was heard of, also while they drain. arrived: when and how many
    of them came lately (Unix seconds). starting: those that are not heard of yet.
    """

    connected: int = 0
    arrived: tuple[tuple[float, int], ...] = ()
    starting: int = 0

    @classmethod
    def first(cls, view: FleetSnapshot) -> Crew:
        """As they are at the first look: who is heard of has long been there."""
        connected = sum(_connected(replica) for replica in view.replicas)
        return cls(connected, (), sum(_starting(each, view.now) for each in view.replicas))

    def after(self, view: FleetSnapshot) -> Crew:
        """With what one tick tells."""
        found, now = Crew.first(view), view.now
        arrived = tuple(one for one in self.arrived if abs(now - one[0]) < SETTLED_SECONDS)
        if found.connected > self.connected:
            arrived += ((now, found.connected - self.connected),)
        return Crew(found.connected, arrived, found.starting)

    @property
    def coming(self) -> int:
        """Those whose load does not show in the readings yet."""
        return self.starting + sum(number for _, number in self.arrived)


def told_of(view: FleetSnapshot) -> bool:
    """Whether the fleet's replicas can be counted: its units were read, and we hear its workers."""
    return f"target/{view.fleet.name}" not in view.missing and view.listening


def _connected(replica: Replica) -> bool:
    if replica.worker is None:
        return replica.ready  # a fleet without queues has no workers to hear of
    return not replica.worker.offline


def _starting(replica: Replica, now: float) -> bool:
    """One that stays unheard of is dead, or works unseen, which the readings show by then."""
    young = now - replica.unit.created_at < STARTING_SECONDS
    return replica.serving and young and not _connected(replica)
