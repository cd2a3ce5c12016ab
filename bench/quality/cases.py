"""The traces of a run: the project's generators, or the files of a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from autoscaler.simulator.generators.known import GENERATORS
from autoscaler.simulator.trace import Trace, load
from autoscaler.simulator.zero_wait import peaks

FLEETS = "fleets.json"
SLOTS = 4


@dataclass(frozen=True)
class Case:
    """One trace. group: its class. slots: of a worker. most: workers of each queue; empty: what the
    peak of its tasks needs. yardstick_hours: the cost that counts as 1; None: the clairvoyant's.
    """

    name: str
    group: str
    slots: int
    file: Path | None = None
    seed: int = 0
    most: Mapping[str, int] = field(default_factory=dict, hash=False)
    yardstick_hours: float | None = None

    def trace(self) -> Trace:
        """Its tasks."""
        return _trace(self.file, self.group, self.seed)

    def max_workers(self) -> Mapping[str, int]:
        """Of each queue."""
        return self.most or _peaks(self.file, self.group, self.seed, self.slots)


def generated(seeds: tuple[int, ...]) -> Iterator[Case]:
    """A case of each class for each seed."""
    for group, generator in GENERATORS.items():
        for seed in seeds:
            yield Case(f"{group}-{seed}", group, generator.slots, seed=seed)


def in_folder(folder: Path, fleets: Path | None = None) -> Iterator[Case]:
    """Its traces, with what a `fleets.json` says of them.

    {TRACE: {"class": ..., "slots": ..., "max_workers": {QUEUE: ...}, "yardstick_hours": ...}}, of
    which any may be left out.
    """
    path = fleets or folder / FLEETS
    known = json.loads(path.read_text()) if path.exists() else {}
    for file in sorted(folder.glob("*.csv*")):
        name = file.name.split(".")[0]
        said = known.get(name, {})
        yield Case(
            name=name,
            group=said.get("class", "-"),
            slots=said.get("slots", SLOTS),
            file=file,
            most=said.get("max_workers", {}),
            yardstick_hours=said.get("yardstick_hours"),
        )


@lru_cache(maxsize=2)
def _trace(file: Path | None, group: str, seed: int) -> Trace:
    if file is not None:
        return load(file)
    generator = GENERATORS[group]
    return generator.make(seed, generator.days)


@lru_cache(maxsize=2)
def _peaks(file: Path | None, group: str, seed: int, slots: int) -> Mapping[str, int]:
    return peaks(_trace(file, group, seed), slots)
