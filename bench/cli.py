"""How long a client command takes from the shell's point of view, beside Python's own start."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median

from bench.figures import Figure, tell

BOUND_MS = 150.0
COMMANDS = (
    ("status", "--url", "http://127.0.0.1:9"),
    ("explain", "default", "--url", "http://127.0.0.1:9"),
    ("pause", "default", "--reason", "bench", "--url", "http://127.0.0.1:9"),
    ("convert", "tests/testdata/convert/hpa.yaml"),
    ("--help",),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the medians; 1 when one is out of bounds. Nothing answers, so only the start counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="of each command (default: 15)")
    runs = parser.parse_args(argv).runs
    figures = [Figure("python -c pass", _median_ms(["-c", "pass"], runs), "ms")]
    figures += [
        Figure(
            f"autoscaler {words[0]}", _median_ms(["-m", "autoscaler", *words], runs), "ms", BOUND_MS
        )
        for words in COMMANDS
    ]
    return tell("Start of client commands, median", figures)


def _median_ms(words: Sequence[str], runs: int) -> float:
    return median(_once_ms(words) for _ in range(runs))


def _once_ms(words: Sequence[str]) -> float:
    environment = {**os.environ, "AUTOSCALER_TOKEN": "bench"}
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())
