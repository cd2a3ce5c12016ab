"""What holds a fleet's work up at this moment, in one word and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Bottleneck(StrEnum):
    """What would have to be more, or be mended, for more tasks to run."""

    NONE = "none"
    WORKERS = "workers"
    CAPACITY = "capacity"
    POOL = "pool"
    DAG_LIMIT = "dag_limit"
    PARALLELISM = "parallelism"
    SCHEDULER = "scheduler"
    DATABASE = "database"
    API_SERVER = "api_server"
    BROKER = "broker"

    @property
    def is_outage(self) -> bool:
        """Whether workers cannot work without it, so that nothing is scaled while it is down."""
        return self in (Bottleneck.DATABASE, Bottleneck.API_SERVER, Bottleneck.BROKER)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The bottleneck, and the evidence for it as a sentence."""

    bottleneck: Bottleneck
    message: str


@dataclass(frozen=True, slots=True)
class Headroom:
    """By how many replicas a fleet may grow before something that all share is used up."""

    replicas: int
    verdict: Verdict
