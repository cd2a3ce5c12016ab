"""Reads every source and every target once, side by side; what fails is missing, with a reason."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from autoscaler.engine.demand import take_snapshot
from autoscaler.engine.screening import screen
from autoscaler.errors import SourceError, TargetError
from autoscaler.interfaces import Source, Target
from autoscaler.model import Observation, Snapshot

T = TypeVar("T")


class Polling:
    """The eyes of a controller.

    workers: the sources that tell of Celery workers. patience_seconds: how long each may take.
    tell_bug is given the name of a plugin and the traceback of what it raised and should not.
    """

    def __init__(
        self,
        sources: Mapping[str, Source[Any]],
        targets: Mapping[str, Target[Any]],
        workers: frozenset[str],
        patience_seconds: float,
        tell_bug: Callable[[str, str], None],
    ) -> None:
        self._sources = sources
        self._targets = targets
        self._workers = workers
        self._patience_seconds = patience_seconds
        self._tell_bug = tell_bug

    async def observe(self, now: float) -> Snapshot:
        """The world at `now` (Unix seconds). Raises nothing but cancellation."""
        missing: dict[str, str] = {}
        async with asyncio.TaskGroup() as polls:
            reads = {
                name: polls.create_task(self._poll(name, source.read, Observation, now, missing))
                for name, source in self._sources.items()
            }
            listings = {
                name: polls.create_task(
                    self._poll(f"target/{name}", target.units, tuple, now, missing)
                )
                for name, target in self._targets.items()
            }
        screened = screen(_results(reads), missing, now)
        kinds = {name: source.observes() for name, source in self._sources.items()}
        return take_snapshot(now, screened, _results(listings), self._workers, kinds)

    async def _poll(
        self,
        name: str,
        read: Callable[[float], Awaitable[T]],
        kind: type,
        now: float,
        missing: dict[str, str],
    ) -> T | None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                return _of_kind(kind, await read(now))
        except (SourceError, TargetError) as error:
            missing[name] = str(error)
        except TimeoutError:
            missing[name] = f"no answer within {self._patience_seconds:g} s"
        except Exception as error:  # noqa: BLE001 - one plugin's bug must not blind the others
            missing[name] = f"a bug in its plugin: {error!r}"
            self._tell_bug(name, traceback.format_exc())
        return None


def _of_kind(kind: type, found: T) -> T:
    """What was found. Raises TypeError when a plugin gave nothing of its kind."""
    if not isinstance(found, kind):
        raise TypeError(f"it should give {kind.__name__}, not {type(found).__name__}")
    return found


def _results(tasks: Mapping[str, asyncio.Task[T | None]]) -> dict[str, T]:
    found = {name: task.result() for name, task in tasks.items()}
    return {name: result for name, result in found.items() if result is not None}
