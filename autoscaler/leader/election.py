"""What elections by lease have in common, wherever the lease is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from autoscaler.interfaces import Election, Leadership
from autoscaler.leader.lease import LeaseOptions, LeaseStore
from autoscaler.leader.lease_leader import LeaseLeader

LeaseOptionsT = TypeVar("LeaseOptionsT", bound=LeaseOptions)


class LeaseElection(LeaseStore, Election[LeaseOptionsT]):
    """Whoever holds the lease leads."""

    def stand(self, now: Callable[[], float], elapsed: Callable[[], float]) -> Leadership:
        return LeaseLeader(self, self.options, self.context.state_directory, now, elapsed)
