"""What runs amount to, in words and in JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tests.simulation.nemesis import CATALOGUE
from tests.simulation.simulation import Run

DAY_HOURS = 24.0
SHOWN = ("add applied", "drain applied", "resume applied", "remove applied", "dies", "tick")


def totals(runs: Sequence[Run], cpu_seconds: float) -> dict[str, Any]:
    """All runs in figures. hours and days are simulated, under faults."""
    counts, tasks = Counter[str](), Counter[str]()
    for run in runs:
        counts.update(run.counts)
        tasks.update(run.tasks)
    hours = sum(run.hours for run in runs)
    return {
        "seeds": len(runs),
        "days": round(hours / DAY_HOURS, 2),
        "hours_per_cpu_minute": round(hours / cpu_seconds * 60, 1) if cpu_seconds else None,
        "faults": counts["fault"],
        "events": sum(run.events for run in runs),
        "by_class": {fault.name: counts[f"fault {fault.name}"] for fault in CATALOGUE},
        "done": {name: counts[name] for name in SHOWN},
        "tasks": dict(tasks),
        "violations": [asdict(run) for run in runs if run.violation],
    }


def summary(figures: dict[str, Any]) -> Iterable[str]:
    """The figures as lines."""
    done = ", ".join(f"{number} x {name}" for name, number in figures["done"].items())
    tasks = ", ".join(f"{number} {name}" for name, number in sorted(figures["tasks"].items()))
    classes = sum(1 for number in figures["by_class"].values() if number)
    yield f"{figures['seeds']} seeds, {figures['days']} simulated days under faults"
    yield f"{figures['faults']} faults of {classes} classes, {figures['events']} events"
    yield f"done: {done}"
    yield f"tasks: {tasks}"
    yield f"{figures['hours_per_cpu_minute']} simulated hours per CPU-minute"
    yield f"{len(figures['violations'])} violations"


def failure(run: Run) -> Iterable[str]:
    """One run that broke an invariant: what, when, after what, and how to see it again."""
    violation = run.violation
    assert violation is not None
    yield f"seed {run.seed} breaks `{violation.oracle}`: {violation.message}"
    yield f"  at event {violation.event}, {violation.at:.3f} s into it; trace {run.digest}"
    yield f"  fault classes: {', '.join(run.enabled) or 'none'}"
    yield from (f"    {line}" for line in run.tail)
    again = f"--replay --seed {run.seed} --hours {run.hours:.4g} --only {','.join(run.enabled)}"
    yield f"  again: python -m tests.simulation {again}"
