"""Source `airflow_database`: demand, limits and health from Airflow's metadata database."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import structlog
from pydantic import Field, field_validator

from autoscaler.clients.airflow.address import parse_address
from autoscaler.clients.airflow.connection import AirflowDatabase
from autoscaler.clients.airflow.history import History
from autoscaler.clients.airflow.reading import read
from autoscaler.clients.airflow.state import Defaults, state_of
from autoscaler.clients.airflow.structures import Structures
from autoscaler.clients.airflow.used_queues import used_queues
from autoscaler.errors import SourceError
from autoscaler.interfaces import Context, Options, Source, Wake
from autoscaler.model import (
    TASK_QUEUED_TIMEOUT_SECONDS,
    TRIGGERER_CAPACITY,
    AirflowState,
    DagStructure,
    FinishedRun,
)
from autoscaler.secret import Secret

MOST_WAITING = 1_000  # runs that were read and that no poll has told of yet


class AirflowDatabaseOptions(Options):
    """How to reach the database, and what of Airflow's config it does not hold."""

    url: Secret = Field(
        description="Airflow's sql_alchemy_conn: postgresql:// or mysql://, whatever its driver"
    )
    timeout_seconds: float = Field(default=4.0, gt=0, le=60, description="For one read")
    sql_alchemy_schema: str | None = Field(
        default=None, min_length=1, description="Airflow's sql_alchemy_schema, if it has one"
    )
    parallelism: int = Field(
        default=32, ge=0, description="Airflow's parallelism of one scheduler; 0: no limit"
    )
    default_executor: str = Field(
        default="CeleryExecutor", min_length=1, description="The first of Airflow's executors"
    )
    default_queue: str = Field(
        default="default", min_length=1, description="Airflow's default_queue"
    )
    task_queued_timeout_seconds: float = Field(
        default=TASK_QUEUED_TIMEOUT_SECONDS,
        gt=0,
        description="Airflow's [scheduler] task_queued_timeout, after which it fails waiting tasks",
    )
    triggerer_capacity: int = Field(
        default=TRIGGERER_CAPACITY,
        ge=1,
        description="How many triggers Airflow's [triggerer] capacity lets one triggerer take",
    )
    history_seconds: float = Field(
        default=60,
        ge=0,
        description="How often runs that are over are looked at, to learn of each DAG which slots "
        "it uses when; 0: never",
    )
    horizon_seconds: float = Field(
        default=3600, ge=0, description="How far ahead next runs are looked for"
    )
    max_lag_seconds: float = Field(
        default=10, ge=0, description="How far a read replica may lag behind its primary"
    )

    @field_validator("url")
    @classmethod
    def _well_formed(cls, url: Secret) -> Secret:
        parse_address(url.reveal())
        return url


class AirflowDatabaseSource(Source[AirflowDatabaseOptions]):
    """Reads all that a tick needs in one read-only transaction, as of one instant."""

    options_type = AirflowDatabaseOptions

    def __init__(self, options: AirflowDatabaseOptions, context: Context) -> None:
        super().__init__(options, context)
        self._defaults = Defaults(
            executor=options.default_executor.rpartition(".")[2],
            queue=options.default_queue,
            parallelism=options.parallelism,
            task_queued_timeout_seconds=options.task_queued_timeout_seconds,
            triggerer_capacity=options.triggerer_capacity,
        )
        where = options.url, options.timeout_seconds, options.sql_alchemy_schema
        self._database = AirflowDatabase(*where)
        self._archive = AirflowDatabase(*where)
        self._history = History(self._defaults)
        self._structures = Structures(self._defaults)
        self._finished: list[FinishedRun] = []
        self._changed: list[DagStructure] = []
        self._log = structlog.get_logger()
        self._history_fault = ""

    async def read(self, now: float) -> AirflowState:
        """Airflow's state. Raises SourceError, saying what to do."""
        loop = asyncio.get_running_loop()
        ahead = now - loop.time()
        async with self._database.snapshot(SourceError) as snapshot:
            reading = await read(
                snapshot, lambda: ahead + loop.time(), self.options.horizon_seconds
            )
        lag = reading.lag_seconds
        if lag is not None and lag > self.options.max_lag_seconds:
            behind = f"{lag:.0f} s" if math.isfinite(lag) else "nobody knows how far"
            raise SourceError(
                f"{self._database} is a replica and lags {behind} behind:"
                " point `url` at the primary"
            )
        state = state_of(reading, now, self._defaults)
        if self.options.history_seconds:
            self._history.follow(state)
            self._structures.follow(state)
        finished, self._finished = self._finished, []
        changed, self._changed = self._changed, []
        return replace(state, finished_runs=tuple(finished), structures=tuple(changed))

    async def watch(self, wake: Wake) -> None:
        """Read history now and then, over a connection of its own that is closed in between.

        So demand never waits for it, and does not fail with it.
        """
        while self.options.history_seconds:
            await asyncio.sleep(self.options.history_seconds)
            if self._history.waiting or self._structures.waiting:
                await self._look_back()

    async def queues(self, now: float) -> frozenset[str]:
        """Of Celery: those that the last run of each DAG used, and Airflow's default."""
        async with self._database.snapshot(SourceError) as snapshot:
            return await used_queues(snapshot, self._defaults)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._database.aclose()
        await self._archive.aclose()

    async def _look_back(self) -> None:
        try:
            async with self._archive.snapshot(SourceError) as snapshot:
                found = await self._history.read(snapshot, self.options.timeout_seconds / 2)
                changed = await self._structures.read(snapshot)
        except SourceError as error:
            if not self._history_fault:
                self._log.warning("history not read", source=self.context.name, why=str(error))
            self._history_fault = str(error)
            return
        finally:
            await self._archive.aclose()
        if self._history_fault:
            self._log.info("history read again", source=self.context.name)
        self._history_fault = ""
        self._finished = [*self._finished, *found][-MOST_WAITING:]
        self._changed = [*self._changed, *changed][-MOST_WAITING:]
