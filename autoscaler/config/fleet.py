"""One fleet as configured."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from autoscaler.config.behavior import BehaviorConfig
from autoscaler.config.cross import DEFAULT_NAME
from autoscaler.config.plugin import PolicyConfig, TargetConfig
from autoscaler.engine.behavior import LEARNED_BEHAVIOR
from autoscaler.interfaces import Options
from autoscaler.model import Budgets, DrainRules, Fleet, Objective, QueuesFrom

MAX_REPLICAS = 100_000
MOST_DRAINING = 100  # where nothing is said of it: idle workers of a burst leave as they are found
UNKNOWN_QUEUES = ("celery",)  # what Celery calls its own, until queues are found
BUDGETS = Budgets()
_MAX_QUEUE_BYTES = 255
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "must be at most 63 lower-case letters, digits and '-', such as 'etl-workers', "
            f"not {name[:80]!r}"
        )
    return name


def _checked_queue(queue: str) -> str:
    if not queue or queue != queue.strip() or "," in queue:
        raise ValueError(f"must be one queue name without commas or outer spaces, not {queue!r}")
    if len(queue.encode()) > _MAX_QUEUE_BYTES:
        raise ValueError(f"must be at most {_MAX_QUEUE_BYTES} bytes, as in AMQP")
    return queue


def _default_policies() -> tuple[Any, ...]:
    return ({"kind": "slo"},)


def _checked_policies(policies: tuple[PolicyConfig, ...]) -> tuple[PolicyConfig, ...]:
    if not policies:
        raise ValueError("must hold at least one policy; leave it out for slo")
    return policies


class BudgetsConfig(Options):
    """What all workers of an Airflow share, and how much of it may be in use for more to come."""

    database_connections_percent: float | None = Field(
        default=BUDGETS.database_connections_percent,
        gt=0,
        le=100,
        description="no replica is added that would take more of the database's connections; "
        "null: however many",
    )
    api_latency_seconds: float | None = Field(
        default=BUDGETS.api_latency_seconds,
        gt=0,
        le=60,
        description="nor one that would make the API server of Airflow 3 answer more slowly; "
        "null: however slowly",
    )


class FleetConfig(Options):
    """Replicas that are scaled together."""

    name: Annotated[str, AfterValidator(_checked_name)] = Field(
        default=DEFAULT_NAME, description="its name in metrics, logs and commands"
    )
    queues: tuple[Annotated[str, AfterValidator(_checked_queue)], ...] | None = Field(
        default=None,
        description="the Celery queues that its workers consume; left out, where it is the only "
        "fleet: all that are found; [] where its replicas are no Celery workers",
    )
    slots_per_replica: int | None = Field(
        default=None,
        strict=True,
        ge=1,
        description="tasks that one replica runs at once; measured when left out",
    )
    target: TargetConfig = Field(description="what is scaled, such as {kind: local, command: …}")
    demand: str | None = Field(
        default=None,
        strict=True,
        description="whose word on its demand counts: an Airflow database among the sources by "
        "name, or broker; left out: the Airflow database, where there is one",
    )
    min_replicas: int = Field(
        default=1, strict=True, ge=0, le=MAX_REPLICAS, description="never fewer replicas"
    )
    max_replicas: int = Field(
        strict=True, ge=1, le=MAX_REPLICAS, description="never more replicas than this"
    )
    policies: Annotated[tuple[PolicyConfig, ...], AfterValidator(_checked_policies)] = Field(
        default_factory=_default_policies,
        validate_default=True,
        description="rules that recommend replicas, the highest wins; left out: slo",
    )
    behavior: BehaviorConfig | None = Field(
        default=None,
        description="how fast each direction may go, as in an HPA; left out: as the HPA's default, "
        "and with slo as fast as needed, idle replicas staying as long as has paid off",
    )
    drain: DrainRules = Field(
        default_factory=DrainRules,
        description="how replicas leave; left out, with slo and no behavior: up to 100 at once",
    )
    budgets: BudgetsConfig = Field(
        default_factory=BudgetsConfig,
        description="what workers of an Airflow may take of what they share",
    )

    def fleet(
        self, interval_seconds: float, airflow: str | None = None, found: tuple[str, ...] = ()
    ) -> Fleet:
        """The fleet as the engine knows it.

        airflow: the source that knows its demand. found: its queues, where it names none.
        """
        objective = self._objective()
        learned = self.behavior is None and objective is not None
        unruled = learned and "drain" not in self.model_fields_set
        return Fleet(
            name=self.name,
            queues=self.queues if self.queues is not None else found or UNKNOWN_QUEUES,
            slots_per_replica=self.slots_per_replica,
            min_replicas=self.min_replicas,
            max_replicas=self.max_replicas,
            behavior=LEARNED_BEHAVIOR if learned else self.behavior,
            drain=replace(self.drain, max_draining=MOST_DRAINING) if unruled else self.drain,
            budgets=Budgets(**self.budgets.model_dump()),
            interval_seconds=interval_seconds,
            airflow=airflow,
            queues_from=_queues_from(self.queues, found),
            objective=objective,
        )

    def _objective(self) -> Objective | None:
        """What the first of its policies that promises anything does."""
        promised = (policy.plugin.objective(policy.options) for policy in self.policies)
        return next((each for each in promised if each is not None), None)


def _queues_from(named: tuple[str, ...] | None, found: tuple[str, ...]) -> QueuesFrom:
    if named is not None:
        return QueuesFrom.CONFIG
    return QueuesFrom.SOURCES if found else QueuesFrom.NOBODY
