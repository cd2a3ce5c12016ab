"""Runs the daemon's own controller over the simulated world, tick by tick, in counted time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from autoscaler import registry
from autoscaler.config import Config, FleetConfig
from autoscaler.config.plugin import PluginConfig, plugin_config
from autoscaler.controller import Controller, Observer
from autoscaler.document import compose
from autoscaler.errors import ConfigError
from autoscaler.interfaces import Check, Source
from autoscaler.simulator.airflow_side import WorldAirflow
from autoscaler.simulator.celery_side import WorldBroker, WorldOptions, WorldWorkers
from autoscaler.simulator.crew import BEGIN, Rules
from autoscaler.simulator.measures import Measures
from autoscaler.simulator.target import WorldTarget
from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import World
from autoscaler.text_file import read_text

TICK_SECONDS = 15.0
SLOTS, MAX_WORKERS = 4, 20
SOURCES = {  # in the place of a config's own; the world takes theirs
    "broker": {"kind": "redis_broker", "url": "redis://127.0.0.1:6379/0"},
    "workers": {"kind": "celery_workers", "url": "redis://127.0.0.1:6379/0"},
}
PATIENCE_SECONDS = 3600.0  # nothing here is waited for; a slow machine must not change a replay


def default_config(
    trace: Trace,
    slots: int = SLOTS,
    max_workers: int | Mapping[str, int] = MAX_WORKERS,
    tick_seconds: float = TICK_SECONDS,
) -> Config:
    """A fleet for each queue of the trace, with the default policy.

    max_workers: of each queue, or by queue. Raises ConfigError for a queue that is left out.
    """
    most = dict.fromkeys(trace.queues, max_workers) if isinstance(max_workers, int) else max_workers
    if left_out := [queue for queue in trace.queues if queue not in most]:
        raise ConfigError(f"the most workers of queue {', '.join(left_out)} are not given")
    fleets = [
        {
            "name": _fleet_name(queue),
            "queues": [queue],
            "slots_per_replica": slots,
            "max_replicas": most[queue],
            "target": {"kind": "simulated"},
        }
        for queue in trace.queues
    ]
    return Config.model_validate(
        {"interval_seconds": tick_seconds, "sources": SOURCES, "fleets": fleets}
    )


def load_fleets(path: Path) -> Config:
    """The fleets of a config file, and its interval. Raises ConfigError as `config.load` does.

    Nothing else of it is simulated, so it needs no secret, and nothing that is read or scaled.
    """
    document = compose(read_text(path), str(path))
    told = document.root.plain()
    if isinstance(told, dict):
        kept = {key: value for key, value in told.items() if key in ("interval_seconds", "fleets")}
        told = {**kept, "sources": SOURCES}
    if isinstance(told, dict) and isinstance(told.get("fleets"), list):
        told["fleets"] = [_apart(fleet) for fleet in told["fleets"]]
    return Config.model_validate(told, context=document)


def _apart(fleet: Any) -> Any:
    """A fleet as configured, without what ties it to its sources and its target."""
    if not isinstance(fleet, dict):
        return fleet
    kept = {key: value for key, value in fleet.items() if key not in ("demand", "budgets")}
    return {**kept, "target": {"kind": "simulated"}} if "target" in fleet else kept


def rules_of(config: Config, trace: Trace, slots: int = SLOTS) -> dict[str, Rules]:
    """The world's rules for the fleets of a config. Raises ConfigError when a queue has none.

    slots: of the workers of a fleet that does not say how many they have.
    """
    rules = {
        fleet.name: Rules(
            slots=fleet.slots_per_replica or slots,
            min_workers=fleet.min_replicas,
            max_workers=fleet.max_replicas,
            queues=trace.queues if fleet.queues is None else fleet.queues,
        )
        for fleet in _fleets(config)
    }
    served = {queue for rule in rules.values() for queue in rule.queues}
    if unserved := [queue for queue in trace.queues if queue not in served]:
        names = ", ".join(unserved)
        raise ConfigError(f"no fleet serves queue {names} of trace {trace.name}; add one that does")
    return rules


def replay(
    config: Config,
    world: World,
    *,
    observers: Iterable[Observer] = (),
    progress: Callable[[float], None] = lambda _: None,
) -> Measures:
    """What comes of the world's trace under the config's fleets, as the daemon would run them.

    Its fleets, policies and interval are the config's; what they read and scale is the world.
    Checks, notifiers and overrides have no part in it. progress is told the share that is done.
    """
    with TemporaryDirectory() as directory:
        watched = _over(config, world, Path(directory))
        return asyncio.run(_replay(watched, world, observers, progress))


async def _replay(
    config: Config,
    world: World,
    observers: Iterable[Observer],
    progress: Callable[[float], None],
) -> Measures:
    controller = Controller(
        config,
        observers=observers,
        patience_seconds=PATIENCE_SECONDS,
        random=Random(0),  # noqa: S311 - of retries
    )
    try:
        ticks = int(world.end // config.interval_seconds)
        for number in range(ticks + 1):
            now = number * config.interval_seconds
            world.advance(now)
            tick = await controller.tick(BEGIN + now)
            for where, bug in tick.bugs.items():
                raise RuntimeError(f"{where}: {bug}")
            if number % 100 == 0:
                progress(number / ticks)
    finally:
        await controller.aclose()
    progress(1.0)
    return world.result()


def _over(config: Config, world: World, state_directory: Path) -> Config:
    """The config with the world in the place of all that it reads and scales."""
    airflow = world.trace.has_deps
    options = WorldOptions(world=world, airflow=airflow)
    kinds: dict[str, type[Source[Any]]] = {"broker": WorldBroker, "workers": WorldWorkers}
    if airflow:
        kinds["airflow"] = WorldAirflow
    fleets = tuple(
        fleet.model_copy(
            update={
                "queues": world.rules[fleet.name].queues,
                "slots_per_replica": world.rules[fleet.name].slots,
                "target": PluginConfig("world", WorldTarget, options),
                "demand": None,
            }
        )
        for fleet in _fleets(config)
    )
    off = {name: plugin_config(Check, {"kind": name, "enabled": False}) for name in registry.CHECKS}
    return config.model_copy(
        update={
            "sources": {name: PluginConfig(name, kind, options) for name, kind in kinds.items()},
            "fleets": fleets,
            "checks": off,
            "notifiers": (),
            "dry_run": False,
            "state_directory": state_directory,
        }
    )


def _fleets(config: Config) -> tuple[FleetConfig, ...]:
    """Those that have Celery workers."""
    return tuple(fleet for fleet in config.fleets if fleet.queues != ())


def _fleet_name(queue: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", queue.lower()).strip("-")[:63] or "default"
