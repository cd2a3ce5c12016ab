"""The command line: subcommands by name, each imported when it is asked for."""

# PYTHON_ARGCOMPLETE_OK
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from autoscaler import __version__
from autoscaler.cli.commands import COMMANDS, EXAMPLES
from autoscaler.cli.failure import Exit, Failure
from autoscaler.errors import AutoscalerError, ConfigError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code (see `Exit`)."""
    words = list(sys.argv[1:] if argv is None else argv)
    completing = "_ARGCOMPLETE" in os.environ
    parser = _parser(os.environ.get("COMP_LINE", "").split() if completing else words)
    if completing:
        import argcomplete  # noqa: PLC0415 - only when a shell asks

        argcomplete.autocomplete(parser)
    return _run(parser.parse_args(words))


def _run(arguments: argparse.Namespace) -> int:
    try:
        code: int = COMMANDS[arguments.command].load().run(arguments)
        sys.stdout.flush()
    except Failure as failure:
        return _complain([str(failure)], failure.hint, failure.code)
    except ConfigError as error:
        return _complain(error.faults, "mend the lines named above, and try again", Exit.USAGE)
    except AutoscalerError as error:
        return _complain([str(error)], "", Exit.NOT_SO)
    except BrokenPipeError:
        # Whoever read us has seen enough; what Python would flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.DONE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return code


def _complain(errors: Sequence[str], hint: str, code: int) -> int:
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """With the arguments of the one command that the words name; the others have a name only."""
    parser = argparse.ArgumentParser(
        prog="autoscaler",
        description="Scales Celery workers without ever killing a running task, and says why.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"autoscaler {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((word for word in words if word in COMMANDS), None)
    for name, entry in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=entry.summary,
            description=f"{entry.summary[0].upper()}{entry.summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == asked:
            entry.load().add_arguments(command)
    return parser
