"""The record by which daemons agree who leads, and what the stores that keep it have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from autoscaler.errors import LeaseError
from autoscaler.interfaces import Options

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class LeaseOptions(Options):
    """How long a lease lasts, and what it is called."""

    name: str = Field(
        default="autoscaler",
        description="daemons that name the same lease elect one of them",
    )
    lease_seconds: float = Field(
        default=15,
        ge=8,
        le=3600,
        description="a leader that died is followed after this; renewed 5 times as often",
    )

    @field_validator("name")
    @classmethod
    def _well_formed_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(
                "must be at most 63 small letters, digits and '-' within, such as"
                f" 'autoscaler', not {name[:80]!r}"
            )
        return name

    @property
    def renew_seconds(self) -> float:
        """How often the leader renews."""
        return self.lease_seconds / 5

    @property
    def exchange_seconds(self) -> float:
        """How long one exchange with the store may take."""
        return self.lease_seconds / 10


@dataclass(frozen=True, slots=True)
class Lease:
    """Who leads. It never expires by itself: who sees it unchanged for long enough may take it.

    holder: empty once it was given back. renewed_at: microseconds of Unix time for people; all
    that counts is that it grows each time. lease_seconds: how long the holder trusts it.
    """

    holder: str
    term: int
    renewed_at: int
    lease_seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a store held: no lease, or one. version: what it must still be to be replaced."""

    lease: Lease | None = None
    version: str = ""


_TEXT = TypeAdapter(Lease)


class LeaseStore(ABC):
    """Keeps one lease, and replaces it only by comparison. No store's clock is ever asked.

    durable: whether what was written is there for good, so that no lease means there never was one.
    """

    durable: ClassVar[bool] = True

    @abstractmethod
    async def read(self) -> Found:
        """What is there. Raises LeaseError."""

    @abstractmethod
    async def replace(self, found: Found, lease: Lease) -> Found | None:
        """Put `lease` in the place of what was found; None, and nothing done, if that is gone.

        Raises LeaseError, and then it may or may not be done.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close every connection. May be called twice."""


def text_of(lease: Lease) -> str:
    """The lease as stores of text keep it."""
    return _TEXT.dump_json(lease).decode()


def found_in(text: str, where: str) -> Found:
    """The lease that a text holds; an empty one holds none. Raises LeaseError."""
    if not text:
        return Found()
    try:
        return Found(_TEXT.validate_json(text), text)
    except ValidationError:
        raise LeaseError(
            f"{where} holds something else than a lease: choose another `name`, or delete it"
        ) from None
