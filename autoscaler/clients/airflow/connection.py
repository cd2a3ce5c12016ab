"""Snapshots of Airflow's metadata database, over one read-only connection that heals by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import Executable, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.clients.airflow.address import DatabaseAddress, parse_address
from autoscaler.clients.airflow.dialect import Dialect
from autoscaler.clients.airflow.faults import explain
from autoscaler.clients.airflow.link import Link
from autoscaler.clients.airflow.schema import AirflowSchema, UnknownSchemaError, look
from autoscaler.errors import AutoscalerError
from autoscaler.secret import Secret

PATIENCE_SECONDS = 0.5
_DIALECTS = {
    "postgresql": ("autoscaler.clients.airflow.postgresql", "PostgreSQL"),
    "mysql": ("autoscaler.clients.airflow.mysql", "MySQL"),
}


class Snapshot:
    """What one transaction sees: one instant of the database."""

    def __init__(
        self, connection: AsyncConnection, dialect: Dialect, schema: AirflowSchema
    ) -> None:
        self.connection = connection
        self.dialect = dialect
        self.schema = schema

    async def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows that a statement gives."""
        return (await self.connection.execute(statement)).all()


class AirflowDatabase:
    """The metadata database. At each connect its URL is read anew, and its schema looked at.

    schema_name: where Airflow's tables are; None for where the connection looks by itself.
    """

    def __init__(self, url: Secret, timeout_seconds: float, schema_name: str | None = None) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._schema_name = schema_name
        self._name = "Airflow's database"
        self._link: Link | None = None
        self._schema: AirflowSchema | None = None
        self._turn = asyncio.Lock()

    def __str__(self) -> str:
        """The address, for people."""
        return self._name

    @contextlib.asynccontextmanager
    async def snapshot(self, failure: type[AutoscalerError]) -> AsyncIterator[Snapshot]:
        """One read-only transaction, all of it within the timeout, one at a time.

        Raises `failure`, saying what to do, for whatever goes wrong within.
        """
        async with self._turn:
            try:
                link = self._linked()
            except ValueError as error:
                raise failure(f"{self}: its address cannot be used: {error}") from None
            try:
                async with self._in_time(link):
                    connection = await link.begin()
                    if self._schema is None:
                        self._schema = await look(connection, self._schema_name)
                    yield Snapshot(connection, link.dialect, self._schema)
                    await link.end()
            except UnknownSchemaError as error:
                await self._dropped(link)
                raise failure(f"{self}: {error}") from None
            except link.failures as error:
                await self._dropped(link)
                raise failure(f"{self}: {explain(error)}") from error
            except BaseException:
                await self._dropped(link)
                raise

    async def aclose(self) -> None:
        """Close the connection; the next snapshot opens a new one."""
        async with self._turn:
            if self._link is not None:
                await self._link.close()
            self._link = self._schema = None

    @contextlib.asynccontextmanager
    async def _in_time(self, link: Link) -> AsyncIterator[None]:
        """Cut the link when the time is over. Raises TimeoutError if that was so.

        Cancelling comes second, as SQLAlchemy then waits for a server that may be frozen.
        """
        timer = asyncio.get_running_loop().call_later(self._timeout_seconds, link.cut)
        try:
            async with asyncio.timeout(self._timeout_seconds + PATIENCE_SECONDS):
                yield
        except link.failures as error:
            if timer.when() <= asyncio.get_running_loop().time():
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()

    async def _dropped(self, link: Link) -> None:
        self._link = self._schema = None
        await link.drop()

    def _linked(self) -> Link:
        if self._link is None:
            address = parse_address(self._url.reveal())
            self._name = str(address)
            self._link = Link(_dialect(address, self._timeout_seconds))
        return self._link


def _dialect(address: DatabaseAddress, timeout_seconds: float) -> Dialect:
    module, name = _DIALECTS[address.system]
    dialect: Dialect = getattr(import_module(module), name)(address, timeout_seconds)
    return dialect
