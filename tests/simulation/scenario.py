"""What one seed simulates: fleets, workers, load and limits, drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation.worker import WorkerSettings

DOWN_FOR_SECONDS = 30.0
POLICIES = (
    ("target_tracking",),
    ("target_tracking", "tests.simulation.plugins:FaultyPolicy"),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `pods` of change in any `period_seconds`."""

    pods: int
    period_seconds: int


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """One fleet as configured, and how its platform behaves. Ranges are (least, most) seconds."""

    name: str
    settings: WorkerSettings
    min_replicas: int
    max_replicas: int
    up_window: int
    down_window: int
    up: Rate
    down: Rate
    max_draining: int
    percent_per_cycle: int
    percent_per_hour: int
    grace_seconds: float
    boot_seconds: tuple[float, float]
    ordinals: bool
    zones: bool
    task_seconds: float
    policies: tuple[str, ...]

    def config(self) -> dict[str, Any]:
        """The fleet's part of the daemon's config."""
        return {
            "name": self.name,
            "queues": list(self.settings.queues),
            "slots_per_replica": self.settings.slots,
            "target": {"kind": "tests.simulation.plugins:FakeTarget"},
            "min_replicas": self.min_replicas,
            "max_replicas": self.max_replicas,
            "policies": [{"kind": kind} for kind in self.policies],
            "behavior": {
                "scale_up": _rules(self.up_window, self.up),
                "scale_down": _rules(self.down_window, self.down),
            },
            "drain": {
                "max_draining": self.max_draining,
                "warn_after_seconds": 900,
                "max_percent_per_cycle": self.percent_per_cycle,
                "max_percent_per_hour": self.percent_per_hour,
            },
        }


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything about a seed that is not a fault."""

    interval_seconds: float
    fleets: tuple[FleetPlan, ...]
    redeliver_seconds: float
    dry_run: bool

    @classmethod
    def drawn(cls, random: Random) -> Scenario:
        """A scenario at random."""
        return cls(
            interval_seconds=random.choice((5.0, 10.0, 10.0, 15.0, 15.0)),
            fleets=tuple(_fleet(random, number) for number in range(random.choice((2, 2, 3)))),
            redeliver_seconds=random.choice((1.0, 60.0, 300.0)),
            dry_run=random.random() < 0.03,
        )

    def config(self) -> Mapping[str, Any]:
        """The daemon's config, without its state directory."""
        return {
            "interval_seconds": self.interval_seconds,
            "dry_run": self.dry_run,
            "journal": {"path": None},
            "sources": {
                "broker": {"kind": "tests.simulation.plugins:FakeBrokerSource"},
                "workers": {"kind": "tests.simulation.plugins:FakeWorkersSource"},
            },
            "fleets": [fleet.config() for fleet in self.fleets],
            "checks": {
                "faulty": {"kind": "tests.simulation.plugins:FaultyCheck"},
                "source_down": {"for_seconds": DOWN_FOR_SECONDS},
            },
            "notifiers": [{"kind": "tests.simulation.plugins:FakePager"}],
        }


def _fleet(random: Random, number: int) -> FleetPlan:
    name = f"fleet{number}"
    queues = (f"{name}-a", f"{name}-b")[: random.choice((1, 1, 2))]
    least = random.choice((0, 1, 1, 2))
    settings = WorkerSettings(
        slots=random.choice((1, 2, 4)),
        prefetch=random.choice((1, 4)),
        acks_late=random.random() < 0.5,
        queues=queues,
        mute=random.random() < 0.04,
    )
    return FleetPlan(
        name=name,
        settings=settings,
        min_replicas=least,
        max_replicas=least + random.choice((2, 4, 6)),
        up_window=random.choice((0, 0, 30)),
        down_window=random.choice((60, 90, 120)),
        up=Rate(random.choice((1, 2, 4)), random.choice((15, 60))),
        down=Rate(random.choice((1, 2, 4)), random.choice((30, 60))),
        max_draining=random.choice((1, 2, 4)),
        percent_per_cycle=random.choice((25, 50)),
        percent_per_hour=random.choice((150, 400)),
        grace_seconds=20.0,
        boot_seconds=(3.0, random.choice((10.0, 40.0))),
        ordinals=random.random() < 0.2,
        zones=random.random() < 0.3,
        task_seconds=random.choice((15.0, 40.0, 90.0)),
        policies=random.choice(POLICIES),
    )


def _rules(window: int, rate: Rate) -> dict[str, Any]:
    limit = {"type": "pods", "value": rate.pods, "period_seconds": rate.period_seconds}
    return {"stabilization_window_seconds": window, "limits": [limit]}
