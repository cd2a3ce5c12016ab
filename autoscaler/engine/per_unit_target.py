"""What each unit should use: an amount, or a share of what it has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoscaler.engine.unit_groups import UnitState


class CannotTellError(ValueError):
    """The readings do not say how many replicas are needed; the text says why."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The ratio of usage to target, with what it was made of.

    average: of one unit, in thousandths. utilization: an integer percent of the requests.
    """

    ratio: float
    average: int
    utilization: int | None = None


class PerUnitTarget(ABC):
    """A goal for the average of what the units use."""

    __slots__ = ()

    @abstractmethod
    def usage(self, values: Mapping[str, int]) -> Usage:
        """What these units use, by name, measured against the goal. Raises CannotTellError."""

    @abstractmethod
    def assumed(self, name: str, *, falling: bool) -> int:
        """What to take for a unit without a reading, in thousandths.

        The assumption always speaks against the change, up or down, that the others ask for.
        """


@dataclass(frozen=True, slots=True)
class AverageValueTarget(PerUnitTarget):
    """An amount that each unit should use, in thousandths."""

    value: int

    def usage(self, values: Mapping[str, int]) -> Usage:
        average = sum(values.values()) // len(values)
        return Usage(float(average) / float(self.value), average)

    def assumed(self, name: str, *, falling: bool) -> int:
        return self.value if falling else 0


@dataclass(frozen=True, slots=True)
class UtilizationTarget(PerUnitTarget):
    """A percent of its request that each unit should use; requests are in thousandths, by name."""

    percent: int
    requests: Mapping[str, int]

    @classmethod
    def of_units(cls, percent: int, units: Iterable[UnitState]) -> UtilizationTarget:
        """The goal for these units. Raises CannotTellError when a request is not known."""
        requests = {unit.name: unit.request for unit in units}
        known = {name: request for name, request in requests.items() if request is not None}
        if unknown := sorted(requests.keys() - known.keys()):
            raise CannotTellError(f"nobody knows what {unknown[0]} could use")
        return cls(percent, known)

    def usage(self, values: Mapping[str, int]) -> Usage:
        """Percents are whole before they are compared with the goal."""
        known = [name for name in values if name in self.requests]
        total = sum(values[name] for name in known)
        requested = sum(self.requests[name] for name in known)
        if requested == 0:
            raise CannotTellError("no reading is of a unit whose request is known")
        utilization = total * 100 // requested
        return Usage(float(utilization) / float(self.percent), total // len(known), utilization)

    def assumed(self, name: str, *, falling: bool) -> int:
        return self.requests[name] * max(100, self.percent) // 100 if falling else 0
