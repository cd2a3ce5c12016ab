"""What Airflow's workers load together: connections of its database, and its API server."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from autoscaler.engine.screening import plausible
from autoscaler.model import (
    AirflowState,
    ApiServerState,
    Bottleneck,
    Budgets,
    FleetSnapshot,
    Snapshot,
)

AIRFLOW_SLOTS = 16  # Airflow's own worker_concurrency, for a fleet whose slots are not known
OF_A_WORKER = OF_A_SLOT = 2.0
API_SERVER = "API server"


@dataclass(frozen=True, slots=True)
class Load(ABC):
    """One reading of one of them. source: which one it is. fleets: those whose workers load it."""

    bottleneck: ClassVar[Bottleneck]
    source: str
    fleets: tuple[str, ...]
    level: float

    @abstractmethod
    def limit(self, budgets: Budgets) -> float | None:
        """Up to what growth may bring it; None without a bound."""

    @abstractmethod
    def assumed(self, view: FleetSnapshot) -> float:
        """What a replica is taken to add for as long as that is not known."""

    @abstractmethod
    def words(self, limit: float, cost: float) -> tuple[str, str]:
        """How much there is and may be, and what one replica adds, for people."""


@dataclass(frozen=True, slots=True)
class Connections(Load):
    """Connections that the metadata database's server has, of those that it allows (`most`)."""

    bottleneck = Bottleneck.DATABASE
    most: float

    def limit(self, budgets: Budgets) -> float | None:
        percent = budgets.database_connections_percent
        return None if percent is None else self.most * percent / 100

    def assumed(self, view: FleetSnapshot) -> float:
        """Two, and two for each slot: a task and who watches over it. Too many, for most."""
        known = (sample.value for sample in view.samples.named("slots_per_replica"))
        slots = view.fleet.slots_per_replica or next(known, AIRFLOW_SLOTS)
        return OF_A_WORKER + OF_A_SLOT * slots

    def words(self, limit: float, cost: float) -> tuple[str, str]:
        used = (
            f"{self.level:g} of {self.most:g} database connections are in use, {limit:.4g} may be"
        )
        return used, f"{cost:.3g}"


@dataclass(frozen=True, slots=True)
class Latency(Load):
    """How long the API server takes to answer, in seconds."""

    bottleneck = Bottleneck.API_SERVER

    def limit(self, budgets: Budgets) -> float | None:
        return budgets.api_latency_seconds

    def assumed(self, view: FleetSnapshot) -> float:
        """Nothing: what it takes without load is no guide to what it takes under load."""
        return 0.0

    def words(self, limit: float, cost: float) -> tuple[str, str]:
        used = f"the API server answers in {self.level:.3g} s, {limit:g} s are allowed"
        return used, f"{cost:.2g} s"


def loads(snapshot: Snapshot, views: Mapping[str, FleetSnapshot]) -> Iterator[Load]:
    """Those that are known now and that some fleet loads.

    Tasks of Airflow 2 do not ask its webserver, so its answers bound nobody.
    """
    for source, state in snapshot.airflows.items():
        fleets = tuple(name for name, view in views.items() if view.fleet.airflow == source)
        used, most = state.connections, state.max_connections
        if fleets and used is not None and most is not None and plausible(used) and most > 0:
            yield Connections(source, fleets, used, most)
    served = tuple(
        name
        for name, view in views.items()
        if _asks(snapshot.airflows.get(view.fleet.airflow or ""))
    )
    latencies = [
        observation.latency_seconds
        for observation in snapshot.observations.values()
        if isinstance(observation, ApiServerState) and plausible(observation.latency_seconds)
    ]
    if served and latencies:
        yield Latency(API_SERVER, served, max(latencies))


def _asks(airflow: AirflowState | None) -> bool:
    return airflow is not None and not airflow.version.startswith("2")
