"""What `check --live` advises, by what it found: what to add to the config, and what to change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import ceil
from statistics import median
from typing import Any

import yaml

from autoscaler.cli.found import consumers, schedulers_alive, server_of, unit_of
from autoscaler.config import Config, FleetConfig
from autoscaler.engine.first_worker import SHARE_OF_TIMEOUT, start_seconds
from autoscaler.engine.wording import count, span
from autoscaler.model import AirflowState, ApiServerState, Fleet, ScalingRules, Tick, WorkerState

MOST_NAMED = 5
AS_PEOPLE_WRITE: dict[str, Any] = {
    "sort_keys": False,
    "allow_unicode": True,
    "default_flow_style": None,
    "width": 96,
}
NEW_FLEET_REPLICAS = {"min_replicas": 0, "max_replicas": 2}


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do, and what to paste into the config for it, if anything."""

    text: str
    yaml: str = ""


def advise(config: Config, tick: Tick, in_use: Iterable[str]) -> tuple[Advice, ...]:
    """Everything worth doing by one look. in_use: the queues that the sources told of."""
    fleets = tuple(made.snapshot.fleet for made in tick.fleets.values())
    return tuple(
        chain(
            _unserved(config, tick, in_use),
            _strangers(fleets, tick),
            chain.from_iterable(_slots(fleet, tick) for fleet in fleets),
            _too_many(fleets, tick),
            _too_late(tick),
            _no_api(tick),
        )
    )


def _unserved(config: Config, tick: Tick, in_use: Iterable[str]) -> Iterator[Advice]:
    queues = sorted(queue for queue in {*in_use} if server_of(queue, tick) is None)
    if not queues:
        return
    yield Advice(
        f"No fleet serves {_listed(queues)}. Let a fleet serve them, if no other workers are meant "
        "to: name them among its queues, or add fleets of their own:",
        "\n".join(_new_fleets(config, queues)),
    )


def _new_fleets(config: Config, queues: Iterable[str]) -> Iterator[str]:
    """As YAML for the list of fleets, each started as the first Celery fleet is."""
    model = next((fleet for fleet in config.fleets if fleet.queues != ()), config.fleets[0])
    taken = {fleet.name for fleet in config.fleets}
    target, left_out = _target(model)
    for queue in queues:
        name = _free_name(queue, taken)
        taken.add(name)
        fleet = {"name": name, "queues": [queue], **NEW_FLEET_REPLICAS, "target": target}
        yield yaml.safe_dump([fleet], **AS_PEOPLE_WRITE).rstrip()
        if left_out:
            yield f"    # and the target's {', '.join(left_out)}, as for {model.name}"


def _target(fleet: FleetConfig) -> tuple[dict[str, Any], list[str]]:
    """Its target as it can be written without showing a secret, and the keys that were left out."""
    plain: dict[str, Any] = {"kind": fleet.target.kind}
    left_out = []
    options = fleet.target.options
    for key in sorted(options.model_fields_set):
        value = getattr(options, key)
        written = list(value) if isinstance(value, tuple) else value
        try:
            yaml.safe_dump(written)
        except yaml.YAMLError:
            left_out.append(key)
        else:
            plain[key] = written
    return plain, left_out


def _free_name(queue: str, taken: set[str]) -> str:
    name = re.sub("[^a-z0-9]+", "-", queue.lower())[:50].strip("-") or "queue"
    numbers = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return next(each for each in (name, *numbers) if each not in taken)


def _strangers(fleets: tuple[Fleet, ...], tick: Tick) -> Iterator[Advice]:
    """Workers that take a fleet's tasks and that nobody scales."""
    served = {queue for fleet in fleets for queue in fleet.queues}
    workers = {w.name: w for queue in served for w in consumers(queue, tick)}
    strange = sorted(name for name in workers if unit_of(name, tick) is None)
    if strange:
        yield Advice(
            f"{count(len(strange), 'worker')} of no fleet: {_listed(strange)}. What they can take "
            "does not count. Once the daemon runs, end each by SIGTERM to its main process: it "
            "finishes what it runs. Queues that only such workers should serve must not be among "
            "those of a fleet: then name its `queues`."
        )


