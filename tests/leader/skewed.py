"""`python -m tests.leader.skewed SECONDS ARGUMENT...`: autoscaler where the clock is wrong."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def shifted(seconds: float, true: Callable[[], float]) -> Callable[[], float]:
    return lambda: true() + seconds


if __name__ == "__main__":
    true = time.time  # noqa: TID251 - it is the machine whose time is asked here
    time.time = shifted(float(sys.argv.pop(1)), true)  # noqa: TID251 - and set
    from autoscaler.cli import main  # after the clock: it is read as it is imported

    sys.exit(main())
