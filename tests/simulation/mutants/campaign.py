"""Hunts many planted bugs, each in a process of its own, and says what share was found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from statistics import median

from tests.simulation.mutants.bug import ROOT
from tests.simulation.mutants.catalogue import BUGS

SEEDS = 60
HOURS = 2.0
ENOUGH = 0.95
HUNT_SECONDS = 400


@dataclass(frozen=True, slots=True)
class Hunt:
    """What came of one bug. seed None: not found. hours: simulated until it was, or in all."""

    name: str
    seed: int | None
    oracle: str | None
    hours: float


@dataclass(frozen=True, slots=True)
class Campaign:
    """All hunts."""

    hunts: tuple[Hunt, ...]

    @property
    def found(self) -> list[Hunt]:
        return [hunt for hunt in self.hunts if hunt.seed is not None]

    @property
    def share(self) -> float:
        """The share of bugs that were found."""
        return len(self.found) / len(self.hunts)

    @property
    def enough(self) -> bool:
        return self.share >= ENOUGH

    def as_json(self) -> str:
        """One document with everything."""
        every = [asdict(hunt) for hunt in self.hunts]
        return json.dumps({"share": self.share, "hunts": every}, indent=1)


def hunts(names: Sequence[str], jobs: int | None, seeds: int = SEEDS) -> Iterator[Hunt]:
    """Hunt these bugs, or all of them when none is named; each as it is done, in order."""
    unknown = set(names) - BUGS.keys()
    if unknown:
        raise SystemExit(f"no bug is called {', '.join(sorted(unknown))}")
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda name: _hunt(name, seeds), names or BUGS)


def line(hunt: Hunt) -> str:
    """What came of one bug."""
    where = f"seed {hunt.seed}, {hunt.oracle}" if hunt.seed else "NOT FOUND"
    return f"{hunt.name:36} {hunt.hours:8.2f} h  {where}"


def summary(campaign: Campaign) -> Iterable[str]:
    """What was not found, and the share of what was."""
    for hunt in campaign.hunts:
        if hunt.seed is None:
            yield f"not found: {hunt.name}: {BUGS[hunt.name].harmless or 'nobody knows why'}"
    hours = median(hunt.hours for hunt in campaign.found) if campaign.found else 0.0
    number = f"{len(campaign.found)} of {len(campaign.hunts)}"
    yield f"{number} found ({campaign.share:.1%}), in {hours:.2f} simulated hours at the median"


def _hunt(name: str, seeds: int) -> Hunt:
    command = [sys.executable, "-W", "ignore", "-m", "tests.simulation.mutants.hunt"]
    done = subprocess.run(
        [*command, name, str(seeds), str(HOURS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HUNT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        return Hunt(name, 0, f"it does not run: {done.stderr.strip().splitlines()[-1]}", 0.0)
    return Hunt(name, **json.loads(done.stdout))
