"""One look at everything a config names, through the daemon's own controller; changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from autoscaler.cli.advice import advise
from autoscaler.cli.found import found
from autoscaler.clock import Clock
from autoscaler.config import Config
from autoscaler.controller import Controller
from autoscaler.discovery import Discovery
from autoscaler.engine.explain import explain
from autoscaler.engine.wording import count
from autoscaler.model import AirflowState, BrokerState, Observation, Tick, WorkersState
from autoscaler.telemetry.log import configure
from autoscaler.telemetry.redaction import without_secrets

Document = dict[str, Any]


def look(config: Config) -> Document:
    """What was found: `systems` (sources and targets), `fleets`, `findings`, `found`, `advice`."""
    configure(config.log.format, "warning")
    with TemporaryDirectory() as nothing_yet:
        # Targets lock their records, and so make the directory: not as the user who only looks.
        state = config.state_directory if config.state_directory.exists() else Path(nothing_yet)
        unchanging = {"dry_run": True, "state_directory": state}
        return asyncio.run(_look(config.model_copy(update=unchanging)))


async def _look(config: Config) -> Document:
    now = Clock().now()
    discovery = Discovery(config.state_directory, remember=False)
    controller = Controller(config, queues=discovery.queues)
    try:
        await discovery.look(controller, now)
        if await discovery.grew(controller, now):
            await controller.aclose()
            controller = Controller(config, queues=discovery.queues)
        tick = await controller.tick(Clock().now())
    finally:
        await controller.aclose()
    explanations = [explain(fleet) for fleet in tick.fleets.values()]
    document: Document = {
        "systems": [*systems(config, tick), *_queues_row(discovery)],
        "fleets": [{"summary": each.summary, "why": each.why} for each in explanations],
        "findings": [
            {"severity": each.severity, "summary": each.summary, "remedy": each.remedy}
            for each in tick.findings
        ],
        "found": found(tick, discovery.in_use),
        "advice": [
            {"text": each.text, "yaml": each.yaml}
            for each in advise(config, tick, discovery.in_use)
        ],
    }
    return dict(without_secrets(document))


def _queues_row(discovery: Discovery) -> list[Document]:
    if not discovery.why:
        return []
    return [{"name": "queues", "kind": "", "up": False, "found": discovery.why}]


def systems(config: Config, tick: Tick) -> list[Document]:
    """A row for each source and target, and for each part that could not be read."""
    kinds = {name: source.kind for name, source in config.sources.items()}
    seen_in = {name: told(seen) for name, seen in tick.snapshot.observations.items()}
    for fleet in config.fleets:
        name = f"target/{fleet.name}"
        kinds[name] = fleet.target.kind
        seen_in[name] = count(len(tick.snapshot.units.get(fleet.name, ())), "unit")
    missing = tick.snapshot.missing
    named = [
        {
            "name": name,
            "kind": kind,
            "up": name not in missing,
            "found": missing.get(name, seen_in.get(name, "")),
        }
        for name, kind in kinds.items()
    ]
    parts = [
        {"name": name, "kind": "", "up": False, "found": why}
        for name, why in missing.items()
        if name not in kinds
    ]
    return named + parts


def told(seen: Observation) -> str:
    """What one source found, in a few words."""
    if isinstance(seen, BrokerState):
        waiting = sum(queue.waiting for queue in seen.queues.values())
        return f"{count(len(seen.queues), 'queue')}, {count(waiting, 'task')} waiting"
    if isinstance(seen, WorkersState):
        busy = sum(worker.busy or 0 for worker in seen.workers.values())
        return f"{count(len(seen.workers), 'worker')}, {count(busy, 'task')} running"
    if isinstance(seen, AirflowState):
        tasks = sum(
            queue.queued + queue.running + queue.restarting for queue in seen.queues.values()
        )
        return f"Airflow {seen.version}, {count(tasks, 'task')} with its executors"
    return count(sum(1 for _ in seen.samples()), "sample")
