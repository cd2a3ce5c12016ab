"""The demo as one screen of a terminal: numbers over time, every worker, the latest events."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoscaler.cli.table import BOLD, DIM, GREEN, PLAIN, YELLOW, Part, painted, sparkline
from autoscaler.demo.story import Event, Moment
from autoscaler.model import Fleet, Replica

LABEL_WIDTH = 15
EVENT_WIDTH = 15

Line = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything one screen shows. Times are seconds since the start."""

    elapsed: float
    length: float
    moments: Sequence[Moment]
    events: Sequence[Event]
    sent: int
    ended: int
    phase: str
    address: str


def draw(frame: Frame, columns: int, rows: int, *, colors: bool) -> list[str]:
    """The screen's lines, none wider than `columns`, no more than `rows`."""
    lines = list(_lines(frame, columns, rows))[:rows]
    return [painted(line, columns, colors=colors) for line in lines]


def _lines(frame: Frame, columns: int, rows: int) -> Iterator[Line]:
    time = f"{minutes(frame.elapsed)} of {minutes(frame.length)}"
    yield ((BOLD, "autoscaler demo"), (DIM, f"   {time}   {frame.phase}   Ctrl-C ends"))
    if not frame.moments:
        return
    now = frame.moments[-1]
    replicas, most = now.replicas, now.fleet.max_replicas
    yield ()
    yield from _charts(frame, columns)
    yield ()
    yield ((DIM, f"{'worker':{LABEL_WIDTH}}{'state':12}tasks"),)
    yield from (_replica_line(replica, now.fleet) for replica in replicas)
    yield from [()] * (most - len(replicas))
    yield ()
    yield ((DIM, f"{'when':7}what happened, and why"),)
    room = max(1, rows - 12 - max(most, len(replicas)))
    shown = _latest(frame.events, columns, room)
    yield from shown
    yield from [()] * (room - len(shown))
    yield ()
    ask = f"autoscaler explain {now.fleet.name} --url {frame.address}"
    yield ((DIM, f"elsewhere: {ask}"),)


def _charts(frame: Frame, columns: int) -> Iterator[Line]:
    now, fleet = frame.moments[-1], frame.moments[-1].fleet
    width = max(10, columns - 55)
    waiting = [moment.waiting for moment in frame.moments]
    known = [number for number in waiting if number is not None]
    serving = [sum(1 for r in moment.replicas if r.serving) for moment in frame.moments]
    ready = sum(1 for replica in now.replicas if replica.serving and replica.ready)
    draining = sum(1 for replica in now.replicas if replica.draining)
    yield (
        (DIM, f"{'backlog':{LABEL_WIDTH}}"),
        (PLAIN, f"{_number(now.waiting):>4} "),
        (YELLOW, sparkline(waiting, width, max(known, default=1.0))),
        (PLAIN, f"  waiting, {_number(now.running)} running"),
    )
    yield (
        (DIM, f"{'replicas':{LABEL_WIDTH}}"),
        (PLAIN, f"{serving[-1]:>4} "),
        (GREEN, sparkline(serving, width, fleet.max_replicas)),
        (PLAIN, f"  {now.desired} wanted, {ready} ready, {draining} draining"),
    )
    yield (
        (DIM, f"{'tasks':{LABEL_WIDTH}}"),
        (PLAIN, f"{frame.sent:>4} sent, {frame.ended} finished"),
        (DIM, f"   {fleet.min_replicas} to {fleet.max_replicas} replicas of "),
        (DIM, f"{fleet.slots_per_replica} slots"),
    )


def _replica_line(replica: Replica, fleet: Fleet) -> Line:
    busy = (replica.worker.busy if replica.worker else None) or 0
    slots = fleet.slots_per_replica or busy
    color, state = _state(replica)
    boxes = "■" * busy + "□" * max(0, slots - busy) if replica.worker else ""
    why = ""
    if replica.draining and busy:
        why = "   finishes what it runs, takes nothing new"
    elif replica.draining:
        why = "   empty: leaves once that is verified"
    return (
        (PLAIN, f"{replica.name:{LABEL_WIDTH}}"),
        (color, f"{state:12}{boxes}"),
        (DIM, why),
    )


def _state(replica: Replica) -> Part:
    if replica.terminating:
        return DIM, "leaving"
    if replica.draining:
        return YELLOW, "draining"
    if replica.ready:
        return GREEN, "ready"
    return PLAIN, "silent" if replica.silent else "starting"


def _latest(events: Sequence[Event], columns: int, room: int) -> list[Line]:
    """The lines of as many events as there is room for, the latest last."""
    lines: list[Line] = []
    for event in reversed(events):
        more = [*_event_lines(event, columns), *lines]
        if len(more) > room:
            break
        lines = more
    return lines


def _event_lines(event: Event, columns: int) -> Iterator[Line]:
    """The sentence in at most two lines, cut off where it is longer."""
    first, *more = textwrap.wrap(event.message, max(20, columns - EVENT_WIDTH)) or [""]
    rest = " ".join(more)
    yield ((DIM, f"{minutes(event.at):7}"), (BOLD, f"{event.what:8}"), (PLAIN, first))
    if rest:
        yield ((PLAIN, " " * EVENT_WIDTH), (PLAIN, rest))


def one_line(event: Event) -> str:
    """The event where lines are not counted."""
    return f"{minutes(event.at):7}{event.what:8}{event.message}"


def minutes(seconds: float) -> str:
    """`02:05`."""
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"
