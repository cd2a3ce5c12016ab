"""Makes a failure small: leaves out fault classes that it does not need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.simulation.simulation import Run, simulate


def shrink(run: Run, simulate: Callable[..., Run] = simulate) -> Run:
    """A run of the same seed that breaks the same invariant, with as few fault classes as can be.

    Tries to leave out half of what is left, then ever smaller parts.
    """
    assert run.violation is not None
    hours = run.violation.at / 3600 + 0.01 if run.violation.oracle != "liveness" else run.hours
    best = run
    size = max(1, len(run.enabled) // 2)
    while True:
        left = best.enabled
        parts = [left[start : start + size] for start in range(0, len(left), size)]
        for part in parts:
            tried = simulate(run.seed, hours, set(best.enabled).difference(part))
            if tried.violation and tried.violation.oracle == run.violation.oracle:
                best = tried
        if size == 1:
            return replace(best, hours=hours)
        size = max(1, size // 2)
