"""Source `celery_workers`: every Celery worker, by what it tells of itself and what it answers."""

from __future__ import annotations

import asyncio
from functools import partial
from importlib import import_module

from pydantic import Field, field_validator

from autoscaler.clients.celery.control import CeleryControl
from autoscaler.clients.celery.over_redis import RedisRemoteControl
from autoscaler.clients.celery.question import CeleryNames
from autoscaler.clients.celery.remote import RemoteControl
from autoscaler.clients.celery.roster import WorkerRoster
from autoscaler.clients.redis.address import parse_address
from autoscaler.clients.redis.connection import RedisConnection, RedisOptions
from autoscaler.errors import ControlError, SourceError
from autoscaler.interfaces import Context, Source, Wake, WorkerControl
from autoscaler.model import WorkersState
from autoscaler.secret import Secret

AMQP_SCHEMES = ("amqp://", "amqps://", "pyamqp://")
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
CONNECTION_SECONDS = 2.0
MOST_NAMED = 50  # beyond these all are asked, as every worker reads every name


class CeleryWorkersOptions(RedisOptions):
    """Where the workers' broker is: any URL of RedisOptions, or amqp://."""

    timeout_seconds: float = Field(
        default=1.0, gt=0, le=60, description="How long workers have to answer"
    )
    silent_after_seconds: float = Field(
        default=10.0, gt=0, description="How long after its last heartbeat one is waited for"
    )
    control_exchange: str = Field(default="celery", description="Celery's control_exchange")
    event_exchange: str = Field(default="celeryev", description="Celery's event_exchange")
    fanout_prefix: str = Field(default="/{db}.", description="Celery's fanout_prefix")

    @field_validator("url")
    @classmethod
    def _well_formed(cls, url: Secret) -> Secret:
        text = url.reveal()
        if not text.startswith(AMQP_SCHEMES):
            parse_address(text)
        return url


class CeleryWorkers(Source[CeleryWorkersOptions]):
    """Asks all workers each tick for what they run and hold; hears their heartbeats in between."""

    options_type = CeleryWorkersOptions

    def __init__(self, options: CeleryWorkersOptions, context: Context) -> None:
        super().__init__(options, context)
        self._remote = _remote_control(options)
        self._roster = WorkerRoster(options.silent_after_seconds)
        self._call = partial(self._remote.call, timeout_seconds=options.timeout_seconds)
        self._control = CeleryControl(self._remote, self._roster, options.timeout_seconds)

    async def read(self, now: float) -> WorkersState:
        """All workers, the silent ones as last heard of. Raises SourceError if the broker fails."""
        at = asyncio.get_running_loop().time()
        try:
            await self._ask(now)
        except ControlError as error:
            raise SourceError(str(error)) from error
        self._roster.forget(at)
        duplicates = self._roster.duplicates(at) | self._remote.duplicates
        return WorkersState(now, self._roster.states(now, at), duplicates)

    async def queues(self, now: float) -> frozenset[str]:
        """Those that any worker takes tasks from."""
        workers = (await self.read(now)).workers.values()
        return frozenset(queue for worker in workers for queue in worker.queues or ())

    async def watch(self, wake: Wake) -> None:
        """Hear the workers' events; wake for one that comes or goes. Reconnects for ever."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                self._roster.resync()
                async for event in self._remote.events():
                    pause = FIRST_PAUSE_SECONDS
                    reason = self._roster.heard(event, asyncio.get_running_loop().time())
                    if reason is not None:
                        wake(reason)
            except ControlError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def control(self) -> WorkerControl:
        """Speech with the same workers over the same connection."""
        return self._control

    async def aclose(self) -> None:
        """Leave the broker as it was, and close the connection."""
        await self._remote.aclose()

    async def _ask(self, now: float) -> None:
        """`reserved` comes before `active`, so that a task which begins meanwhile is seen."""
        clock = asyncio.get_running_loop().time
        awaited = self._roster.expected(clock())
        reserved = await self._call("reserved", expected=awaited)
        active = await self._call("active", {"safe": True}, expected=reserved) if reserved else {}
        self._roster.answered(active, reserved, awaited, now, clock())
        due = self._roster.due(clock())
        if due:
            some = due if len(due) <= MOST_NAMED else None
            queues = await self._call("active_queues", destination=some, expected=due)
            stats = await self._call("stats", destination=some, expected=due)
            self._roster.detailed(due, queues, stats, clock())


def _remote_control(options: CeleryWorkersOptions) -> RemoteControl:
    names = CeleryNames(
        options.control_exchange,
        options.event_exchange,
        options.fanout_prefix,
        options.key_prefix,
        options.separator,
    )
    if options.url.reveal().startswith(AMQP_SCHEMES):
        amqp = import_module("autoscaler.clients.celery.over_amqp")
        remote: RemoteControl = amqp.AmqpRemoteControl(options.url, CONNECTION_SECONDS, names)
        return remote
    connection = RedisConnection(options, max(options.timeout_seconds, CONNECTION_SECONDS))
    return RedisRemoteControl(connection, names)
