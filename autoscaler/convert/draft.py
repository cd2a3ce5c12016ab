"""What a conversion gathers: one draft for each fleet, and the sources that all of them share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

BROKER_URL = "AUTOSCALER_BROKER_URL"
DATABASE_URL = "AUTOSCALER_AIRFLOW_DATABASE_URL"
PROMETHEUS_URL = "AUTOSCALER_PROMETHEUS_URL"

Spec = dict[str, Any]


class NoteKind(StrEnum):
    """What a note tells the reader."""

    LOST = "not translated"
    DIFFERS = "differs"
    TO_DO = "to do"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the printed fleet does not say: `path` is where the input has it."""

    kind: NoteKind
    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The object that a fleet comes from."""

    kind: str
    name: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.file}:{self.line})"


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that the printed config reads, and what belongs into it."""

    name: str
    holds: str


@dataclass(slots=True)
class Draft:
    """One fleet while it is being read. Without policies nothing of it could be translated."""

    origin: Origin
    name: str
    target: Spec
    min_replicas: int
    max_replicas: int
    queues: list[str] = field(default_factory=list)
    slots_per_replica: int | None = None
    airflow: bool = False
    policies: list[Spec] = field(default_factory=list)
    behavior: Spec | None = None
    notes: list[Note] = field(default_factory=list)

    def note(self, kind: NoteKind, path: str, line: int, message: str) -> None:
        """Keep a note, once."""
        note = Note(kind, path, line, message)
        if note not in self.notes:
            self.notes.append(note)

    def serve(self, queue: str) -> None:
        """The fleet's workers consume this queue."""
        if queue not in self.queues:
            self.queues.append(queue)

    def policy(self, policy: Spec) -> None:
        """One more rule, once."""
        if policy not in self.policies:
            self.policies.append(policy)

    def fleet(self, *, demand: str | None) -> Spec:
        """As it stands in the config."""
        spec: Spec = {"name": self.name}
        spec["queues"] = list(self.queues)
        if self.slots_per_replica is not None:
            spec["slots_per_replica"] = self.slots_per_replica
        spec["target"] = self.target
        if demand is not None:
            spec["demand"] = demand
        spec |= {"min_replicas": self.min_replicas, "max_replicas": self.max_replicas}
        spec["policies"] = list(self.policies)
        if self.behavior is not None:
            spec["behavior"] = self.behavior
        return spec


class Sources:
    """The sources that the fleets need, by name, and the variables that they are found by."""

    def __init__(self) -> None:
        self._by_identity: dict[tuple[str, str], str] = {}
        self._queues_of: dict[str, list[str]] = {}
        self.specs: dict[str, Spec] = {}
        self.variables: dict[str, Variable] = {}

    def broker(self, kind: str, address: str, holds: str, queue: str) -> None:
        """The broker at an address, with a queue of it, and the workers reached through it."""
        name = self._named("broker", f"{kind} {address}")
        if name not in self.specs:
            url = {"env": self._variable(BROKER_URL, name, holds)}
            self.specs[name] = {"kind": kind, "url": url}
            self.specs[name.replace("broker", "workers")] = {"kind": "celery_workers", "url": url}
        queues = self._queues_of.setdefault(name, [])
        if queue not in queues:
            queues.append(queue)

    def finished(self) -> dict[str, Spec]:
        """All of them as they stand in the config. A broker among others reads its own queues."""
        several = len(self._queues_of) > 1
        return {
            name: {**spec, "queues": self._queues_of[name]}
            if several and name in self._queues_of
            else spec
            for name, spec in self.specs.items()
        }

    def airflow(self, holds: str) -> None:
        """Airflow's database."""
        if "airflow" not in self.specs:
            variable = self._variable(DATABASE_URL, "airflow", holds)
            self.specs["airflow"] = {"kind": "airflow_database", "url": {"env": variable}}

    def workers(self) -> None:
        """The workers, where no trigger has told the broker."""
        if not any(name.startswith("workers") for name in self.specs):
            variable = self._variable(BROKER_URL, "workers", "Celery's broker URL")
            self.specs["workers"] = {"kind": "celery_workers", "url": {"env": variable}}

    def pods(self, namespace: str) -> None:
        """CPU and memory of the pods of a namespace."""
        name = self._named("pods", namespace)
        self.specs.setdefault(name, {"kind": "kubernetes_metrics", "namespace": namespace})

    def query(self, address: str, options: Spec, wanted: str, promql: str) -> str:
        """A query of the Prometheus at an address ('': unknown); returns its sample's name."""
        name = self._named("prometheus", f"{address} {sorted(options)}")
        if name not in self.specs:
            url: Any = address
            if not address or "@" in address:
                variable = self._variable(PROMETHEUS_URL, name, "Prometheus, http://HOST:9090")
                url = {"env": variable}
            self.specs[name] = {"kind": "prometheus", "url": url, **options, "queries": {}}
        queries = self.specs[name]["queries"]
        sample = _free_name(wanted, promql, self._queries())
        queries[sample] = promql
        return sample

    def variable(self, name: str, holds: str) -> Spec:
        """A reference to an environment variable."""
        self.variables.setdefault(name, Variable(name, holds))
        return {"env": name}

    def _queries(self) -> dict[str, str]:
        specs = self.specs.values()
        return {name: query for spec in specs for name, query in spec.get("queries", {}).items()}

    def _named(self, word: str, identity: str) -> str:
        known = [name for (kind, _), name in self._by_identity.items() if kind == word]
        fallback = f"{word}-{len(known) + 1}" if known else word
        return self._by_identity.setdefault((word, identity), fallback)

    def _variable(self, base: str, source: str, holds: str) -> str:
        number = source.rpartition("-")[2]
        name = f"{base}_{number}" if number.isdigit() else base
        self.variables.setdefault(name, Variable(name, holds))
        return name


def _free_name(wanted: str, query: str, taken: Mapping[str, str]) -> str:
    """A sample name that no other query has."""
    base = re.sub(r"[^A-Za-z0-9_]", "_", wanted)
    base = f"_{base}" if base[:1].isdigit() else base
    name, number = base, 2
    while taken.get(name, query) != query:
        name, number = f"{base}_{number}", number + 1
    return name
