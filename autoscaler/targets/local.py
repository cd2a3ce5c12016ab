"""Worker processes on this machine, which outlive the daemon and are found again by it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from pydantic import Field, field_validator

from autoscaler.clients.units.command import (
    UNIT_VARIABLE,
    WorkerCommand,
    nodename_template,
    placeholders,
)
from autoscaler.clients.units.directory import NAME, UnitDirectory
from autoscaler.clients.units.records import LocalUnits, StopRules
from autoscaler.errors import ConfigError, StateError, TargetError
from autoscaler.interfaces import Context, Options, Target
from autoscaler.model import Action, Drain, Fleet, Unit
from autoscaler.secret import Secret

P = ParamSpec("P")
T = TypeVar("T")


class LocalOptions(Options):
    """How worker processes are started and stopped."""

    command: tuple[str, ...] = Field(
        min_length=1,
        description="program and arguments, with {unit}, {queues}, {slots}, {fleet}; no shell",
    )
    nodename: str | None = Field(
        default=None,
        description="the worker's node name, such as {unit}@%h, where the command does not show it",
    )
    cwd: Path | None = Field(default=None, description="directory the workers start in")
    env: dict[str, str | Secret] = Field(
        default_factory=dict, description="environment variables the workers get"
    )
    inherit_env: tuple[str, ...] = Field(
        default=("*",),
        description="patterns of the daemon's own variables they get as well; never AUTOSCALER_*",
    )
    stop_signal: Literal["SIGTERM", "SIGINT", "SIGQUIT"] = Field(
        default="SIGTERM", description="asks a worker to end; at SIGQUIT Celery drops tasks"
    )
    force_kill_after_seconds: float | None = Field(
        default=None,
        gt=0,
        description="kill a worker, with its tasks, that has not ended so long after the signal; "
        "null never does",
    )

    @field_validator("command")
    @classmethod
    def _known_placeholders(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        placeholders(command)
        return command

    @field_validator("nodename")
    @classmethod
    def _known_in_nodename(cls, nodename: str | None) -> str | None:
        placeholders([nodename or ""])
        return nodename

    @field_validator("env")
    @classmethod
    def _free_names(cls, env: dict[str, str | Secret]) -> dict[str, str | Secret]:
        for name in env:
            if name == UNIT_VARIABLE or not name or "=" in name:
                raise ValueError(f"{name!r} cannot be set: {UNIT_VARIABLE} is ours, = is no letter")
        return env


class Local(Target[LocalOptions]):
    """Starts one process for each unit. All file work is done in threads, one unit at a time."""

    options_type = LocalOptions

    @classmethod
    def fit(cls, options: LocalOptions, fleet: Fleet) -> None:
        _worker_command(options, fleet)

    def __init__(self, options: LocalOptions, context: Context) -> None:
        super().__init__(options, context)
        if context.fleet is None or not NAME.fullmatch(context.fleet.name):
            raise ConfigError(f"a local fleet needs a name that fits {NAME.pattern}")
        fleet = context.fleet
        self.command = _worker_command(options, fleet)
        self._units = LocalUnits(
            UnitDirectory(context.state_directory, fleet.name),
            self.command,
            fleet.max_replicas,
            StopRules(signal.Signals[options.stop_signal], options.force_kill_after_seconds),
        )

    @property
    def kills(self) -> int:
        """How many units were killed by the operator's limit since the start."""
        return self._units.kills

    async def units(self, now: float) -> tuple[Unit, ...]:
        elapsed = asyncio.get_running_loop().time()
        return await _in_thread(self._units.observe, now, elapsed, kill=self.context.acts())

    async def add(self, actions: Sequence[Action]) -> None:
        if actions:
            await _in_thread(self._units.add, actions, actions[0].at)

    async def mark(self, action: Action, drain: Drain | None) -> None:
        await _in_thread(self._units.mark, action, drain)

    async def remove(self, actions: Sequence[Action]) -> None:
        if actions:
            await _in_thread(self._units.remove, actions, actions[0].at)


async def _in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except (StateError, OSError) as error:
        raise TargetError(str(error)) from error


def _worker_command(options: LocalOptions, fleet: Fleet) -> WorkerCommand:
    """Raises ConfigError where the command does not fit the fleet."""
    nodename = options.nodename or nodename_template(options.command)
    if "slots" in placeholders(options.command) and fleet.slots_per_replica is None:
        raise ConfigError(
            f"the command of {fleet.name} has {{slots}}: say slots_per_replica, or "
            "leave {slots} out, and what a worker takes by itself is measured"
        )
    if fleet.queues and nodename is None:
        raise ConfigError(
            f"each worker of {fleet.name} needs a name of its own: "
            'put --hostname "{unit}@%h" into the command, or say nodename'
        )
    slots = str(fleet.slots_per_replica or "")
    return WorkerCommand(
        template=options.command,
        values={"fleet": fleet.name, "queues": ",".join(fleet.queues), "slots": slots},
        nodename=nodename,
        host=socket.gethostname(),
        cwd=options.cwd,
        env=options.env,
        inherit_env=options.inherit_env,
    )
