"""The leader where there is no second daemon."""

from __future__ import annotations

from autoscaler.interfaces import Leadership


class SoleLeader(Leadership):
    """For a controller that another program embeds: there is no second one.

    Where targets outlive the program, give each run a higher term than the last.
    """

    def __init__(self, term: int = 1) -> None:
        self.term = term

    def holds(self, for_seconds: float = 0.0) -> bool:
        return True

    async def acquire(self) -> bool:
        return True

    async def aclose(self) -> None:
        """There is no other."""
