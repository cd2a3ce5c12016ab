"""Every command by name: its module, imported when it is asked for, and one line about it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

EXAMPLES = """\
examples:
  autoscaler demo                          see it work, with nothing installed
  autoscaler check autoscaler.yaml --live  is the config right, and can everything be read?
  autoscaler run --config autoscaler.yaml  run the daemon
  autoscaler status                        how many replicas, how much work, what is wrong
  autoscaler explain default               why this number? why not more? why not fewer?
  autoscaler pause default --for 2h --reason "deploy 41"

environment:
  AUTOSCALER_URL    where the daemon answers (default: http://127.0.0.1:9180)
  AUTOSCALER_TOKEN  the bearer token for pause, resume, scale and drain
  NO_COLOR          no colours, whatever the terminal

exit codes: 0 done, 1 what was asked about is not so, 2 usage or config,
            4 the daemon cannot be reached, 5 denied
"""


class Command(Protocol):
    """What every command is: a module, or an object in one, with these two functions."""

    def add_arguments(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, arguments: argparse.Namespace, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A command before it is imported; `path` is `module` or `module:object` of this package."""

    path: str
    summary: str

    def load(self) -> Command:
        """Import it."""
        module_name, _, attribute = self.path.partition(":")
        module = import_module(f"autoscaler.cli.{module_name}")
        return cast(Command, getattr(module, attribute) if attribute else module)


COMMANDS = {
    "run": Entry("run", "run the daemon"),
    "demo": Entry("demo", "show it at work: a broker, workers, two bursts of tasks"),
    "check": Entry("check", "check a config, and with --live everything it names"),
    "status": Entry("status", "how many replicas each fleet has, and what is wrong"),
    "explain": Entry("explain", "why this number, why not more, why not fewer"),
    "report": Entry("report", "what pods should ask for, by what they were seen to use"),
    "pause": Entry("changes:PAUSE", "go on deciding, but carry nothing out for a while"),
    "resume": Entry("changes:RESUME", "end a pause or a held number"),
    "scale": Entry("changes:SCALE", "hold a number of replicas for a while"),
    "drain": Entry("changes:DRAIN", "let one unit finish its tasks and leave"),
    "test": Entry("policy_tests", "run test cases of policies, as promtool does of rules"),
    "simulate": Entry("simulate", "replay a trace of tasks through the daemon, beside its rivals"),
    "plan": Entry("plan", "in what a new config differs, and what it would have made of a trace"),
    "convert": Entry("convert", "print HPAs, ScaledObjects or chart values as fleets"),
    "kinds": Entry("kinds", "list the kinds of sources, policies, checks, targets, notifiers"),
    "schema": Entry("schema", "print the JSON Schema of the config"),
    "completion": Entry("completion", "print what makes a shell complete commands"),
}
