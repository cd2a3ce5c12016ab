"""The files of `autoscaler test`: what a case is, and every fault of a file with its line."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from autoscaler.cli.times import seconds
from autoscaler.config import FleetConfig
from autoscaler.config.behavior import HPA_SPELLING
from autoscaler.config.cross import cross_faults
from autoscaler.config.faults import Fault, config_error
from autoscaler.config.wording import faults_of
from autoscaler.document import Location, compose
from autoscaler.interfaces import Options
from autoscaler.text_file import read_text

MOST_TICKS = 200_000
MONDAY = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(?:\{(\w+="[^"]*"(?:, ?\w+="[^"]*")*)\})?')
LABEL = re.compile(r'(\w+)="([^"]*)"')
DERIVED = {
    "demand_tasks": "give waiting_tasks and running_tasks",
    "queue_depth": 'give waiting_tasks, or queue_depth{queue="NAME"}',
    "utilization": "give running_tasks",
    "busy_slots": "give running_tasks",
    "slots": "give slots_per_replica in the fleet",
    "slots_per_replica": "give slots_per_replica in the fleet",
}


def _seconds(value: Any) -> float:
    """A time from the start: a number of seconds, or a text such as 90s or 1h30m."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        at = float(value)
    elif isinstance(value, str):
        try:
            at = seconds(value)
        except argparse.ArgumentTypeError as error:
            raise ValueError(str(error)) from error
    else:
        raise ValueError("must be seconds, or a duration such as 90s or 1h30m")  # noqa: TRY004 - pydantic tells of ValueError only
    if not 0 <= at < math.inf:
        raise ValueError("must not be before the start")
    return at


def _moment(value: Any) -> float:
    """The time of day at which a case starts."""
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a time such as 2026-01-05T07:30:00+01:00") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


Time = Annotated[float, BeforeValidator(_seconds)]
SampleKey = tuple[str, tuple[tuple[str, str], ...]]


class Reading(BaseModel):
    """What is measured from a time on, until a later reading says otherwise; null is unknown."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Annotated[float, Field(ge=0)] | None]

    at: Time

    @model_validator(mode="after")
    def _known_names(self) -> Self:
        for key in self.__pydantic_extra__:
            sample_key(key)
        return self

    def values(self) -> Iterator[tuple[SampleKey, float | None]]:
        """Each value with the name and labels it was given for."""
        for key, value in self.__pydantic_extra__.items():
            yield sample_key(key), value


class Expectation(Options):
    """What the decision at a time must be."""

    at: Time
    replicas: int | None = None
    at_least: int | None = None
    at_most: int | None = None
    reason: str | None = None
    reasons: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"at"}:
            raise ValueError("expect something: replicas, at_least, at_most, reason or reasons")
        return self


class CaseFleet(FleetConfig):
    """A fleet as in the config; what is scaled is simulated."""

    @model_validator(mode="before")
    @classmethod
    def _on_simulated_replicas(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        if "target" in data:
            raise ValueError("leave target out: a test scales simulated replicas")
        return {"queues": (), **data, "target": {"kind": "simulated"}}


class Case(Options):
    """One test: a fleet, what is measured, and what must be decided. Times are from `start`."""

    name: str = "case"
    fleet: CaseFleet
    start: Annotated[float, BeforeValidator(_moment)] = MONDAY
    interval_seconds: float = Field(default=5, ge=0.1, le=3600)
    initial_replicas: int | None = Field(default=None, ge=0)
    start_seconds: float = Field(default=0, ge=0)
    readings: tuple[Reading, ...] = ()
    expect: tuple[Expectation, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _finite(self) -> Self:
        if self.last_at / self.interval_seconds > MOST_TICKS:
            raise ValueError(f"more than {MOST_TICKS} ticks; take a longer interval_seconds")
        return self

    @property
    def last_at(self) -> float:
        """When there is nothing more to expect."""
        return max(expectation.at for expectation in self.expect)


@dataclass(frozen=True, slots=True)
class FileCase:
    """A case and the file it stands in."""

    path: Path
    case: Case


def load_cases(path: Path) -> tuple[FileCase, ...]:
    """The cases of a file. Raises ConfigError with every fault as `file:line: path: message`."""
    document = compose(read_text(path), str(path))
    data = document.root.plain()
    cases: list[FileCase] = []
    faults: list[Fault] = []
    for place, raw in _raw_cases(data):
        try:
            cases.append(FileCase(path, Case.model_validate(raw)))
        except ValidationError as error:
            faults += [(_placed(data, place, at), why) for at, why in faults_of(error, Case)]
        faults += [(_placed(data, place, at), why) for at, why in _fleet_faults(raw)]
    if faults or document.faults:
        raise config_error(faults, document, HPA_SPELLING)
    return tuple(cases)


def sample_key(text: str) -> SampleKey:
    """`name` or `name{label="value", …}`. Raises ValueError with what to write."""
    found = SAMPLE.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no sample; write name or name{{label="value"}}')
    name, labels = found.group(1), tuple(sorted(LABEL.findall(found.group(2) or "")))
    if name in DERIVED and not (name == "queue_depth" and labels):
        raise ValueError(f"{name} is worked out from what is measured: {DERIVED[name]}")
    return name, labels


def _raw_cases(data: Mapping[str, Any]) -> Iterator[tuple[Location, Any]]:
    """Each case with where it stands; what the file says beside `cases` holds for all of them."""
    listed = data.get("cases")
    if not isinstance(listed, list):
        yield (), dict(data)
        return
    shared = {key: value for key, value in data.items() if key != "cases"}
    for index, case in enumerate(listed):
        own = {"name": f"case {index + 1}", **shared, **case} if isinstance(case, dict) else case
        yield ("cases", index), own


def _placed(data: Mapping[str, Any], place: Location, at: Location) -> Location:
    """Where a fault of a case stands: in the case itself, or in what all of them share."""
    case: Any = data
    for part in place:
        case = case[part]
    shared = place and at and isinstance(case, Mapping) and at[0] not in case and at[0] in data
    return at if shared else (*place, *at)


def _fleet_faults(case: Any) -> Iterator[Fault]:
    fleet = case.get("fleet") if isinstance(case, Mapping) else None
    given = {"queues": (), **fleet} if isinstance(fleet, Mapping) else fleet
    for location, message in cross_faults({"fleets": [given], "sources": None}):
        if location[:2] == ("fleets", 0):
            yield ("fleet", *location[2:]), message
