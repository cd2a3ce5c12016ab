"""Runs every benchmark in a process of its own, one after the other."""

from __future__ import annotations

import subprocess
import sys

PARTS = (
    "decide",
    "queues",
    "airflow_database",
    "learning",
    "foresight",
    "heartbeats",
    "cli",
    "jump",
    "simulate",
    "idle",
    "pods",
)


def main() -> int:
    """1 when a part missed a bound or failed."""
    codes = {}
    for part in PARTS:
        codes[part] = subprocess.run(
            [sys.executable, "-m", f"bench.{part}"], check=False
        ).returncode
    failed = [part for part, code in codes.items() if code]
    print(f"\nOut of bounds or failed: {', '.join(failed)}" if failed else "\nAll within bounds.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
