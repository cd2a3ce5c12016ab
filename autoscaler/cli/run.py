"""`autoscaler run`: the daemon."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLES = """\
examples:
  autoscaler run --config autoscaler.yaml --dry-run   decide and tell, change nothing
  autoscaler run --config autoscaler.yaml
  autoscaler run --config autoscaler.yaml --once      one tick: 0 if everything could be read

signals: SIGHUP reads the config again; SIGTERM ends it, and leaves all workers as they are
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", metavar="FILE", type=Path, required=True, help="YAML")
    parser.add_argument("--dry-run", action="store_true", help="decide and tell, change nothing")
    parser.add_argument("--once", action="store_true", help="one tick, and no server")


def run(arguments: argparse.Namespace) -> int:
    """Run it until it is told to stop."""
    from autoscaler.daemon import run as run_daemon  # noqa: PLC0415 - imports all there is

    return run_daemon(arguments.config, dry_run=arguments.dry_run, once=arguments.once)
