"""One demo from start to end: the world, the load, the daemon, and what is counted afterwards."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from autoscaler.clock import Clock
from autoscaler.config import Config, load
from autoscaler.daemon import Daemon
from autoscaler.demo.ledger import Burst, Toll, progress, punctuality, toll
from autoscaler.demo.load import BURSTS_AT, Arrival, arrivals
from autoscaler.demo.sandbox import Sandbox, free_port, sandbox
from autoscaler.demo.story import Event, Moment, Story
from autoscaler.demo.tasks import app, work
from autoscaler.telemetry.log import configure

FLEET = "default"
PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.2
MOST_COMPLAINTS = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a demo.

    worker_seconds: what the replicas cost; static_worker_seconds: what `max_replicas` would have,
    kept all the time. first_decision_seconds: from the daemon's first tick. bursts: how punctual
    each was. complaints: what the daemon logged as a warning or worse, the latest.
    """

    seconds: float
    interrupted: bool
    tasks: Toll
    decisions: int
    first_decision_seconds: float | None
    most_replicas: int
    worker_seconds: float
    static_worker_seconds: float
    bursts: tuple[Burst, ...]
    complaints: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether it went to its end, and every task ran to its end, once."""
        return self.tasks.clean and not self.interrupted

    def document(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {"clean": self.clean, **asdict(self)}


class Show:
    """A demo of `length` seconds; `tell` gets every event when it happens.

    foresee: whether the daemon is told when the job that sends the bursts is due.

    The properties say how far it is, for a screen; `run` ends with the report.
    """

    def __init__(
        self, length: float, seed: int, tell: Callable[[Event], None], *, foresee: bool = True
    ) -> None:
        self.length = length
        self._foresee = foresee
        self.elapsed = 0.0
        self.ended = 0
        self.address = ""
        self.phase = "starting a broker"
        self.story = Story(FLEET, tell)
        self._arrivals = arrivals(length, seed)
        self._sent: dict[str, float] = {}

    @property
    def sent(self) -> int:
        """How many tasks have been sent."""
        return len(self._sent)

    async def run(self) -> Report:
        """Show it all, and clean up. Raises AutoscalerError when it cannot even begin."""
        async with sandbox() as place:
            config = self._configure(place)
            log = place.directory / "daemon.log"
            with log.open("w") as stream:
                configure("json", "info", stream)
                interrupted = await self._play(place, config)
                await self._end_workers(place)
            tasks = await toll(place.broker, tuple(self._sent))
            bursts = await punctuality(place.broker, self._bursts())
            met = tuple(map(self._met, bursts, BURSTS_AT))
            return self._report(tasks, met, _complaints(log), interrupted=interrupted)

    def _configure(self, place: Sandbox) -> Config:
        """The demo's config as a file of its own, which the daemon can load anew."""
        listen = f"127.0.0.1:{free_port()}"
        self.address = f"http://{listen}"
        document = yaml.safe_load(files("autoscaler.demo").joinpath("demo.yaml").read_text())
        document |= {
            "state_directory": str(place.directory),
            "journal": {"path": str(place.directory / "journal.db")},
            "http": {"listen": listen},
        }
        if self._foresee:
            first, second = (at * self.length for at in BURSTS_AT)
            since = datetime.fromtimestamp(Clock().now() + first, UTC).isoformat()
            times = {"every_seconds": second - first, "since": since}
            document["sources"]["timetable"]["jobs"][0] |= times
        else:
            del document["sources"]["timetable"]
        path = _config_path(place)
        path.write_text(yaml.safe_dump(document))
        return load(path)

    async def _play(self, place: Sandbox, config: Config) -> bool:
        """Everything that happens at once; returns whether somebody stopped the daemon."""
        self.phase = "real Valkey and Celery workers"
        daemon = Daemon(_config_path(place), config, observers=(self.story,))
        try:
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(daemon.run())
                load_ = tasks.create_task(self._send(place))
                await asyncio.sleep(0)  # until the daemon listens to signals: there is no reload
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, daemon.stop)
                await self._watch(place, running)
                interrupted = running.done()
                load_.cancel()
                daemon.stop()
        finally:
            await daemon.aclose()
        return interrupted

    async def _watch(self, place: Sandbox, running: asyncio.Task[int]) -> None:
        """Return when the time is over and no task is left, or when the daemon has ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not running.done():
            self.elapsed = loop.time() - began
            _, self.ended = await progress(place.broker)
            left = self.ended < self.sent and self.elapsed < self.length + PATIENCE_SECONDS
            if self.elapsed >= self.length and not left:
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _bursts(self) -> list[dict[str, float]]:
        """Of each burst its tasks, and when they were sent: in the order of their arrivals."""
        sent = list(zip(self._arrivals, self._sent.items(), strict=False))
        numbers = range(1, len(BURSTS_AT) + 1)
        return [dict(task for arrival, task in sent if arrival.burst == n) for n in numbers]

    def _met(self, burst: Burst, begins: float) -> Burst:
        """With the replicas that it found."""
        before = [each for each in self.story.moments if each.at < begins * self.length]
        return replace(burst, replicas=_present(before[-1]) if before else 0)

    async def _send(self, place: Sandbox) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        pending = list(self._arrivals)
        with app.connection_for_write(place.url) as connection:
            while pending:
                await asyncio.sleep(max(0.0, began + pending[0].at - loop.time()))
                due = [arrival for arrival in pending if began + arrival.at <= loop.time()]
                second, micros = await place.broker.time()
                sent = await asyncio.to_thread(_publish, due, connection)
                self._sent.update(dict.fromkeys(sent, second + micros / 1e6))
                del pending[: len(due)]

    async def _end_workers(self, place: Sandbox) -> None:
        """A second Ctrl-C waits for no task any more."""
        self.phase = "ending the workers, which finish what they run"
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, place.kill_workers)
        await place.end_workers()

    def _report(
        self,
        tasks: Toll,
        bursts: tuple[Burst, ...],
        complaints: tuple[str, ...],
        *,
        interrupted: bool,
    ) -> Report:
        story = self.story
        lasted = story.moments[-1].at if story.moments else 0.0
        most = story.moments[-1].fleet.max_replicas if story.moments else 0
        return Report(
            seconds=round(lasted, 1),
            interrupted=interrupted,
            tasks=tasks,
            decisions=story.decisions,
            first_decision_seconds=story.first_decision_at,
            most_replicas=max(map(_present, story.moments), default=0),
            worker_seconds=round(story.worker_seconds, 1),
            static_worker_seconds=round(most * lasted, 1),
            bursts=bursts,
            complaints=complaints,
        )


def _present(moment: Moment) -> int:
    return sum(1 for replica in moment.replicas if not replica.terminating)


def _publish(due: Sequence[Arrival], connection: Any) -> list[str]:
    return [str(work.apply_async((a.seconds,), connection=connection).id) for a in due]


def _complaints(log: Path) -> tuple[str, ...]:
    lines = log.read_text(encoding="utf-8").splitlines()
    bad = [line for line in lines if json.loads(line)["level"] in ("warning", "error")]
    return tuple(bad[-MOST_COMPLAINTS:])


def _config_path(place: Sandbox) -> Path:
    return place.directory / "autoscaler.yaml"
