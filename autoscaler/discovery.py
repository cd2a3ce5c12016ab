"""Finds the queues of a fleet that names none: at starts, and what its own workers turn out to use.

What was found once stays, over restarts too: to serve a queue no more is for people to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog

from autoscaler.clients.state_file import StateFormat
from autoscaler.config.fleet import UNKNOWN_QUEUES
from autoscaler.controller import Controller
from autoscaler.errors import SourceError, StateError
from autoscaler.interfaces import Source
from autoscaler.model import Fleet, QueuesFrom, Tick

QUEUES: StateFormat[tuple[str, ...]] = StateFormat(
    tuple[str, ...], "delete it, and the queues are looked for again"
)
PATIENCE_SECONDS = 3.0

log = structlog.get_logger("autoscaler.discovery")


class Discovery:
    """The known queues of the fleet that names none, sorted; none before everything was read.

    remember: whether they are kept in `queues.json` of the state directory. in_use: what the
    sources told when they were asked last.
    """

    def __init__(self, state_directory: Path, *, remember: bool) -> None:
        self._path = state_directory / "queues.json"
        self._remember = remember
        self._looked, self.why = False, ""
        self.in_use: frozenset[str] = frozenset()
        self.queues = self._remembered()

    def again(self) -> None:
        """Look once more, as after a reload."""
        self._looked = False

    async def grew(self, controller: Controller, now: float) -> bool:
        """Whether more queues are known now than the controller has, which is to be replaced."""
        if not any(_open(fleet) for fleet in controller.fleets):
            return False
        if not self._looked and not _blind(controller):
            await self.look(controller, now)
        found = {*self.in_use, *_of_own_workers(controller.last)}
        if self._looked and not found and not self.queues:
            found = set(UNKNOWN_QUEUES)
        if fresh := found.difference(self.queues):
            self.queues = tuple(sorted({*self.queues, *fresh}))
            log.info("queues found", new=sorted(fresh), queues=list(self.queues))
            self._keep()
        return bool(self.queues) and any(_knows_less(f, self.queues) for f in controller.fleets)

    async def look(self, controller: Controller, now: float) -> None:
        """Ask the sources which queues are in use; what went wrong is in `why`, and told once."""
        before = self.why
        try:
            self.in_use, self.why = await _asked(controller, now), ""
            self._looked = True
        except SourceError as error:
            self.why = str(error)
        except Exception as error:  # noqa: BLE001 - one plugin's bug must not stop the start
            self.why = f"a bug in the plugin of a source: {error!r}"
        if self.why and self.why != before:
            log.warning("queues not found yet", why=self.why)

    def _remembered(self) -> tuple[str, ...]:
        try:
            return QUEUES.read(self._path) or ()
        except StateError as error:
            log.warning("queues forgotten", why=str(error))
            return ()

    def _keep(self) -> None:
        if not self._remember:
            return
        try:
            QUEUES.write(self._path, self.queues)
        except StateError as error:
            log.warning("queues not kept", why=str(error))


def _open(fleet: Fleet) -> bool:
    return fleet.queues_from is not QueuesFrom.CONFIG


def _knows_less(fleet: Fleet, queues: tuple[str, ...]) -> bool:
    guessed = fleet.queues_from is QueuesFrom.NOBODY
    return guessed or (_open(fleet) and fleet.queues != queues)


def _blind(controller: Controller) -> bool:
    """Whether the last tick could not read who is to be asked: then it is not asked as well."""
    missing = controller.last.snapshot.missing if controller.last else ()
    return any(source in missing for source in _knowing(controller))


def _knowing(controller: Controller) -> dict[str, Source[Any]]:
    """The sources of a kind that knows of queues."""
    sources = controller.sources.items()
    return {name: each for name, each in sources if type(each).queues is not Source.queues}


def _of_own_workers(tick: Tick | None) -> Iterator[str]:
    """What the fleet's workers take anyway, by their command or their app's own settings."""
    for made in tick.fleets.values() if tick else ():
        if _open(made.snapshot.fleet):
            workers = (replica.worker for replica in made.snapshot.replicas)
            yield from (queue for w in workers if w is not None for queue in w.queues or ())


async def _asked(controller: Controller, now: float) -> frozenset[str]:
    """What the sources know, all asked at once. Raises SourceError if one of them cannot tell.

    All are waited for: none may still be read when the tick reads it.
    """
    asked = (source.queues(now) for source in _knowing(controller).values())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answers = await asyncio.gather(*asked, return_exceptions=True)
    except TimeoutError as error:
        raise SourceError(f"no answer within {PATIENCE_SECONDS:g} s") from error
    found: set[str] = set()
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        found |= answer
    return frozenset(found)
