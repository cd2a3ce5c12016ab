"""`autoscaler schema`: the JSON Schema of the config, for editors."""

from __future__ import annotations

import argparse
import json

EXAMPLES = """\
examples:
  autoscaler schema > autoscaler.schema.json

and in the first line of the config, for editors that speak YAML:
  # yaml-language-server: $schema=autoscaler.schema.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES


def run(_: argparse.Namespace) -> int:
    """Print it."""
    from autoscaler.config import schema  # noqa: PLC0415 - imports pydantic

    print(json.dumps(schema(), indent=2))
    return 0
