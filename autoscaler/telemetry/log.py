"""The log: how it is set up, without secrets, and what of each tick goes into it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.types import Processor

from autoscaler.model import FleetTick, Override, Result, Tick
from autoscaler.telemetry.record import new_outcomes
from autoscaler.telemetry.redaction import without_secrets

Format = Literal["auto", "console", "json"]
_QUIET = frozenset({Result.APPLIED, Result.WAITING, Result.DRY_RUN})


def configure(style: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send our log and that of every library to one stream (stderr), one event a line.

    auto: for people on a terminal, JSON elsewhere. Call once, when the process starts.
    """
    stream = stream or sys.stderr
    console = style == "console" or (style == "auto" and stream.isatty())
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[*common, _renderer(console=console, colors=stream.isatty())],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(stream, common, _renderer(console=console, colors=stream.isatty()))


def hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Processor: no user or password of a URL, and nothing named like a secret, is written."""
    return dict(without_secrets(event))


class LogObserver:
    """Logs what changed since the last tick; what merely goes on is said at debug level."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._missing: dict[str, float] = {}
        self._fleets: dict[str, FleetTick] = {}
        self._bugs: frozenset[str] = frozenset()
        self._leader: bool | None = None

    def __call__(self, tick: Tick) -> None:
        self._tell_sources(tick)
        self._tell_leadership(tick)
        self._tell_bugs(tick)
        for name, fleet in tick.fleets.items():
            before = self._fleets.get(name)
            self._tell_override(fleet, before)
            self._tell_decision(fleet, before)
            self._tell_outcomes(fleet, before)
            if fleet.result is Result.FROZEN and (before is None or before.error != fleet.error):
                self._log.error("invariant broken, nothing is done", fleet=name, why=fleet.error)
        self._fleets = dict(tick.fleets)

    def _tell_sources(self, tick: Tick) -> None:
        now = tick.snapshot.now
        for name, why in tick.snapshot.missing.items():
            if name not in self._missing:
                self._log.warning("source down", source=name, why=why)
        for name, since in self._missing.items():
            if name not in tick.snapshot.missing:
                self._log.info("source recovered", source=name, down_seconds=round(now - since))
        self._missing = {name: self._missing.get(name, now) for name in tick.snapshot.missing}

    def _tell_leadership(self, tick: Tick) -> None:
        if tick.leader is self._leader:
            return
        if not tick.leader:
            self._log.warning("not the leader", why="decisions are made but not carried out")
        elif self._leader is not None:
            self._log.info("became the leader")
        self._leader = tick.leader

    def _tell_bugs(self, tick: Tick) -> None:
        for where, traceback in tick.bugs.items():
            if where not in self._bugs:
                self._log.error("bug", where=where, exception=traceback)
        self._bugs = frozenset(tick.bugs)

    def _tell_override(self, fleet: FleetTick, before: FleetTick | None) -> None:
        was: Override | None = before.override if before else None
        if fleet.override == was:
            return
        override = fleet.override
        if override is None:
            self._log.info("override ended", fleet=fleet.decision.fleet)
            return
        self._log.info(
            "override",
            fleet=override.fleet,
            replicas=override.replicas,
            actor=override.actor,
            reason=override.reason,
            expires_at=override.expires_at,
        )

    def _tell_decision(self, fleet: FleetTick, before: FleetTick | None) -> None:
        decision = fleet.decision
        last = before.decision if before else None
        changed = last is None or (last.desired, last.reason) != (decision.desired, decision.reason)
        tell = self._log.info if changed else self._log.debug
        tell(
            "decided" if changed else "unchanged",
            fleet=decision.fleet,
            current=decision.current,
            desired=decision.desired,
            reason=decision.reason,
            message=decision.message,
        )

    def _tell_outcomes(self, fleet: FleetTick, before: FleetTick | None) -> None:
        for outcome in new_outcomes(fleet, before):
            action = outcome.action
            tell = self._log.info if outcome.result in _QUIET else self._log.warning
            tell(
                str(action.kind),
                fleet=action.fleet,
                unit=action.unit,
                result=str(outcome.result),
                reason=action.reason,
                message=outcome.message,
            )


def _renderer(*, console: bool, colors: bool) -> Processor:
    if not console:
        return structlog.processors.JSONRenderer()
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)


def _configure_libraries(stream: TextIO, common: list[Processor], renderer: Processor) -> None:
    """Libraries log through the standard library: warnings and worse, written as our own."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
