"""Every task there ever was, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class SimTaskRecord:
    """One Celery task. deaths: by what its runs were ended before they had finished."""

    number: int
    queue: str
    seconds: float
    sent_at: float
    started: int = 0
    finished: int = 0
    deaths: list[str] = field(default_factory=list)


class Ledger:
    """Counts what became of tasks; keeps the unfinished ones."""

    def __init__(self) -> None:
        self._numbers = 0
        self.open: dict[int, SimTaskRecord] = {}
        self.counts: Counter[str] = Counter()

    def send(self, queue: str, seconds: float, now: float) -> SimTaskRecord:
        """A new task that will run for this long."""
        self._numbers += 1
        task = SimTaskRecord(self._numbers, queue, seconds, now)
        self.open[task.number] = task
        self.counts["sent"] += 1
        return task

    def finish(self, task: SimTaskRecord) -> None:
        """A run of it has ended well."""
        task.finished += 1
        self.counts["finished" if task.finished == 1 else "run twice"] += 1
        self.open.pop(task.number, None)

    def die(self, task: SimTaskRecord, cause: str) -> None:
        """A run of it was ended by this cause."""
        task.deaths.append(cause)
        self.counts[f"killed by {cause}"] += 1

    def cancel(self, task: SimTaskRecord) -> None:
        """An operator wants it no more."""
        self.counts["cancelled"] += 1
        self.open.pop(task.number, None)

    def lose(self, task: SimTaskRecord, cause: str) -> None:
        """Nobody will run it again."""
        self.counts[f"lost by {cause}"] += 1
        self.open.pop(task.number, None)
