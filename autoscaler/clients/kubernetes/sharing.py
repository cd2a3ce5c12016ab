"""One connection for all who log in alike: fifty fleets need one session, not fifty."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from autoscaler.clients.kubernetes.connection import Connection
from autoscaler.clients.kubernetes.login import Login

Key = tuple[int, Login, float]


@dataclass(slots=True)
class _Shared:
    connection: Connection
    users: int = 0


_OPEN: dict[Key, _Shared] = {}


class Lease:
    """A part in a connection. The last one to leave closes it."""

    def __init__(self, login: Login, timeout_seconds: float) -> None:
        self._key: Key = (id(asyncio.get_running_loop()), login, timeout_seconds)
        shared = _OPEN.setdefault(self._key, _Shared(Connection(login, timeout_seconds)))
        shared.users += 1
        self.connection = shared.connection
        self._held = True

    async def aclose(self) -> None:
        """Leave. May be called twice."""
        if not self._held:
            return
        self._held = False
        shared = _OPEN[self._key]
        shared.users -= 1
        if shared.users == 0:
            del _OPEN[self._key]
            await shared.connection.aclose()
