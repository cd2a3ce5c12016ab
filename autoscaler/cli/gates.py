"""Gates: by how much a replay may be worse under a new config."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autoscaler.simulator.contest import Standing

GATE = re.compile(r"(?P<name>[a-z0-9]+)=(?P<sign>[+-])(?P<bound>\d+(?:\.\d+)?)(?P<percent>%?)")
MORE_IS_BETTER = ("a30", "a120", "a300")
LESS_IS_BETTER = ("p95", "cost", "launches", "flaps")


@dataclass(frozen=True, slots=True)
class Gate:
    """A measure, and the bound of its change, in percent of what it was or in its own unit."""

    name: str
    bound: float
    percent: bool

    def __str__(self) -> str:
        return f"{self.name}={self.bound:+g}{'%' if self.percent else ''}"

    def broken(self, before: float, after: float) -> bool:
        """Whether it changed for the worse by more."""
        change = after - before
        if self.percent:
            change = 100 * change / before if before else (0.0 if not change else float("inf"))
        return change < self.bound if self.name in MORE_IS_BETTER else change > self.bound


def gate(text: str) -> Gate:
    """A gate as it is written. Raises ArgumentTypeError, with how to write it."""
    match = GATE.fullmatch(text)
    name = match["name"] if match else ""
    wanted = "-" if name in MORE_IS_BETTER else "+"
    if match is None or name not in (*MORE_IS_BETTER, *LESS_IS_BETTER) or match["sign"] != wanted:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no gate: write how much worse it may get, as in a30=-0.5 (points) or "
            f"cost=+5%; measures: {', '.join((*MORE_IS_BETTER, *LESS_IS_BETTER))}"
        )
    return Gate(name, float(match["sign"] + match["bound"]), bool(match["percent"]))


def measures(one: Standing) -> dict[str, float]:
    """By the names that gates have: shares in percent, p95 in seconds, cost in worker-hours."""
    shares = {f"a{seconds}": 100 * share for seconds, share in one.within.items()}
    return {
        **shares,
        "p95": one.waits[0.95],
        "cost": one.worker_hours,
        "kills": one.kills,
        "launches": one.launches_a_day,
        "flaps": one.flaps_a_day,
    }


def broken(
    gates: Sequence[Gate], before: Mapping[str, float], after: Mapping[str, float]
) -> Iterator[str]:
    """What is worse than it may be, in words. Tasks killed may never become more."""
    if after["kills"] > before["kills"]:
        yield f"kills: {before['kills']:g} -> {after['kills']:g}, and none more may be killed"
    for each in gates:
        was, becomes = before[each.name], after[each.name]
        if each.broken(was, becomes):
            yield f"{each}: {was:.2f} -> {becomes:.2f}"
