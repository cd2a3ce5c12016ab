"""`autoscaler convert`: what an HPA, a ScaledObject or Airflow's chart values are as fleets."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from autoscaler.cli.failure import Exit, Failure
from autoscaler.convert.input import Conversion, Text, convert
from autoscaler.convert.writing import written
from autoscaler.document import MAX_BYTES
from autoscaler.text_file import read_text

EXAMPLES = """\
examples:
  autoscaler convert scaledobject.yaml > autoscaler.yaml
  autoscaler convert hpa.yaml authentication.yaml --json
  kubectl get hpa -n airflow -o yaml | autoscaler convert -
  helm get values airflow -o yaml | autoscaler convert - --release airflow

read are: HorizontalPodAutoscaler, ScaledObject with its TriggerAuthentications, and values of
Airflow's Helm charts. What cannot be translated is said in comments, with what to do about it.

exit codes: 0 a fleet for each object, 1 an object without one, 2 the input is wrong
"""
STDIN = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command can be told."""
    parser.epilog = EXAMPLES
    parser.add_argument("files", metavar="FILE", nargs="+", help="manifests or values; - is stdin")
    parser.add_argument(
        "--namespace", "-n", default="", metavar="NAME", help="of objects that name none"
    )
    parser.add_argument(
        "--release", default="airflow", metavar="NAME", help="Airflow's Helm release, for values"
    )
    parser.add_argument("--json", action="store_true", help="fleets and notes for a program")


def run(arguments: argparse.Namespace) -> int:
    """Print the fleets."""
    texts = [_text(name) for name in arguments.files]
    conversion = convert(texts, arguments.namespace, arguments.release)
    print(json.dumps(_document(conversion)) if arguments.json else written(conversion), end="")
    if arguments.json:
        print()
    whole = all(each.fleet is not None for each in conversion.objects)
    return Exit.DONE if whole else Exit.NOT_SO


def _text(name: str) -> Text:
    if name != STDIN:
        return Text(name, read_text(Path(name)))
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        return Text("<stdin>", content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Failure("<stdin>: not UTF-8", "save it as UTF-8", Exit.USAGE) from error


def _document(conversion: Conversion) -> dict[str, object]:
    return {
        "config": conversion.config(),
        "environment": {each.name: each.holds for each in conversion.variables},
        "objects": [asdict(each) for each in conversion.objects],
    }
