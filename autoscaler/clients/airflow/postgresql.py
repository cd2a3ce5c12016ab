"""PostgreSQL through asyncpg, in a way that PgBouncer's transaction mode allows.

Nothing outlives a transaction on the server's side: statements are prepared without a name,
settings are local to the transaction, and the driver asks for no types when it connects.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import (
    URL,
    ColumnElement,
    Executable,
    Float,
    Integer,
    case,
    cast,
    column,
    func,
    literal,
    null,
    select,
    table,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.clients.airflow.dialect import APPLICATION_NAME, Dialect
from autoscaler.clients.airflow.tls import context

_ANY_CERTIFICATE = ("disable", "allow", "prefer", "require")
_VERIFYING = ("verify-ca", "verify-full")
_DATABASES = table("pg_stat_database", column("numbackends"), schema="pg_catalog")
_KEPT = ("superuser_reserved_connections", "reserved_connections")  # the latter since version 16


class _Plain(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that knows only PostgreSQL's own types, so that it need not ask for others."""

    async def set_type_codec(self, *_: Any, **__: Any) -> None:
        pass


class PostgreSQL(Dialect):
    """PostgreSQL and what speaks its protocol."""

    failures = (asyncpg.PostgresError, asyncpg.InterfaceError)
    nulls_first = False

    @property
    def url(self) -> URL:
        hosts = self.address.url.query.get("host")
        kept = {"host": hosts} if hosts else {}
        return self.address.url.set(drivername="postgresql+asyncpg", query=kept)

    def arguments(self) -> Mapping[str, Any]:
        arguments = {
            "connection_class": _Plain,
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": str,
            "timeout": self.timeout_seconds,
        }
        tls = self._tls()
        if tls is not None:
            arguments["ssl"] = tls
        options = self.address.option("options")
        return {**arguments, "server_settings": {"options": options}} if options else arguments

    async def opened(self, connection: AsyncConnection) -> AsyncConnection:
        return await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    async def begin(self, connection: AsyncConnection) -> None:
        milliseconds = f"{1000 * self.server_seconds:.0f}"
        settings = {
            "application_name": APPLICATION_NAME,
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            "max_parallel_workers_per_gather": "0",
            "jit": "off",
            # It takes task and run for independent, expects one row of their join, and would
            # then go through all DAGs for each of thousands.
            "enable_nestloop": "off",
        }
        calls = (func.set_config(name, value, true()) for name, value in settings.items())
        await connection.execute(select(*calls))

    def cut(self, connection: asyncpg.Connection) -> None:
        connection.terminate()

    @property
    def vitals(self) -> tuple[ColumnElement[Any], ...]:
        now = func.clock_timestamp()
        replayed = func.extract("epoch", now - func.pg_last_xact_replay_timestamp())
        lag = func.coalesce(cast(replayed, Float), cast(literal("Infinity"), Float))
        standing = func.current_setting("default_transaction_read_only") == "on"
        return (
            cast(func.extract("epoch", now), Float).label("now"),
            standing.label("read_only"),
            case((func.pg_is_in_recovery(), lag), else_=null()).label("lag"),
            (_setting("max_connections") - sum(map(_setting, _KEPT))).label("max_connections"),
        )

    @property
    def connections(self) -> Executable:
        return select(func.sum(_DATABASES.c.numbackends))

    def _tls(self) -> ssl.SSLContext | str | None:
        """asyncpg takes libpq's modes; only those that verify need the files of the URL."""
        mode = self.address.option("sslmode", "ssl")
        authority, certificate, key = map(self.address.option, ("sslrootcert", "sslcert", "sslkey"))
        if mode in _VERIFYING or (mode == "require" and (authority or certificate)):
            verify = mode in _VERIFYING or authority is not None
            return context(
                authority, certificate, key, verify=verify, verify_host=mode == "verify-full"
            )
        if mode is None or mode in _ANY_CERTIFICATE:
            return mode
        raise ValueError(f"sslmode is none of {', '.join(_ANY_CERTIFICATE + _VERIFYING)}")


def _setting(name: str) -> ColumnElement[int]:
    """A number; 0 where the server has no such setting."""
    return cast(func.coalesce(func.current_setting(name, true()), "0"), Integer)
