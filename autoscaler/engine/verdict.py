"""Names the bottleneck of this moment, so that nobody adds workers where they would not help."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from autoscaler.engine.airflow_demand import ADMITTED_WITHIN_SECONDS
from autoscaler.engine.guards import OVER_BUDGET
from autoscaler.engine.wording import count, span
from autoscaler.model import (
    HEARTBEAT_SECONDS,
    AirflowDemand,
    AirflowState,
    ApiServerState,
    Block,
    Blocker,
    Bottleneck,
    BrokerState,
    Fleet,
    FleetTick,
    Replica,
    Snapshot,
    Verdict,
)

MOST_NAMED = 3
NOTHING_HELD_UP = Verdict(Bottleneck.NONE, "nothing waits for workers")


def verdict(tick: FleetTick) -> Verdict | None:
    """What holds this fleet's work up; None while that cannot be known."""
    if tick.snapshot.blockage is not None:
        return tick.snapshot.blockage
    if tick.snapshot.missing or tick.error:
        return None
    if tick.snapshot.headroom and tick.decision.steps[-1].reason == OVER_BUDGET:
        return tick.snapshot.headroom.verdict
    most = tick.snapshot.fleet.max_replicas
    if any((rec.replicas or 0) > most for rec in tick.decision.recommendations):
        message = f"more than max_replicas, {most}, are asked for"
        return Verdict(Bottleneck.CAPACITY, message)
    lacking = tick.decision.desired - tick.snapshot.ready
    if lacking > 0:
        return Verdict(
            Bottleneck.WORKERS, f"{count(lacking, 'replica')} not there yet, or not ready"
        )
    return NOTHING_HELD_UP


def outages(fleet: Fleet, snapshot: Snapshot) -> Iterator[tuple[str, Bottleneck, str]]:
    """What an Airflow fleet's workers cannot do without and is down: source, which, and why.

    Tasks of Airflow 2 report to the database, so there only theirs needs the API server.
    """
    if fleet.airflow is None:
        return
    for kind, which in ((BrokerState, Bottleneck.BROKER), (AirflowState, Bottleneck.DATABASE)):
        for source in snapshot.sources_of(kind):
            if source in snapshot.missing and (kind is BrokerState or source == fleet.airflow):
                yield source, which, snapshot.missing[source]
    database = snapshot.airflows.get(fleet.airflow)
    if database is not None and database.read_only:
        yield fleet.airflow, Bottleneck.DATABASE, "it accepts no writes"
    for source in snapshot.sources_of(ApiServerState):
        why = _why_no_task_can_report(source, fleet.airflow, snapshot)
        if why:
            yield source, Bottleneck.API_SERVER, why


def blockage(
    demand: AirflowDemand | None,
    down: Sequence[tuple[str, Bottleneck, str]],
    replicas: Iterable[Replica],
    now: float,
) -> Verdict | None:
    """What else than workers an Airflow fleet's work waits for; None when workers may help.

    An outage speaks first. Where more tasks could start than slots are free, workers do help.
    """
    if down:
        source, which, why = down[0]
        return Verdict(which, f"workers cannot work without {source}: {why}")
    if demand is None or demand.waiting > _free_slots(replicas):
        return None
    if demand.blocked:
        return _blocked(demand)
    return _unscheduled(demand, now)


def _why_no_task_can_report(source: str, airflow: str, snapshot: Snapshot) -> str:
    database = snapshot.airflows.get(airflow)
    if database is not None and database.version.startswith("2"):
        return ""
    api = snapshot.observations.get(source)
    if isinstance(api, ApiServerState) and api.execution_api is False:
        return "it refuses what tasks report to it"
    return snapshot.missing.get(source, "")


def _free_slots(replicas: Iterable[Replica]) -> int:
    """Slots that could take a task now: of workers that subscribe, beat and stay."""
    taking = [r.worker for r in replicas if r.serving and r.ready and r.worker is not None]
    return sum(max(0, (worker.slots or 0) - (worker.busy or 0)) for worker in taking)


def _blocked(demand: AirflowDemand) -> Verdict:
    blocks = sorted(demand.blocked, key=lambda block: (-demand.blocked[block], block))
    named = "; ".join(_named(block, demand.blocked[block]) for block in blocks[:MOST_NAMED])
    if len(blocks) > MOST_NAMED:
        named += f"; and {len(blocks) - MOST_NAMED} more"
    bottleneck = Bottleneck(blocks[0].blocker.value)
    return Verdict(bottleneck, f"adding workers would start 0 tasks: {named}")


def _named(block: Block, waiting: int) -> str:
    name = {
        Blocker.POOL: f"pool {block.name}",
        Blocker.DAG_LIMIT: f"max_active_tasks of DAG {block.name}",
        Blocker.PARALLELISM: "parallelism",
    }[block.blocker]
    return f"{name} is {block.used}/{block.limit}, {waiting} waiting"


def _unscheduled(demand: AirflowDemand, now: float) -> Verdict | None:
    seen_at = demand.scheduler_seen_at
    if seen_at is None:
        return Verdict(Bottleneck.SCHEDULER, "no scheduler is running")
    if now - seen_at > HEARTBEAT_SECONDS:
        message = f"no scheduler has given a sign of life for {span(now - seen_at)}"
        return Verdict(Bottleneck.SCHEDULER, message)
    if demand.left_alone:
        tasks, seconds = count(demand.left_alone, "task"), f"{ADMITTED_WITHIN_SECONDS:g} s"
        message = f"{tasks} could be queued for more than {seconds}, and no scheduler does it"
        return Verdict(Bottleneck.SCHEDULER, message)
    return None
