"""Joins what was read into a snapshot, and cuts each fleet's part out of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from autoscaler.engine.airflow_demand import airflow_demand
from autoscaler.engine.custody import Custody
from autoscaler.engine.fleet_samples import FLEET_SAMPLES, fleet_samples
from autoscaler.engine.hearing import STARTING_SECONDS, Hearing
from autoscaler.engine.profiles import Profiles
from autoscaler.engine.screening import STALE_SECONDS, Screened, mute
from autoscaler.engine.verdict import blockage, outages
from autoscaler.model import (
    AirflowDemand,
    BrokerState,
    Fleet,
    FleetSnapshot,
    Observation,
    QueuesFrom,
    QueueState,
    Replica,
    Samples,
    Snapshot,
    Unit,
    UnitPhase,
    WorkersState,
    WorkerState,
)

SILENT_AFTER_SECONDS = 10.0
NOTHING = Hearing()
NO_KINDS: Mapping[str, type[Observation]] = {}


def take_snapshot(
    now: float,
    screened: Screened,
    units: Mapping[str, tuple[Unit, ...]],
    worker_sources: frozenset[str],
    kinds: Mapping[str, type[Observation]] = NO_KINDS,
) -> Snapshot:
    """The world at `now`: queues and workers joined over all sources.

    Of a queue or a worker that two brokers tell of nobody knows which of the two is meant.
    """
    missing = dict(screened.missing)
    queues: dict[str, QueueState] = {}
    workers: dict[str, WorkerState] = {}
    for name, observation in screened.observations.items():
        if isinstance(observation, BrokerState):
            for queue in observation.queues.keys() & queues.keys():
                missing[f"{name}/{queue}"] = f"queue {queue} is read from two brokers"
            queues.update(observation.queues)
        elif isinstance(observation, WorkersState):
            both = observation.workers.keys() & workers.keys()
            workers.update(observation.workers)
            workers.update({worker: mute(workers[worker]) for worker in both})
    samples = chain.from_iterable(o.samples() for o in screened.observations.values())
    return Snapshot(
        now=now,
        observations=screened.observations,
        missing=missing,
        units=units,
        samples=Samples(samples),
        queues=queues,
        workers=workers,
        worker_sources=worker_sources,
        kinds=kinds,
    )


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier ticks told of a fleet's units, and of how long things take."""

    hearing: Hearing = NOTHING
    custody: Custody = field(default_factory=Custody)
    profiles: Profiles = field(default_factory=Profiles)


def fleet_snapshot(fleet: Fleet, snapshot: Snapshot, past: Past | None = None) -> FleetSnapshot:
    """The part of the snapshot that concerns one fleet, with its own samples on top.

    past: what is known already; old news of workers adds nothing to it.
    """
    past = past or Past()
    missing = dict(_missing(fleet, snapshot))
    units = snapshot.units.get(fleet.name, ())
    listening = _hears_now(fleet, snapshot)
    certain = past.hearing if listening else NOTHING
    airflow = _of_airflow(fleet, snapshot)
    found = (_replica(fleet, unit, snapshot, certain) for unit in units)
    held = (past.custody.laid_on(replica, airflow) for replica in found)
    names = airflow.running if airflow is not None else {}
    replicas = tuple(past.profiles.laid_on(replica, names, snapshot.now) for replica in held)
    missing.update(_unanswering(fleet, replicas, snapshot.now))
    if not missing:
        missing.update(_unheard(fleet, replicas, snapshot.now))
    down = tuple(outages(fleet, snapshot))
    missing.update({source: why for source, _, why in down})
    return FleetSnapshot(
        now=snapshot.now,
        fleet=fleet,
        replicas=replicas,
        samples=Samples(
            fleet_samples(fleet, snapshot, replicas, airflow, missing),
            below=snapshot.samples,
            own=FLEET_SAMPLES,
        ),
        missing=missing,
        listening=listening,
        airflow=airflow,
        blockage=blockage(airflow, down, replicas, snapshot.now),
        start_up=past.profiles.start_up(fleet.name),
    )


def _of_airflow(fleet: Fleet, snapshot: Snapshot) -> AirflowDemand | None:
    state = snapshot.airflows.get(fleet.airflow or "")
    if state is None:
        return None
    return airflow_demand(fleet, state, snapshot.workers.values())


