"""Footprints as rows of the journal: one for each DAG, its last runs in it as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from autoscaler.engine.footprints import shared
from autoscaler.model import Curve, Footprint, RunShape

Row = tuple[str, str, float, str]


def row_of(footprint: Footprint) -> Row:
    """source, dag, at, runs."""
    runs = [
        [
            run.run_id,
            run.started_at,
            [[c.queue, c.executor, c.offsets, c.levels] for c in run.curves],
        ]
        for run in footprint.runs
    ]
    document = json.dumps(runs, separators=(",", ":"))
    return footprint.source, footprint.dag_id, footprint.learned_at, document


def footprints_of(rows: Iterable[Row]) -> Iterator[Footprint]:
    """What the rows tell; one that tells nothing that can be used is left out."""
    for source, dag_id, at, document in rows:
        try:
            runs = tuple(_run(*run) for run in json.loads(document))
        except (ValueError, TypeError):
            continue
        if runs:
            yield Footprint(source, dag_id, runs, at)


def _run(run_id: str, started_at: float, curves: list[list[Any]]) -> RunShape:
    return RunShape(run_id, started_at, tuple(_curve(*curve) for curve in curves))


def _curve(queue: str, executor: str, offsets: list[float], levels: list[int]) -> Curve:
    """Raises ValueError where the two do not fit together."""
    if len(offsets) != len(levels):
        raise ValueError("a curve has as many levels as offsets")
    return Curve(queue, executor, shared(offsets), tuple(levels))
