"""All that is known at one instant, and the part of it that concerns one fleet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.model.airflow import AirflowDemand, AirflowState
from autoscaler.model.decision import Decision, Outcome, Override, Result
from autoscaler.model.finding import Alert, Finding
from autoscaler.model.fleet import Fleet, Replica, Unit
from autoscaler.model.footprint import Footprint
from autoscaler.model.forecast import Forecast
from autoscaler.model.measurement import Measurement, StartUp
from autoscaler.model.observation import (
    BrokerState,
    Observation,
    QueueState,
    Sample,
    WorkerState,
)
from autoscaler.model.sizing import Sizing
from autoscaler.model.verdict import Headroom, Verdict


class Samples:
    """Samples by name, a fleet's own on top of those of all sources.

    own: names that never shine through from below: unknown here is not known elsewhere.
    """

    __slots__ = ("_below", "_by_name")

    def __init__(
        self,
        samples: Iterable[Sample] = (),
        below: Samples | None = None,
        own: Iterable[str] = (),
    ) -> None:
        self._below = below
        self._by_name: dict[str, list[Sample]] = {name: [] for name in own}
        for sample in samples:
            self._by_name.setdefault(sample.name, []).append(sample)

    def named(self, name: str, labels: Mapping[str, str] | None = None) -> tuple[Sample, ...]:
        """The samples of this name that carry all these labels; empty when there are none."""
        found = self._by_name.get(name)
        if found is None:
            return self._below.named(name, labels) if self._below else ()
        if not labels:
            return tuple(found)
        wanted = labels.items()
        return tuple(sample for sample in found if wanted <= sample.labels.items())

    def names(self) -> frozenset[str]:
        """Every name that has a sample."""
        below = self._below.names() if self._below else frozenset()
        known = {name for name, samples in self._by_name.items() if samples}
        return frozenset((below - self._by_name.keys()) | known)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The world at one instant.

    missing: source name, `target/FLEET` or `SOURCE/ITEM` -> why it could not be read or trusted.
    units: fleet -> its units; a fleet whose target could not be read is absent.
    queues and workers are joined over all sources; worker_sources names the sources of workers.
    kinds: what each source gives when it can be read.
    """

    now: float
    observations: Mapping[str, Observation] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, tuple[Unit, ...]] = field(default_factory=dict)
    samples: Samples = field(default_factory=Samples)
    queues: Mapping[str, QueueState] = field(default_factory=dict)
    workers: Mapping[str, WorkerState] = field(default_factory=dict)
    worker_sources: frozenset[str] = frozenset()
    kinds: Mapping[str, type[Observation]] = field(default_factory=dict)

    @property
    def brokers(self) -> Mapping[str, BrokerState]:
        """The brokers that were read, by source name."""
        return {n: o for n, o in self.observations.items() if isinstance(o, BrokerState)}

    @property
    def airflows(self) -> Mapping[str, AirflowState]:
        """The Airflow databases that were read, by source name."""
        return {n: o for n, o in self.observations.items() if isinstance(o, AirflowState)}

    def sources_of(self, kind: type[Observation]) -> tuple[str, ...]:
        """The names of the sources that give this, read or not."""
        return tuple(name for name, given in self.kinds.items() if issubclass(given, kind))

    def blind_to(self, kind: type[Observation]) -> bool:
        """Whether some sources give this, and none of them could be read."""
        sources = self.sources_of(kind)
        return bool(sources) and self.missing.keys() >= set(sources)


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """What the policies of one fleet see.

    samples holds the fleet's own (engine/demand.py names them) above those of all sources.
    missing: what this fleet needs and does not have -> why; anything here forbids scale-in.
    listening: whether what is told of its workers is of now; else silence tells nothing.
    airflow: its demand as Airflow knows it. blockage: what else than workers holds its work up.
    headroom: how much more the database and the API server bear, None without a bound.
    start_up: how long its units take to start, None while none was timed. forecast: what its tasks
    will want, None where nothing is promised or demand is unknown.
    current: the replicas that it has or will have, neither draining nor terminating; counted once,
    as every stage of a decision asks for it.
    """

    now: float
    fleet: Fleet
    replicas: tuple[Replica, ...] = ()
    samples: Samples = field(default_factory=Samples)
    missing: Mapping[str, str] = field(default_factory=dict)
    listening: bool = True
    airflow: AirflowDemand | None = None
    blockage: Verdict | None = None
    headroom: Headroom | None = None
    start_up: StartUp | None = None
    forecast: Forecast | None = None
    current: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        serving = sum(1 for replica in self.replicas if replica.serving)
        object.__setattr__(self, "current", serving)

    @property
    def ready(self) -> int:
        """The serving replicas that take work."""
        return sum(1 for replica in self.replicas if replica.serving and replica.ready)

    @property
    def draining(self) -> int:
        """The replicas that finish their work before they leave."""
        return sum(1 for replica in self.replicas if replica.draining)


@dataclass(frozen=True, slots=True)
class FleetTick:
    """What one tick made of one fleet.

    error: what a bug or a broken invariant said; then nothing was done.
    killed_tasks: running tasks that died with their unit since the last tick, by cause. measured:
    what ended since then, and how long it took. sizings: what its containers should ask for.
    """

    snapshot: FleetSnapshot
    decision: Decision
    result: Result
    outcomes: tuple[Outcome, ...] = ()
    override: Override | None = None
    error: str = ""
    killed_tasks: Mapping[str, int] = field(default_factory=dict)
    measured: tuple[Measurement, ...] = ()
    sizings: tuple[Sizing, ...] = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """Everything one tick saw, decided, did and found: the one record observers get.

    led_by: which other daemon leads, as far as this one knows. not_leading: why this one does not.
    bugs: what raised something unexpected -> its traceback. learned: the footprints that changed.
    known_dags: how many there are, by source. measured: tasks of runs that are over.
    """

    number: int
    snapshot: Snapshot
    fleets: Mapping[str, FleetTick]
    duration_seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    alerts: tuple[Alert, ...] = ()
    leader: bool = True
    led_by: str = ""
    not_leading: str = ""
    bugs: Mapping[str, str] = field(default_factory=dict)
    learned: tuple[Footprint, ...] = ()
    known_dags: Mapping[str, int] = field(default_factory=dict)
    measured: tuple[Measurement, ...] = ()
