"""Lists in pages: all pages of one list are of one version."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tests.kubernetes.calls import Call
from tests.kubernetes.kinds import Item
from tests.kubernetes.refusals import Refused
from tests.kubernetes.selectors import parse
from tests.kubernetes.store import Store

TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter."
)


@dataclass(frozen=True, slots=True)
class _Rest:
    items: list[Item]
    version: int


class Lists:
    """The pages that are still to come, by their tokens."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rests: dict[str, _Rest] = {}

    def page(self, call: Call) -> Item:
        """Raises Refused (400, 410)."""
        kind, query = call.kind, call.query
        assert kind is not None
        if token := query.get("continue"):
            rest = self._rests.get(token)
            if rest is None:
                raise Refused(400, "continue key is not valid")
            if rest.version < self._store.oldest:
                raise Refused(410, TOO_OLD)
        else:
            fits = parse(kind, query)
            found = [i for i in self._store.list(kind.table, call.namespace) if fits(i)]
            rest = _Rest(found, self._store.version)
        limit = int(query.get("limit") or 0) or len(rest.items)
        metadata: Item = {"resourceVersion": str(rest.version)}
        if later := rest.items[limit:]:
            metadata["continue"] = uuid.uuid4().hex
            self._rests[metadata["continue"]] = _Rest(later, rest.version)
            if not query.get("labelSelector") and not query.get("fieldSelector"):
                metadata["remainingItemCount"] = len(later)
        items = rest.items[:limit]
        if not kind.custom:  # in lists the built-in kinds do not say what they are
            items = [
                {k: v for k, v in item.items() if k not in ("kind", "apiVersion")} for item in items
            ]
        return {
            "kind": f"{kind.name}List",
            "apiVersion": kind.api_version,
            "metadata": metadata,
            "items": items,
        }
