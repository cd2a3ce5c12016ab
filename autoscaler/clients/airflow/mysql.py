"""MySQL and MariaDB through aiomysql, with times in UTC as Airflow writes them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from pymysql import MySQLError
from sqlalchemy import URL, ColumnElement, Executable, func, literal, literal_column, null, text
from sqlalchemy.ext.asyncio import AsyncConnection

from autoscaler.clients.airflow.dialect import APPLICATION_NAME, Dialect
from autoscaler.clients.airflow.tls import context

_WITHOUT_TLS = ("", "DISABLED", "PREFERRED", "FALSE", "0")


class MySQL(Dialect):
    """MySQL 8 and MariaDB."""

    failures = (MySQLError,)
    nulls_first = True

    @property
    def url(self) -> URL:
        return self.address.url.set(drivername="mysql+aiomysql", query={})

    def arguments(self) -> Mapping[str, Any]:
        arguments = {
            "connect_timeout": self.timeout_seconds,
            "charset": "utf8mb4",
            "init_command": "SET time_zone = '+00:00'",
            "program_name": APPLICATION_NAME,
        }
        socket = self.address.option("unix_socket")
        if socket:
            arguments["unix_socket"] = socket
        tls = self._tls()
        if tls is not None:
            arguments["ssl"] = tls
        return arguments

    async def opened(self, connection: AsyncConnection) -> AsyncConnection:
        limit = (
            f"max_statement_time = {self.server_seconds:.3f}"
            if connection.dialect.is_mariadb  # type: ignore[attr-defined]  # MySQL's dialect has it
            else f"max_execution_time = {1000 * self.server_seconds:.0f}"
        )
        await connection.exec_driver_sql(f"SET SESSION {limit}")
        await connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await connection.rollback()
        return connection

    async def begin(self, connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def cut(self, connection: Any) -> None:
        connection.close()

    @property
    def vitals(self) -> tuple[ColumnElement[Any], ...]:
        """A replica tells its lag to nobody who may only read, but says that it is read-only."""
        read_only = literal_column("@@global.read_only").not_in(("0", "OFF"))
        return (
            func.unix_timestamp(func.sysdate(literal(6))).label("now"),
            read_only.label("read_only"),
            null().label("lag"),
            literal_column("@@global.max_connections").label("max_connections"),
        )

    @property
    def connections(self) -> Executable:
        """As the one statement of which MySQL and MariaDB both say that it needs no privilege."""
        return text("SHOW GLOBAL STATUS LIKE 'Threads_connected'")

    def _tls(self) -> ssl.SSLContext | None:
        """As mysqlclient's ssl_mode and files ask for; without them, none."""
        authority, certificate, key = map(self.address.option, ("ssl_ca", "ssl_cert", "ssl_key"))
        mode = (self.address.option("ssl_mode", "ssl") or "").upper()
        if mode in _WITHOUT_TLS and not (authority or certificate):
            return None
        verify = authority is not None or mode.startswith("VERIFY")
        host = mode == "VERIFY_IDENTITY"
        return context(authority, certificate, key, verify=verify, verify_host=host)
