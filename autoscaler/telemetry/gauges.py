"""The metrics that are a view of one tick: what is not known now has no series now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from autoscaler.engine.verdict import verdict
from autoscaler.model import AlertState, Blocker, Bottleneck, FleetTick, QueueState, Tick

OF_EVERY_FLEET = (Bottleneck.NONE, Bottleneck.WORKERS, Bottleneck.CAPACITY)
DEMAND_KINDS = ("waiting", "running")
FLEET_GAUGES: tuple[tuple[str, str, Callable[[FleetTick], int]], ...] = (
    ("desired", "Replicas that the fleet should have", lambda t: t.decision.desired),
    ("current", "Replicas that the fleet has or will have", lambda t: t.snapshot.current),
    ("ready", "Replicas that take work", lambda t: t.snapshot.ready),
    ("draining", "Replicas that finish their work and leave", lambda t: t.snapshot.draining),
)
Row = tuple[tuple[str, ...], float]


def gauges(tick: Tick, read_at: Mapping[str, float]) -> Iterator[Metric]:
    """Every gauge of one tick. read_at: when each source was last read (Unix seconds)."""
    yield from _fleets(tick)
    yield from _queues(tick)
    yield from _sources(tick, read_at)
    yield from _learned(tick)
    yield _gauge("alerts", "Alerts by name and state", ("alertname", "state"), _alerts(tick))
    yield _gauge("leader", "Whether this daemon carries decisions out", (), [((), tick.leader)])
    at: list[Row] = [((), tick.snapshot.now)]
    yield _gauge("last_tick_timestamp_seconds", "When the last tick began (Unix time)", (), at)


def _fleets(tick: Tick) -> Iterator[Metric]:
    known = {n: t for n, t in tick.fleets.items() if f"target/{n}" not in t.snapshot.missing}
    for word, text, value in FLEET_GAUGES:
        fleets = tick.fleets if word == "desired" else known
        rows = [((name,), value(fleet)) for name, fleet in fleets.items()]
        yield _gauge(f"{word}_replicas", text, ("fleet",), rows)
    yield _gauge(
        "demand_tasks",
        "Tasks that want a slot: waiting in a queue or running in a worker",
        ("fleet", "kind"),
        [
            ((name, kind), sample.value)
            for name, fleet in tick.fleets.items()
            for kind in DEMAND_KINDS
            for sample in fleet.snapshot.samples.named(f"{kind}_tasks")[:1]
        ],
    )
    verdicts = {name: verdict(fleet) for name, fleet in tick.fleets.items()}
    yield _gauge(
        "verdict",
        "1 for what holds the fleet's work up now",
        ("fleet", "verdict"),
        [
            ((name, each.value), each is found.bottleneck)
            for name, found in verdicts.items()
            if found is not None
            for each in _bottlenecks(tick.fleets[name])
        ],
    )
    yield _gauge(
        "blocked_tasks",
        "Scheduled tasks of Airflow that no worker could start now, by what they wait for",
        ("fleet", "blocker"),
        [row for name, fleet in tick.fleets.items() for row in _blocked(name, fleet)],
    )


def _bottlenecks(fleet: FleetTick) -> Iterable[Bottleneck]:
    """Those that a fleet can have: most are known of Airflow only."""
    return Bottleneck if fleet.snapshot.fleet.airflow is not None else OF_EVERY_FLEET


def _blocked(name: str, fleet: FleetTick) -> Iterator[Row]:
    demand = fleet.snapshot.airflow
    if demand is None:
        return
    for blocker in Blocker:
        waiting = (n for block, n in demand.blocked.items() if block.blocker is blocker)
        yield (name, blocker.value), sum(waiting)


def _queues(tick: Tick) -> Iterator[Metric]:
    names = dict.fromkeys(q for f in tick.fleets.values() for q in f.snapshot.fleet.queues)
    queues: list[QueueState] = [
        tick.snapshot.queues[name] for name in names if name in tick.snapshot.queues
    ]
    depths = [((queue.name,), queue.waiting) for queue in queues]
    yield _gauge("queue_depth", "Tasks that wait in the broker", ("queue",), depths)
    ages: list[Row] = [
        ((queue.name,), queue.oldest_age_seconds)
        for queue in queues
        if queue.oldest_age_seconds is not None
    ]
    text = "Age of the oldest task that waits in the broker"
    yield _gauge("oldest_task_age_seconds", text, ("queue",), ages)


def _sources(tick: Tick, read_at: Mapping[str, float]) -> Iterator[Metric]:
    read = tick.snapshot.observations
    missing = [name for name in tick.snapshot.missing if "/" not in name]
    names = dict.fromkeys([*read, *missing])
    up = [((name,), name not in missing) for name in names]
    yield _gauge("source_up", "Whether the source was read at the last tick", ("source",), up)
    ages = [((name,), tick.snapshot.now - read_at[name]) for name in names if name in read_at]
    text = "How old what is known of the source was at the last tick"
    yield _gauge("source_age_seconds", text, ("source",), ages)


def _learned(tick: Tick) -> Iterator[Metric]:
    timed = {name: f.snapshot.start_up for name, f in tick.fleets.items() if f.snapshot.start_up}
    starts: list[Row] = []
    for name, known in timed.items():
        starts += [((name, "0.5"), known.p50_seconds), ((name, "0.9"), known.p90_seconds)]
    text = "How long a new replica takes until it takes tasks, of the last ones"
    yield _gauge("worker_start_seconds", text, ("fleet", "quantile"), starts)
    dags = [((source,), number) for source, number in tick.known_dags.items()]
    text = "DAGs of which was learned which slots a run uses"
    yield _gauge("known_dags", text, ("source",), dags)


def _alerts(tick: Tick) -> list[Row]:
    open_alerts = [alert for alert in tick.alerts if alert.state is not AlertState.RESOLVED]
    counts = Counter((alert.finding.check, alert.state.value) for alert in open_alerts)
    return list(counts.items())


def _gauge(name: str, text: str, labels: tuple[str, ...], rows: Iterable[Row]) -> Metric:
    family = GaugeMetricFamily(f"autoscaler_{name}", text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family
