"""What differs between PostgreSQL and MySQL for somebody who only reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import URL, ColumnElement, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.clients.airflow.address import DatabaseAddress

APPLICATION_NAME = "autoscaler"
SERVER_SHARE = 0.9


class Dialect(ABC):
    """One kind of database.

    failures: what its driver raises of itself, where SQLAlchemy does not wrap it.
    nulls_first: whether it sorts NULL before all dates.
    """

    failures: ClassVar[tuple[type[Exception], ...]] = ()
    nulls_first: ClassVar[bool]

    def __init__(self, address: DatabaseAddress, timeout_seconds: float) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds

    @property
    def server_seconds(self) -> float:
        """How long the server may work on a statement, so that it is first to give up."""
        return SERVER_SHARE * self.timeout_seconds

    @property
    @abstractmethod
    def url(self) -> URL:
        """What SQLAlchemy opens, with the driver that we use."""

    @abstractmethod
    def arguments(self) -> Mapping[str, Any]:
        """What the driver is told beyond the URL. Raises ValueError for unusable TLS files."""

    @abstractmethod
    async def opened(self, connection: AsyncConnection) -> AsyncConnection:
        """Prepare a new connection."""

    @abstractmethod
    async def begin(self, connection: AsyncConnection) -> None:
        """Begin a read-only transaction that sees one instant, with time limits of the server."""

    @abstractmethod
    def cut(self, connection: Any) -> None:
        """Drop the driver's connection at once, without a word to the server."""

    @property
    @abstractmethod
    def vitals(self) -> tuple[ColumnElement[Any], ...]:
        """Columns `now` (Unix seconds), `read_only`, `lag` in seconds, and `max_connections`.

        lag: NULL on a primary, infinite on a replica that cannot tell. max_connections: those that
        users without a privilege may have.
        """

    @property
    @abstractmethod
    def connections(self) -> Executable:
        """One row that ends in how many connections the server has, whoever has them."""