def _slots(fleet: Fleet, tick: Tick) -> Iterator[Advice]:
    """Where what the config says of slots is not what workers have."""
    measured = _measured(fleet, tick)
    if measured is None:
        return
    said = fleet.slots_per_replica
    if said is not None and said != measured:
        yield Advice(
            f"{fleet.name} says slots_per_replica: {said}, and its workers have {measured}: "
            f"write slots_per_replica: {measured}, or start them with that many."
        )
    if said is None and fleet.min_replicas == 0 and fleet.queues:
        yield Advice(
            f"{fleet.name} may have no replica to measure slots on, and then starts one before it "
            f"knows how many it needs: write slots_per_replica: {measured}."
        )


def _measured(fleet: Fleet, tick: Tick) -> int | None:
    """The slots of its own workers, else of those that take from its queues now."""
    replicas = tick.fleets[fleet.name].snapshot.replicas
    own = [r.worker for r in replicas if r.worker is not None]
    others: Iterable[WorkerState] = (w for queue in fleet.queues for w in consumers(queue, tick))
    slots = [worker.slots for worker in own or others if worker.slots]
    return int(median(slots)) if slots else None


def _too_many(fleets: tuple[Fleet, ...], tick: Tick) -> Iterator[Advice]:
    """Replicas that Airflow's own limits would leave without work."""
    for source, state in sorted(tick.snapshot.airflows.items()):
        slots = {
            fleet.name: (fleet, fleet.slots_per_replica or _measured(fleet, tick) or 0)
            for fleet in fleets
            if fleet.airflow == source
        }
        whole = sum(fleet.max_replicas * each for fleet, each in slots.values())
        told = " + ".join(
            f"{f.max_replicas} x {each} slots of {n}" for n, (f, each) in slots.items()
        )
        for limit, name in _limits(state):
            if whole > limit:
                yield Advice(f"{name} < {told}: {_useful(limit, slots)}")


def _limits(state: AirflowState) -> Iterator[tuple[int, str]]:
    if state.parallelism is not None:
        alive = schedulers_alive(state)
        of = f" of {count(alive, 'scheduler')}" if alive > 1 else ""
        yield state.parallelism, f"[core] parallelism {state.parallelism}{of}"
    pools = [pool.slots for pool in state.pools.values()]
    if pools and None not in pools:
        most = sum(slots or 0 for slots in pools)
        yield most, f"all pools together: {count(most, 'slot')}"


def _useful(limit: int, slots: dict[str, tuple[Fleet, int]]) -> str:
    if len(slots) > 1:
        return "not all of them can be busy at once; raise it, or lower max_replicas."
    [(fleet, each)] = slots.values()
    useful = max(1, ceil(limit / each))
    if useful < fleet.max_replicas:
        return (
            f"replica {useful + 1} and beyond would start nothing; raise it, or write "
            f"max_replicas: {useful}."
        )
    return "the last replica would not be filled."


def _too_late(tick: Tick) -> Iterator[Advice]:
    """Fleets whose first worker only comes because a task would else wait for too long."""
    for made in tick.fleets.values():
        fleet, demand = made.snapshot.fleet, made.snapshot.airflow
        if demand is None or fleet.min_replicas:
            continue
        rules = fleet.behavior.scale_up if fleet.behavior else ScalingRules()
        window, starting = rules.stabilization_window_seconds or 0, made.snapshot.start_up
        needed, limit = window + start_seconds(starting), demand.task_queued_timeout_seconds
        if needed > SHARE_OF_TIMEOUT * limit:
            yield Advice(
                f"{fleet.name} may need {span(needed)} from zero to its first worker (scale-up "
                f"window {span(window)}, and up to {span(start_seconds(starting))} to start); "
                f"Airflow fails what is queued for {span(limit)}: shorten the window, or write "
                "min_replicas: 1. As it is, the first worker comes past the window."
            )


def _no_api(tick: Tick) -> Iterator[Advice]:
    three = any(state.version.startswith("3") for state in tick.snapshot.airflows.values())
    if three and not tick.snapshot.sources_of(ApiServerState):
        yield Advice(
            "Airflow 3 fails running tasks soon after its API server is gone: set "
            "AUTOSCALER_AIRFLOW_API_URL, and nothing is scaled while it is."
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"
