"""One case a line in, one answer a line out: `python -m tests.conformance.hpa < cases.jsonl`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

from autoscaler.engine.per_unit_target import CannotTellError
from tests.conformance import calculating, normalizing, reconciling
from tests.conformance.translate import Answer, Case

KINDS = {**normalizing.KINDS, **calculating.KINDS, **reconciling.KINDS}


def answer(case: Case) -> Answer:
    """What the engine makes of a case, or why it cannot."""
    kind = case["kind"]
    if kind not in KINDS:
        return {"error": f"the kind {kind} is not known"}
    try:
        return KINDS[kind](case["inputs"])
    except CannotTellError as error:
        return {"error": str(error)}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return {"error": f"the case cannot be read: {error!r}"}


def answers(lines: Iterable[str]) -> Iterator[str]:
    """The answers to the cases of these lines, in order."""
    for line in lines:
        if line.strip():
            yield json.dumps(answer(json.loads(line)))


if __name__ == "__main__":
    for told in answers(sys.stdin):
        print(told, flush=True)
