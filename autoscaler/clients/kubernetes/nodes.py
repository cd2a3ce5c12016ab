"""Where nodes are and whether they may be taken away: each is asked for once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoscaler.clients.kubernetes.connection import Connection
from autoscaler.clients.kubernetes.faults import ApiError, NotFound
from autoscaler.clients.kubernetes.pods import ZONE, Pod, spot_of
from autoscaler.clients.kubernetes.resource import NODES, Request

MOST_AT_ONCE = 10
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Node:
    """What of a node concerns its pods."""

    zone: str = ""
    spot: bool = False


class Nodes:
    """Nodes by name. fault: why the last one could not be read; its pods have no zone then."""

    def __init__(self, connection: Connection) -> None:
        self.fault = ""
        self._connection = connection
        self._known: dict[str, Node] = {}

    async def learn(self, pods: tuple[Pod, ...]) -> None:
        """Ask for the nodes that are new, some at a time."""
        new = {pod.node for pod in pods if pod.node} - self._known.keys()
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        self.fault = ""
        for name in sorted(new)[:MOST_AT_ONCE]:
            try:
                item = await self._connection.ask(Request("get", NODES, name))
            except NotFound:
                self._known[name] = Node()
                continue
            except ApiError as error:
                self.fault = str(error)
                return
            labels = (item.get("metadata") or {}).get("labels") or {}
            self._known[name] = Node(labels.get(ZONE) or "", spot_of(labels))

    def laid_on(self, pod: Pod) -> Pod:
        """The pod with what its node tells of it."""
        node = self._known.get(pod.node)
        if node is None:
            return pod
        return replace(pod, zone=pod.zone or node.zone, spot=pod.spot or node.spot)