def _missing(fleet: Fleet, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    target = f"target/{fleet.name}"
    if fleet.name not in snapshot.units:
        yield target, snapshot.missing.get(target, "its units were not read")
    if not fleet.queues:
        return
    if fleet.queues_from is QueuesFrom.NOBODY:
        yield "queues", "which queues there are is not known before every source was read once"
    if not snapshot.worker_sources:
        yield "workers", "no source tells of Celery workers"
    for source in snapshot.worker_sources & snapshot.missing.keys():
        yield source, snapshot.missing[source]
    if fleet.airflow is not None and fleet.airflow not in snapshot.observations:
        yield fleet.airflow, snapshot.missing.get(fleet.airflow, "no source has this name")
    if fleet.airflow is not None and not snapshot.sources_of(BrokerState):
        return
    for queue in fleet.queues:
        if queue not in snapshot.queues or _faults_of(queue, snapshot):
            yield f"queue/{queue}", _why_queue_is_missing(queue, snapshot)


def _faults_of(queue: str, snapshot: Snapshot) -> list[str]:
    keys = (f"{source}/{queue}" for source in snapshot.observations)
    return [snapshot.missing[key] for key in keys if key in snapshot.missing]


def _why_queue_is_missing(queue: str, snapshot: Snapshot) -> str:
    systems = [f"{n}: {why}" for n, why in sorted(snapshot.missing.items()) if "/" not in n]
    return "; ".join(_faults_of(queue, snapshot) or systems) or "no source reads it"


def _hears_now(fleet: Fleet, snapshot: Snapshot) -> bool:
    """Whether what is told of workers is of this tick, or at most of the one before."""
    oldest = snapshot.now - fleet.interval_seconds
    told = (snapshot.observations.get(source) for source in snapshot.worker_sources)
    return all(observation is not None and observation.at >= oldest for observation in told)


def _unanswering(
    fleet: Fleet, replicas: Iterable[Replica], now: float
) -> Iterator[tuple[str, str]]:
    """Workers that are there and do not say what they do, so that nobody knows what they hold.

    What a silent one said last stays its load: it must not keep the others for ever.
    """
    if not fleet.queues:
        return
    for replica in replicas:
        worker = replica.worker
        if worker is None or not replica.serving:
            continue
        age = now - (worker.answered_at or 0.0)
        if worker.active is None or worker.reserved is None:
            untold = "runs" if worker.active is None else "has fetched"
            yield f"worker/{worker.name}", f"it has not told what it {untold}"
        elif age > STALE_SECONDS and not replica.silent:
            yield f"worker/{worker.name}", f"it last told what it runs {age:.0f} s ago"


def _unheard(fleet: Fleet, replicas: Sequence[Replica], now: float) -> Iterator[tuple[str, str]]:
    """Units that should long have workers, in a fleet of which none was heard: we may be deaf."""
    if not fleet.queues or any(replica.worker is not None for replica in replicas):
        return
    for replica in replicas:
        age = now - replica.unit.created_at
        if replica.unit.phase is UnitPhase.RUNNING and age > STARTING_SECONDS:
            why = f"no worker of its fleet was heard of, though it runs for {age:.0f} s"
            yield f"worker/{replica.name}", why


def _replica(fleet: Fleet, unit: Unit, snapshot: Snapshot, hearing: Hearing) -> Replica:
    running = unit.phase is UnitPhase.RUNNING
    if not fleet.queues:
        return Replica(unit, None, ready=running and unit.ready is not False)
    worker = _worker_of(unit, snapshot.workers)
    if worker is None:
        return Replica(unit, None, ready=False, unheard=hearing.never(unit, snapshot.now))
    patience = max(SILENT_AFTER_SECONDS, 2 * fleet.interval_seconds)
    silent = worker.offline or snapshot.now - worker.seen_at > patience
    subscribed = worker.queues is not None and not worker.queues.isdisjoint(fleet.queues)
    return Replica(unit, worker, ready=running and subscribed and not silent, silent=silent)


def _worker_of(unit: Unit, workers: Mapping[str, WorkerState]) -> WorkerState | None:
    """The worker in this unit, not one that took its leave before the unit was made."""
    worker = _worker_named(unit, workers)
    if worker is not None and worker.offline and worker.seen_at < unit.created_at:
        return None
    return worker


def _worker_named(unit: Unit, workers: Mapping[str, WorkerState]) -> WorkerState | None:
    """Join by nodename, else by either side of its @: hosts are guessed wrongly at times.

    Of several, such as units of the same name on other machines, nobody knows which one it is.
    """
    if unit.worker in workers:
        return workers[unit.worker]
    found = [w for name, w in workers.items() if unit.name in name.split("@", 1)]
    if len(found) > 1:
        return mute(found[0])
    return found[0] if found else None
