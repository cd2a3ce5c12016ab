"""`python -m tests.simulation.mutants.hunt NAME SEEDS HOURS`: seek one planted bug."""

from __future__ import annotations

import json
import sys
from importlib import import_module

from tests.simulation.mutants.catalogue import BUGS
from tests.simulation.mutants.planting import plant


def hunt(name: str, seeds: int, hours: float) -> dict[str, object]:
    """Plant the bug and simulate seed after seed until an invariant is broken."""
    plant(BUGS[name])
    simulate = import_module("tests.simulation.simulation").simulate
    simulated = 0.0
    for seed in range(1, seeds + 1):
        run = simulate(seed, hours)
        simulated += run.hours
        if run.violation:
            return {"seed": seed, "oracle": run.violation.oracle, "hours": round(simulated, 3)}
    return {"seed": None, "oracle": None, "hours": round(simulated, 3)}


if __name__ == "__main__":
    print(json.dumps(hunt(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
