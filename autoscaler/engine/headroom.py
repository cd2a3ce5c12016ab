"""How many replicas each of several fleets may add to what all of them load, in the same tick."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """One fleet's part in it.

    limit: up to what its budget lets it grow; None: it has none. cost: what a replica adds, and
    whether that is only assumed. coming: replicas whose load does not show yet. may_add: as many
    as its max_replicas leaves.
    """

    limit: float | None
    cost: float
    assumed: bool
    coming: int
    may_add: int


def fitting(level: float, claims: Mapping[str, Claim], turn: int) -> dict[str, int]:
    """How many replicas fit, for each fleet that may grow and has a budget.

    All of them may use it at once and stay within the largest limit: what is left is divided
    evenly, and what of that makes no whole replica goes to one of them, by `turn`. Where a cost is
    only assumed and none comes, that one may add a replica, for otherwise it is never known.
    """
    expected = level + sum(claim.cost * claim.coming for claim in claims.values())
    left = {
        name: claim.limit - expected
        for name, claim in claims.items()
        if claim.limit is not None and claim.may_add > 0
    }
    found = {name: _whole(room / len(left), claims[name]) for name, room in left.items()}
    if left:
        first = sorted(left)[turn % len(left)]
        others = sum(claims[name].cost * more for name, more in found.items() if name != first)
        found[first] = max(found[first], _whole(left[first] - others, claims[first]))
        coming = any(claim.coming for claim in claims.values())
        if claims[first].assumed and not coming and left[first] > 0:
            found[first] = max(found[first], 1)
    return found


def _whole(room: float, claim: Claim) -> int:
    if room <= 0:
        return 0
    if claim.cost * claim.may_add <= room:
        return claim.may_add
    return math.floor(room / claim.cost)
