"""What jobs of a timetable brought when they came before, and so what they will bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from autoscaler.model import Job

MOST_ECHOES = 4
HEARD_SECONDS = 900.0  # after a job came; what comes later is not laid to it


@dataclass(frozen=True, slots=True)
class Echo:
    """One time that a job came (Unix seconds), and the slots that were needed before.

    rises: (seconds since, slots on top of those), tick by tick.
    """

    at: float
    base: float
    rises: tuple[tuple[float, float], ...] = ()

    def most(self, begin: float, end: float) -> float:
        """The most slots that it brought between so many seconds and so many after it came."""
        return max((slots for after, slots in self.rises if begin <= after <= end), default=0.0)


@dataclass(frozen=True, slots=True)
class Echoes:
    """Of each job the last MOST_ECHOES times that were watched from the beginning. A value.

    last: when the last tick was, and the slots that it needed.
    """

    by_job: Mapping[str, tuple[Echo, ...]] = field(default_factory=dict)
    last: tuple[float, float] | None = None

    def after(self, jobs: Iterable[Job], now: float, slots: float) -> Echoes:
        """With what one tick needs. Jobs that are no more are forgotten."""
        heard = {job.name: self._heard(job, now, slots) for job in jobs}
        return Echoes({name: echoes for name, echoes in heard.items() if echoes}, (now, slots))

    def expected(self, jobs: Iterable[Job], now: float, ahead: float) -> float:
        """Slots that jobs will bring on top of what is needed now, until `ahead` seconds later."""
        return sum(max(self._of(job, now, ahead), default=0.0) for job in jobs)

    def _heard(self, job: Job, now: float, slots: float) -> tuple[Echo, ...]:
        known = self.by_job.get(job.name, ())
        came = next(iter(job.past), now)
        if not known or known[-1].at < came:
            if self.last is None or not self.last[0] < came:
                return known
            known = (*known, Echo(came, self.last[1]))[-MOST_ECHOES:]
        latest = known[-1]
        if now - latest.at > HEARD_SECONDS:
            return known
        rise = now - latest.at, max(0.0, slots - latest.base)
        return (*known[:-1], replace(latest, rises=(*latest.rises, rise)))

    def _of(self, job: Job, now: float, ahead: float) -> Iterator[float]:
        """What is left of the time that it came last, and of each time that it is due.

        The most of them counts: each was watched only until the next one.
        """
        known = self.by_job.get(job.name, ())
        for due in job.due:
            if due - now <= ahead:
                yield _most(known, 0.0, now + ahead - due)
        came = next(iter(job.past), now)
        if known and known[-1].at == came and known[-1].rises:
            since, brought = now - came, known[-1].rises[-1][1]
            yield max(0.0, _most(known[:-1], since, since + ahead) - brought)


def _most(echoes: Iterable[Echo], begin: float, end: float) -> float:
    return max((echo.most(begin, end) for echo in echoes), default=0.0)
