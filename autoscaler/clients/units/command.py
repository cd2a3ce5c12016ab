"""How workers are started: command template, the nodename that follows, the environment."""

from __future__ import annotations

import hashlib
import os
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

from autoscaler.secret import Secret

PLACEHOLDERS = ("fleet", "queues", "slots", "unit")
HOSTNAME_OPTIONS = ("--hostname", "-n", "--celery-hostname", "-H")
# What tells of us, not of a worker: our secrets, and the service manager's talk with us.
# REMAP_SIGTERM makes Celery kill what it runs when it is asked to stop.
NEVER_INHERITED = ("AUTOSCALER_*", "LISTEN_*", "NOTIFY_SOCKET", "REMAP_SIGTERM", "WATCHDOG_*")
# Where setproctitle is installed, as with Airflow, it would write over what we look for.
KEEP_ENVIRONMENT = {"SPT_NOENV": "1"}
UNIT_VARIABLE = "AUTOSCALER_UNIT"
_ANY = "\0"


@dataclass(frozen=True, slots=True)
class WorkerCommand:
    """What starts the workers of one fleet.

    template: the arguments, with placeholders. values: what they stand for, `unit` apart.
    nodename: a template as well, or None where units have no Celery worker.
    """

    template: tuple[str, ...]
    values: Mapping[str, str]
    nodename: str | None
    host: str
    cwd: Path | None
    env: Mapping[str, str | Secret]
    inherit_env: tuple[str, ...]

    def arguments(self, unit: str) -> tuple[str, ...]:
        """The command line of this unit."""
        values = {**self.values, "unit": unit}
        return tuple(text.format_map(values) for text in self.template)

    def worker(self, unit: str) -> str:
        """The nodename of this unit's worker; empty where there is none."""
        if self.nodename is None:
            return ""
        nodename = self.nodename.format_map({**self.values, "unit": unit})
        return expand_nodename(nodename, self.host)

    def environment(self, key: str) -> dict[str, str]:
        """All that the unit's environment holds. Raises ValueError if a secret is not there."""
        given = {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in self.env.items()
        }
        inherited = inheritable(os.environ, self.inherit_env)
        return {**inherited, **KEEP_ENVIRONMENT, **given, UNIT_VARIABLE: key}

    def started(self, unit: str, command: Sequence[str]) -> bool:
        """Whether a running process's command is this unit's, an interpreter in front or not.

        Its queues may be others: more may have been found since it was started.
        """
        values = {**self.values, "unit": unit, "queues": _ANY}
        program, *arguments = (text.format_map(values) for text in self.template)
        tail = command[-len(arguments) - 1 :]
        if len(tail) < len(self.template):
            return False
        wanted, found = [Path(program).name, *arguments], [Path(tail[0]).name, *tail[1:]]
        return all(map(_fits, wanted, found))

    @property
    def digest(self) -> str:
        """Tells whether a unit was started with another command than this."""
        words = [*self.arguments("{unit}"), str(self.cwd or "")]
        return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


def placeholders(template: Sequence[str]) -> frozenset[str]:
    """The placeholders in use. Raises ValueError, with what there is, for any other."""
    found = {name for text in template for name in _names(text)}
    for name in sorted(found.difference(PLACEHOLDERS)):
        known = " ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
        raise ValueError(
            f"unknown placeholder {{{name}}}; there are {known} (write {{{{ and }}}} for braces)"
        )
    return frozenset(found)


def nodename_template(command: Sequence[str]) -> str | None:
    """What the command makes its workers' nodename from, where that differs between units."""
    values = [after for option, after in pairwise(command) if option in HOSTNAME_OPTIONS]
    for text in command:
        option, equals, value = text.partition("=")
        if equals and option in HOSTNAME_OPTIONS:
            values.append(value)
    return next((value for value in values if "unit" in _names(value)), None)


def expand_nodename(nodename: str, host: str) -> str:
    """The nodename as a Celery worker on this host expands it: `%h`, `%n` and `%d`.

    As celery.utils.nodenames does, whose import would cost 0.3 s and 13 MB.
    """
    name, at, place = nodename.partition("@")
    if not at:
        name, place = "", nodename
    short, _, domain = host.partition(".")
    values = {"h": host, "n": short, "d": domain, "i": "0", "I": ""}
    whole = f"{name or 'celery'}@{place or host}"
    return re.sub(r"%([hndiI])", lambda match: values[match[1]], whole)


def inheritable(ours: Mapping[str, str], patterns: Sequence[str]) -> dict[str, str]:
    """What a worker inherits of our environment: names that match a pattern, never our secrets."""
    return {
        name: value
        for name, value in ours.items()
        if _matches(name, patterns) and not _matches(name, NEVER_INHERITED)
    }


def _names(text: str) -> list[str]:
    try:
        fields = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error} (write {{{{ and }}}} for braces)") from error
    return [
        name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        for _, name, spec, conversion in fields
        if name is not None
    ]


def _fits(wanted: str, word: str) -> bool:
    pattern = ".*".join(map(re.escape, wanted.split(_ANY)))
    return re.fullmatch(pattern, word, re.DOTALL) is not None


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
