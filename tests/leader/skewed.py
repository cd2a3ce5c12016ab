"""`python -m tests.leader.skewed SECONDS ARGUMENT...`: autoscaler on a machine with a wrong clock."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def shifted(seconds: float, true: Callable[[], float]) -> Callable[[], float]:
    return lambda: true() + seconds


if __name__ == "__main__":
    time.time = shifted(float(sys.argv.pop(1)), time.time)
    from autoscaler.cli import main  # after the clock: it is read as it is imported

    sys.exit(main())
