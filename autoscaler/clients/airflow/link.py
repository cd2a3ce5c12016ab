"""One connection through SQLAlchemy that can be dropped at once, whatever state it is in."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from autoscaler.clients.airflow.dialect import Dialect

CLOSE_SECONDS = 1.0


class Link:
    """A connection of one dialect, and no other: `open` it once, then `begin` as often as wanted.

    failures: what its methods and the connection raise when something is wrong with the server.
    """

    def __init__(self, dialect: Dialect) -> None:
        """Raises ValueError when what the URL asks for cannot be used."""
        self.dialect = dialect
        self.failures: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, *dialect.failures)
        self._driver_connection: Any = None
        self._connection: AsyncConnection | None = None
        self._engine = create_async_engine(
            dialect.url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args=dict(dialect.arguments()),
        )
        event.listen(self._engine.sync_engine, "connect", self._made, insert=True)

    async def begin(self) -> AsyncConnection:
        """The connection, in a new read-only transaction."""
        if self._connection is None:
            self._connection = await self._engine.connect()
            await self.dialect.opened(self._connection)
        await self.dialect.begin(self._connection)
        return self._connection

    async def end(self) -> None:
        """Leave the transaction."""
        if self._connection is not None:
            await self._connection.rollback()

    def cut(self) -> None:
        """Drop the connection without a word: whoever waits for it gets an error at once."""
        if self._driver_connection is not None:
            self.dialect.cut(self._driver_connection)

    async def drop(self) -> None:
        """Cut it, and let SQLAlchemy know."""
        self.cut()
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*self.failures):
                await connection.invalidate()
                await connection.close()

    async def close(self) -> None:
        """Take leave of the server, if it listens."""
        if self._connection is not None:
            with contextlib.suppress(*self.failures):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._connection.close()
        await self.drop()

    def _made(self, connection: Any, _: Any) -> None:
        self._driver_connection = connection.driver_connection
