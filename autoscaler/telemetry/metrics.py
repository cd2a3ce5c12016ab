"""Prometheus metrics: gauges show the last tick, counters what came of all of them."""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from autoscaler import __version__
from autoscaler.engine.ledger import CAUSES
from autoscaler.model import Result, Tick
from autoscaler.telemetry.gauges import gauges
from autoscaler.telemetry.journal import Journal
from autoscaler.telemetry.recent import Recent

BUCKETS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics(Collector):
    """What `/metrics` is asked for. An observer of ticks, beside the `Recent` that holds the last.

    Labels come from the config only; a fleet or source that is configured no more loses its
    series. `render` may be called from another thread than the ticks'. clock_jump: by how many
    seconds the wall clock was set away. config_loaded: whether the last reload was accepted.
    """

    def __init__(
        self,
        recent: Recent,
        journal: Journal | None = None,
        clock_jump: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._recent = recent
        self._journal = journal
        self._clock_jump = clock_jump
        self.config_loaded = True
        self._reconciliations: Counter[tuple[str, ...]] = Counter()
        self._actions: Counter[tuple[str, ...]] = Counter()
        self._killed: Counter[tuple[str, ...]] = Counter()
        self._bugs = 0
        self._durations = [0] * (len(BUCKETS_SECONDS) + 1)
        self._duration_sum = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def __call__(self, tick: Tick) -> None:
        for counter in (self._reconciliations, self._actions, self._killed):
            for labels in [labels for labels in counter if labels[0] not in tick.fleets]:
                del counter[labels]
        for name, fleet in tick.fleets.items():
            self._reconciliations[name, fleet.result.value] += 1
            for cause in CAUSES:
                self._killed[name, cause] += fleet.killed_tasks.get(cause, 0)
            for outcome in fleet.outcomes:
                self._actions[name, outcome.action.kind.value, outcome.result.value] += 1
            self._bugs += fleet.result is Result.FROZEN
        self._bugs += len(tick.bugs)
        self._durations[bisect_left(BUCKETS_SECONDS, tick.duration_seconds)] += 1
        self._duration_sum += tick.duration_seconds

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition and its content type, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def collect(self) -> Iterator[Metric]:
        """Every metric; called by the registry."""
        build = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily("autoscaler_build", "What is running", value=build)
        yield CounterMetricFamily(
            "autoscaler_bugs", "Bugs met and invariants found broken", value=self._bugs
        )
        yield GaugeMetricFamily(
            "autoscaler_clock_jump_seconds",
            "How far the wall clock was set away from the time that the daemon goes by",
            value=self._clock_jump(),
        )
        yield GaugeMetricFamily(
            "autoscaler_config_last_reload_successful",
            "Whether the config file is the one in use",
            value=self.config_loaded,
        )
        yield from self._journal_metrics()
        tick = self._recent.tick
        if tick is None:
            return
        yield from gauges(tick, self._recent.read_at)
        yield from self._counters()
        yield self._duration_histogram()

    def _counters(self) -> Iterator[Metric]:
        reconciliations = CounterMetricFamily(
            "autoscaler_reconciliations",
            "Turns of a fleet, by what came of them",
            labels=("fleet", "result"),
        )
        actions = CounterMetricFamily(
            "autoscaler_actions",
            "Actions on a fleet's target, by what came of them",
            labels=("fleet", "action", "result"),
        )
        killed = CounterMetricFamily(
            "autoscaler_tasks_killed",
            "Running tasks that died with their unit, by cause; scale_in is the daemon's own doing",
            labels=("fleet", "cause"),
        )
        families = (
            (reconciliations, self._reconciliations),
            (actions, self._actions),
            (killed, self._killed),
        )
        for family, counter in families:
            for labels, value in list(counter.items()):
                family.add_metric(labels, value)
            yield family

    def _duration_histogram(self) -> Metric:
        bounds = [*map(str, BUCKETS_SECONDS), "+Inf"]
        return HistogramMetricFamily(
            "autoscaler_reconcile_duration_seconds",
            "How long one tick took, all fleets together",
            buckets=list(zip(bounds, accumulate(self._durations), strict=True)),
            sum_value=self._duration_sum,
        )

    def _journal_metrics(self) -> Iterator[Metric]:
        if self._journal is None:
            return
        yield GaugeMetricFamily(
            "autoscaler_journal_up",
            "Whether the journal can be written",
            value=not self._journal.fault,
        )
        yield CounterMetricFamily(
            "autoscaler_journal_dropped",
            "Ticks that the journal could not keep",
            value=self._journal.dropped,
        )
