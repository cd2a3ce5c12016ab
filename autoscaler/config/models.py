"""The whole configuration as frozen records; what each key means is in its description."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from autoscaler import registry
from autoscaler.config.plugin import (
    CheckConfig,
    NotifierConfig,
    PolicyConfig,
    SourceConfig,
    TargetConfig,
    plugin_config,
)
from autoscaler.interfaces import Check, CheckOptions, Options, Policy
from autoscaler.model import Behavior, DrainRules, Fleet
from autoscaler.secret import Secret

BROKER_URL = "AUTOSCALER_BROKER_URL"
Count = Annotated[int, Field(strict=True, ge=0)]


class HttpConfig(Options):
    """Where the daemon answers."""

    listen: str = Field(default="127.0.0.1:9180", description="host:port to answer on")
    token: Secret | None = Field(
        default=None, description="bearer token that changing anything needs"
    )


class JournalConfig(Options):
    """The daemon's own record of what it saw, decided and did."""

    path: Path | None = Field(
        default=Path("autoscaler.db"), description="SQLite file; null keeps no journal"
    )
    keep_days: float = Field(default=30, gt=0, description="age at which records are deleted")
    max_megabytes: float = Field(default=512, gt=0, description="size the file may grow to")


class LogConfig(Options):
    """What is logged, and how."""

    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto is console on a terminal and json elsewhere"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is logged"
    )


class FleetConfig(Options):
    """Replicas that are scaled together."""

    name: str = Field(description="name in metrics, logs and commands")
    queues: tuple[str, ...] = Field(default=(), description="Celery queues its workers consume")
    slots_per_replica: Count | None = Field(
        default=None, ge=1, description="tasks one replica runs at once; measured when left out"
    )
    target: TargetConfig = Field(description="what is scaled")
    min_replicas: Count = Field(default=1, description="never fewer")
    max_replicas: Count = Field(description="never more")
    policies: tuple[PolicyConfig, ...] = Field(
        default_factory=lambda: (plugin_config(Policy, {"kind": "target_tracking"}),),
        description="rules that recommend replicas; the highest wins",
    )
    behavior: Behavior | None = Field(default=None, description="how fast each direction may go")
    drain: DrainRules = Field(default_factory=DrainRules, description="how replicas leave")

    def fleet(self, interval_seconds: float) -> Fleet:
        """The fleet as the engine knows it."""
        return Fleet(
            name=self.name,
            queues=self.queues,
            slots_per_replica=self.slots_per_replica,
            min_replicas=self.min_replicas,
            max_replicas=self.max_replicas,
            behavior=self.behavior,
            drain=self.drain,
            interval_seconds=interval_seconds,
        )


class Config(Options):
    """Everything the daemon is told."""

    interval_seconds: float = Field(default=5, gt=0, description="time between two ticks")
    http: HttpConfig = Field(default_factory=HttpConfig)
    journal: JournalConfig = Field(default_factory=JournalConfig)
    log: LogConfig = Field(default_factory=LogConfig)
    state_directory: Path = Field(
        default=Path("autoscaler-state"), description="where what must survive a restart is kept"
    )
    dry_run: bool = Field(default=False, description="decide and tell, but change nothing")
    sources: dict[str, SourceConfig] = Field(
        description="what is polled, by name; left out: broker and workers of $" + BROKER_URL
    )
    fleets: tuple[FleetConfig, ...] = Field(min_length=1, description="what is scaled")
    checks: dict[str, CheckConfig] = Field(
        default_factory=dict, description="options of health checks; every built-in one is on"
    )
    notifiers: tuple[NotifierConfig, ...] = Field(default=(), description="who is told of alerts")

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        filled = {"sources": _default_sources(), **data}
        if isinstance(checks := filled.get("checks"), dict):
            filled["checks"] = {
                name: {"kind": name, **check} if isinstance(check, dict) else check
                for name, check in checks.items()
            }
        return filled

    def enabled_checks(self) -> dict[str, CheckConfig]:
        """Every check that runs, by name: the built-in ones and the config's own."""
        built_in = {
            name: plugin_config(Check, {"kind": name})
            for name in registry.CHECKS
            if name not in self.checks
        }
        return {
            name: check
            for name, check in (built_in | self.checks).items()
            if isinstance(check.options, CheckOptions) and check.options.enabled
        }


def _default_sources() -> dict[str, Any]:
    scheme = os.environ.get(BROKER_URL, "").partition("://")[0]
    broker = registry.BROKER_SCHEMES.get(scheme)
    if broker is None:
        return {}
    url = {"env": BROKER_URL}
    return {
        "broker": {"kind": broker, "url": url},
        "workers": {"kind": "celery_workers", "url": url},
    }
