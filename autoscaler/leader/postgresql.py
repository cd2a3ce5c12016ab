"""The lease in PostgreSQL: one row, replaced by comparison, in transactions of one statement."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pydantic import Field, field_validator
from sqlalchemy import Column, MetaData, String, Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import CreateTable

from autoscaler.clients.airflow.address import parse_address
from autoscaler.clients.airflow.faults import explain
from autoscaler.clients.airflow.link import Link
from autoscaler.clients.airflow.postgresql import PostgreSQL
from autoscaler.errors import LeaseError
from autoscaler.interfaces import Context
from autoscaler.leader.election import LeaseElection
from autoscaler.leader.lease import Found, Lease, LeaseOptions, found_in, text_of
from autoscaler.secret import Secret

T = TypeVar("T")
_TABLE: Final = re.compile(r"([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}")
FAILURES: Final = (SQLAlchemyError, OSError, *PostgreSQL.failures)
NO_TABLE: Final = "42P01"
OURS: Final = {
    "23505": "another daemon makes the table of the lease at this moment",
    "25006": "it is read-only: point `url` at the primary, with a user who may write",
    "3F000": "there is no schema of this name: see `table`",
    "40001": "another daemon wrote the lease at this moment",
    "42501": "this user may not use the table of the lease: see docs/high-availability.md",
}


class PostgresqlElectionOptions(LeaseOptions):
    """Which PostgreSQL keeps the lease."""

    url: Secret = Field(
        description="postgresql://user:password@host:5432/database, of a user who may write; not"
        " Airflow's read-only one; PgBouncer may be between"
    )
    table: str = Field(
        default="autoscaler_lease",
        description="TABLE or SCHEMA.TABLE that keeps it; made if it is not there",
    )

    @field_validator("url")
    @classmethod
    def _well_formed(cls, url: Secret) -> Secret:
        if parse_address(url.reveal()).system != "postgresql":
            raise ValueError("must begin with postgresql://: leases are kept in no other database")
        return url

    @field_validator("table")
    @classmethod
    def _named(cls, table: str) -> str:
        if not _TABLE.fullmatch(table):
            raise ValueError(
                f"must be TABLE or SCHEMA.TABLE in small letters and '_', not {table[:80]!r}"
            )
        return table


class _Writing(PostgreSQL):
    """One statement at a time needs no more than to see what is committed."""

    async def opened(self, connection: AsyncConnection) -> AsyncConnection:
        return await connection.execution_options(isolation_level="READ COMMITTED")


class PostgresqlElection(LeaseElection[PostgresqlElectionOptions]):
    """A lease in a table of PostgreSQL, also through PgBouncer."""

    options_type = PostgresqlElectionOptions

    def __init__(self, options: PostgresqlElectionOptions, context: Context) -> None:
        super().__init__(options, context)
        schema, _, name = options.table.rpartition(".")
        self._table = Table(
            name,
            MetaData(schema=schema or None),
            Column("name", String, primary_key=True),
            Column("lease", String, nullable=False),
        )
        self._address = "PostgreSQL"
        self._link: Link | None = None

    async def read(self) -> Found:
        ours = select(self._table.c.lease).where(self._table.c.name == self.options.name)

        async def read(connection: AsyncConnection) -> str:
            return (await connection.execute(ours)).scalar_one_or_none() or ""

        return found_in(await self._committed(read), f"the table {self.options.table}")

    async def replace(self, found: Found, lease: Lease) -> Found | None:
        table, name, text = self._table, self.options.name, text_of(lease)
        there = (table.c.name == name) & (table.c.lease == found.version)
        first = insert(table).values(name=name, lease=text).on_conflict_do_nothing()
        statement = update(table).where(there).values(lease=text) if found.version else first

        async def replace(connection: AsyncConnection) -> int:
            return (await connection.execute(statement)).rowcount

        return Found(lease, text) if await self._committed(replace) == 1 else None

    async def aclose(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    async def _committed(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What a transaction gives; the table is made first where there is none."""
        try:
            try:
                return await self._in_transaction(work)
            except DBAPIError as error:
                if _code(error) != NO_TABLE:
                    raise
            await self._in_transaction(self._make_table)
            return await self._in_transaction(work)
        except FAILURES as error:
            raise LeaseError(
                f"{self._address}: {OURS.get(_code(error)) or explain(error)}"
            ) from error

    async def _make_table(self, connection: AsyncConnection) -> None:
        await connection.execute(CreateTable(self._table, if_not_exists=True))

    async def _in_transaction(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Cut off when the time is over, as a frozen server would not let itself be cancelled."""
        link = self._linked()
        cut = asyncio.get_running_loop().call_later(self.options.exchange_seconds, link.cut)
        try:
            connection = await link.begin()
            result = await work(connection)
            await connection.commit()
        except BaseException:
            self._link = None
            await link.drop()
            raise
        finally:
            cut.cancel()
        return result

    def _linked(self) -> Link:
        if self._link is None:
            try:
                address = parse_address(self.options.url.reveal())
                self._address = str(address)
                self._link = Link(_Writing(address, self.options.exchange_seconds))
            except ValueError as error:
                raise LeaseError(f"the database's address cannot be used: {error}") from None
        return self._link


def _code(error: Exception) -> str:
    """PostgreSQL's SQLSTATE, if there is one."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", "") or "")
