"""Which HorizontalPodAutoscaler scales a workload already; one list of them serves all fleets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from autoscaler.clients.kubernetes.connection import Connection, Object
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.resource import Request, autoscalers

LIST_SECONDS = 3600.0
LIST_WHILE_HELD_SECONDS = 30.0
AGAIN_SECONDS = 60.0
_KEDA_NAME = "scaledobject.keda.sh/name"


@dataclass(slots=True)
class _Listing:
    """What a namespace has: (kind, name) of the workload -> words for what scales it."""

    by_workload: Mapping[tuple[str, str], str] = field(default_factory=dict)
    at: float | None = None
    fault: str = ""


_LISTINGS: WeakKeyDictionary[Connection, dict[str, _Listing]] = WeakKeyDictionary()


class Autoscalers:
    """The HorizontalPodAutoscalers of one namespace, listed once an hour, or more often in need.

    fault: why they could not be listed; what was known before is told meanwhile.
    """

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._request = Request("list", autoscalers(namespace))
        self._listing = _LISTINGS.setdefault(connection, {}).setdefault(namespace, _Listing())

    @property
    def fault(self) -> str:
        """Why the last list failed, or nothing."""
        return self._listing.fault

    async def of(self, kind: str, name: str, *, suspected: bool) -> str:
        """What scales this workload, or nothing. suspected: look anew, it may just have gone."""
        listing = self._listing
        now = asyncio.get_running_loop().time()
        held = suspected or (kind, name) in listing.by_workload
        patience = LIST_WHILE_HELD_SECONDS if held else LIST_SECONDS
        patience = AGAIN_SECONDS if listing.fault else patience
        if listing.at is None or now - listing.at >= patience:
            listing.at = now
            try:
                items, _ = await self._connection.pages(self._request, ())
                listing.by_workload = dict(_targets(items))
                listing.fault = ""
            except ApiError as error:
                listing.fault = str(error)
        return listing.by_workload.get((kind, name), "")


def _targets(items: list[Object]) -> list[tuple[tuple[str, str], str]]:
    found = []
    for item in items:
        metadata, spec = item.get("metadata") or {}, item.get("spec") or {}
        target = spec.get("scaleTargetRef") or {}
        words = f"HorizontalPodAutoscaler {metadata.get('name')}"
        if scaled := (metadata.get("labels") or {}).get(_KEDA_NAME):
            words = f"KEDA's ScaledObject {scaled}"
        found.append(((str(target.get("kind")), str(target.get("name"))), words))
    return found
