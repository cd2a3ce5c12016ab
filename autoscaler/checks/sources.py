"""Checks of what is polled: every source and target can be read, and names what it means once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field

from autoscaler.engine.wording import count, sentence
from autoscaler.interfaces import Check, CheckOptions
from autoscaler.model import (
    AirflowState,
    ApiServerState,
    Finding,
    Severity,
    Tick,
    Unchecked,
    WorkersState,
)

MOST_NAMED = 10


class SourceDownOptions(CheckOptions):
    """Options of source_down."""

    severity: Severity = Field(
        default=Severity.CRITICAL,
        description="How soon somebody must look; a source read in part is a warning",
    )


class SourceDown(Check[SourceDownOptions]):
    """A source or target cannot be read, or a part of it; nothing is lowered meanwhile.

    An API server of Airflow cannot answer without Airflow's database: where that is not read
    either, its finding tells of both.
    """

    options_type = SourceDownOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        followers: tuple[str, ...] = ()
        if tick.snapshot.blind_to(AirflowState):
            followers = tick.snapshot.sources_of(ApiServerState)
        parts: dict[str, dict[str, str]] = {}
        for name, why in sorted(tick.snapshot.missing.items()):
            system, _, part = name.partition("/")
            if part and system != "target":
                parts.setdefault(system, {})[part] = why
            elif name in followers:
                yield Unchecked(self.context.name, why, {"source": name})
            else:
                yield self._whole(name, part, why)
                yield Unchecked(self.context.name, why, {"source": name, "scope": "part"})
        for source, missing in parts.items():
            yield self._in_part(source, missing)

    def _whole(self, name: str, fleet: str, why: str) -> Finding:
        what = f"The target of fleet {fleet}" if fleet else f"Source {name}"
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=sentence(f"{what} cannot be read: {why}"),
            labels={"source": name},
            evidence={"why": why},
            remedy=(
                "See that the system is up and reachable from here, and that its address and "
                "credentials in the config are right. No replica is removed until it is read again."
            ),
        )

    def _in_part(self, source: str, missing: Mapping[str, str]) -> Finding:
        named = dict(list(missing.items())[:MOST_NAMED])
        first, why = next(iter(named.items()))
        return Finding(
            check=self.context.name,
            severity=Severity.WARNING,
            summary=sentence(
                f"Source {source} does not give {count(len(missing), 'item')}: {first}: {why}"
            ),
            labels={"source": source, "scope": "part"},
            evidence=named,
            remedy=(
                "See that what is named exists and may be read. "
                "Fleets that need it are not scaled in until it is."
            ),
        )


class DuplicateNodenamesOptions(CheckOptions):
    """Options of duplicate_nodenames."""

    for_seconds: float = Field(
        default=60, ge=0, description="How long a finding lasts before it fires"
    )


class DuplicateNodenames(Check[DuplicateNodenamesOptions]):
    """Two workers answer to one nodename, so neither can be addressed or drained safely."""

    options_type = DuplicateNodenamesOptions

    def find(self, tick: Tick) -> Iterator[Finding | Unchecked]:
        for name, why in tick.snapshot.missing.items():
            yield Unchecked(self.context.name, why, {"source": name})
        for name, observation in sorted(tick.snapshot.observations.items()):
            if isinstance(observation, WorkersState) and observation.duplicates:
                yield self._finding(name, sorted(observation.duplicates))

    def _finding(self, source: str, duplicates: list[str]) -> Finding:
        return Finding(
            check=self.context.name,
            severity=self.options.severity,
            summary=f"{count(len(duplicates), 'nodename')} of {source} have two workers or more.",
            labels={"source": source},
            evidence={"nodenames": ", ".join(duplicates[:MOST_NAMED])},
            remedy=(
                "Give each worker a name of its own (`celery worker -n NAME@%h`); until then "
                "those that share one cannot be told apart."
            ),
        )
