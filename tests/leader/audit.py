"""Who led and who acted, by the requests that an API server has carried out and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from tests.kubernetes.calls import Call

FENCE = "autoscaler/fence"
DONE = range(200, 300)


class Audit:
    """Reads the server's calls on as they come. daemons: the names of its users that may lead.

    leader: whose the lease is by the last write of it; "" while it is given back. acted: how many
    writes each leader had carried out in each term. faults: what must never be. late: writes that
    a network held back until another led. Nothing but their fence and their precondition can tell
    them apart, on any Kubernetes.
    """

    def __init__(self, calls: Sequence[Call], daemons: Collection[str]) -> None:
        self.leader = ""
        self.term = 0
        self.led: dict[int, str] = {}
        self.acted: defaultdict[tuple[int, str], int] = defaultdict(int)
        self.refused = 0
        self.late = 0
        self._held: defaultdict[str, int] = defaultdict(int)
        self.faults: list[str] = []
        self._calls = calls
        self._daemons = daemons
        self._read = 0

    def heal(self, user: str, held: int) -> None:
        """The network delivers so many pieces of what this daemon sent while it was cut off."""
        self._held[user] = held

    def read(self) -> None:
        """Take in what came since the last time."""
        calls, self._read = self._calls[self._read :], len(self._calls)
        for call in calls:
            if call.user not in self._daemons:
                continue
            if call.plural == "leases" and call.verb in ("create", "update"):
                self._see_lease(call)
            elif call.verb == "patch":
                self._see_action(call)

    def _see_lease(self, call: Call) -> None:
        if call.status not in DONE:
            return
        spec = call.body["spec"]
        self.term = spec["leaseTransitions"]
        self.leader = call.user if spec["holderIdentity"] else ""
        if self.led.setdefault(self.term, call.user) != call.user:
            self.faults.append(f"term {self.term} is led by {self.led[self.term]} and {call.user}")
        if self.term < max(self.led):
            self.faults.append(f"term {self.term} came after {max(self.led)}")

    def _see_action(self, call: Call) -> None:
        if call.status not in DONE:
            self.refused += 1
            return
        fence = (call.body["metadata"].get("annotations") or {}).get(FENCE, "")
        if call.user != self.leader and self._was_held(call, fence):
            self.late += 1
            return
        if call.user != self.leader:
            self.faults.append(f"{call.user} wrote {call} while {self.leader or 'nobody'} led")
        self.acted[self.term, call.user] += 1
        if fence and self.led.get(int(fence.partition(".")[0])) != call.user:
            self.faults.append(f"{call.user} wrote {call} with the fence {fence} of another")

    def _was_held(self, call: Call, fence: str) -> bool:
        """Whether it can be what the network held back: of the sender's own term, with the version
        that it had seen.
        """
        own = bool(fence) and self.led.get(int(fence.partition(".")[0])) == call.user
        pinned = bool(call.body["metadata"].get("resourceVersion"))
        if not (own and pinned and self._held[call.user]):
            return False
        self._held[call.user] -= 1
        return True
