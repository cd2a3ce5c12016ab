"""Pictures of a simulation, in SVG that stretches: areas, lines and bars, and the curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from autoscaler.simulator.timeline import Timeline

WIDTH, HEIGHT = 480, 100
OBJECTIVE_SECONDS = 30
HOUR, DAY = 3600, 86_400
RIGHTMOST = 90.0  # beyond it the axis has its numbers
LETTER = 2.1  # percent of the curve's width, between a wide screen and a narrow one


Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Scales:
    """The highest numbers of all panels, so that they can be compared."""

    slots: float
    wait: float

    @classmethod
    def of(cls, timelines: Sequence[Timeline]) -> Scales:
        """Those of these."""
        slots = max((max((*t.slots, *t.demand)) for t in timelines), default=1)
        waits = max((max(t.waits) for t in timelines), default=1.0)
        return cls(_round_up(slots), max(4.0 * OBJECTIVE_SECONDS, min(_round_up(waits), 1800.0)))


@dataclass(frozen=True, slots=True)
class Point:
    """A contender on the curve. ours: whether it is the daemon, with its knob anywhere."""

    name: str
    hours: float
    share: float
    kills: float
    ours: bool


def panel(timeline: Timeline, scales: Scales) -> str:
    """Slots of one contender over its demand, the longest waits below, and kills as marks."""
    ticks = time_ticks(timeline.seconds)
    grid = "".join(
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y2="{HEIGHT}"/>' for x, _ in ticks
    )
    demand = _steps(timeline.demand, scales.slots)
    slots = _steps(timeline.slots, scales.slots)
    dead = "".join(
        f'<line class="kill" x1="{_x(n, timeline):.1f}" x2="{_x(n, timeline):.1f}" y2="9"/>'
        for n, count in enumerate(timeline.kills)
        if count
    )
    above = (
        f'{grid}<path class="demand" d="M0,{HEIGHT}{demand}V{HEIGHT}Z"/>'
        f'<path class="slots" d="M0,{HEIGHT}{slots}"/>{dead}'
    )
    bound = _root_height(OBJECTIVE_SECONDS, scales.wait)
    below = (
        f'{grid}<path class="wait" d="{_bars(timeline.waits, scales.wait)}"/>'
        f'<line class="objective" x2="{WIDTH}" y1="{bound:.1f}" y2="{bound:.1f}"/>'
    )
    labels = "".join(
        f"<span {'class=last ' if x > 0.97 * WIDTH else ''}"
        f'style="left:{100 * x / WIDTH:.2f}%">{escape(text)}</span>'
        for x, text in ticks
    )
    return (
        f"{_plot(above, 'tall', f'{scales.slots:g} slots')}"
        f"{_plot(below, 'short', _span(scales.wait) + ' wait')}"
        f'<div class="hours">{labels}</div>'
    )


def curve(points: Sequence[Point]) -> str:
    """Shares against costs; the line joins those that nobody beats in both."""
    low = min(point.hours for point in points)
    high = max(point.hours for point in points)
    width = math.log(high / low) if high > low else 1.0
    floor = min(95.0, math.floor(min(point.share for point in points) / 10) * 10)

    def x(hours: float) -> float:
        return 8 + 78 * math.log(hours / low) / width

    def y(share: float) -> float:
        return 6 + 84 * (100 - share) / (100 - floor)

    grid = "".join(
        f'<span class="axis" style="top:{y(share):.1f}%">{share:g} %</span>'
        for share in (100, (100 + floor) / 2, floor)
    )
    lines = "".join(
        f'<line class="grid" x2="100" y1="{y(share):.1f}" y2="{y(share):.1f}"/>'
        for share in (100, (100 + floor) / 2, floor)
    )
    best = " ".join(f"{x(p.hours):.1f},{y(p.share):.1f}" for p in frontier(points))
    places = [(x(point.hours), y(point.share), point.name) for point in points]
    dots = "".join(
        _dot(point, left, top, side)
        for point, (left, top, _), side in zip(points, places, _sides(places), strict=True)
    )
    return (
        '<div class="curve">'
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        f'{lines}<polyline class="frontier" points="{best}"/></svg>{grid}{dots}</div>'
    )


def frontier(points: Sequence[Point]) -> list[Point]:
    """Those that no other beats in cost and share at once, the cheapest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda each: (each.hours, -each.share)):
        if not kept or point.share > kept[-1].share:
            kept.append(point)
    return kept


def time_ticks(seconds: float) -> list[tuple[float, str]]:
    """Where the days, or for shorter spans the hours, begin; at most nine."""
    unit, word = (DAY, "d") if seconds > 2 * DAY else (HOUR, "h")
    step = max(1, math.ceil(seconds / unit / 8))
    count = int(seconds // (unit * step))
    return [(WIDTH * n * step * unit / seconds, f"{n * step} {word}") for n in range(count + 1)]


def _dot(point: Point, x: float, y: float, side: str) -> str:
    kind = "ours" if point.ours else ("kills" if point.kills else "rival")
    killed = f", {point.kills:.0f} killed" if point.kills else ""
    title = f"{point.name}: {point.share:.1f} % within 30 s, {point.hours:.1f} worker-hours{killed}"
    return (
        f'<span class="dot {kind} {side}" title="{escape(title)}" '
        f'style="left:{x:.1f}%;top:{y:.1f}%"><b>{escape(point.name)}</b></span>'
    )


def _sides(places: Sequence[tuple[float, float, str]]) -> list[str]:
    """Where each name goes so that it covers no dot and no other name, if there is such a place."""
    taken = [(x - 2, y - 3, x + 2, y + 3) for x, y, _ in places]
    sides = []
    for x, y, name in places:
        width = LETTER * len(name)
        boxes = {
            "right": (x + 2.1, y - 2.5, x + 2.1 + width, y + 2.5),
            "left": (x - 2.1 - width, y - 2.5, x - 2.1, y + 2.5),
            "below": (x - width / 2, y + 3.1, x + width / 2, y + 8),
            "above": (x - width / 2, y - 8, x + width / 2, y - 3.1),
        }
        free = (side for side, box in boxes.items() if _inside(box) and not _hits(box, taken))
        side = next(free, "right")
        taken.append(boxes[side])
        sides.append(side)
    return sides


def _inside(box: Box) -> bool:
    return box[0] >= 0 and box[2] <= RIGHTMOST


def _hits(box: Box, others: Sequence[Box]) -> bool:
    left, top, right, bottom = box
    return any(left < r and right > a and top < d and bottom > t for a, t, r, d in others)


def _plot(inside: str, kind: str, top: str) -> str:
    return (
        f'<div class="plot {kind}"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true">{inside}</svg><span class="top">{escape(top)}</span></div>'
    )


def _steps(values: Sequence[float], most: float) -> str:
    """A path that goes level to each value; what does not change is left out."""
    step, path, before = WIDTH / len(values), "", None
    for number, value in enumerate(values):
        if value != before:
            path += f"H{number * step:.1f}V{_height(value, most):.1f}"
            before = value
    return f"{path}H{WIDTH}"


def _bars(waits: Sequence[float], most: float) -> str:
    """By their square roots, so that short waits are seen beside long ones."""
    step = WIDTH / len(waits)
    return "".join(
        f"M{number * step:.1f},{HEIGHT}V{_root_height(wait, most):.1f}h{step:.2f}V{HEIGHT}Z"
        for number, wait in enumerate(waits)
        if wait > 1
    )


def _height(value: float, most: float) -> float:
    return HEIGHT * (1 - min(1.0, value / most))


def _root_height(value: float, most: float) -> float:
    return _height(math.sqrt(value), math.sqrt(most))


def _x(number: int, timeline: Timeline) -> float:
    return WIDTH * (number + 0.5) / len(timeline.kills)


def _round_up(value: float) -> float:
    """To a number that reads well."""
    power: int = 10 ** math.floor(math.log10(max(1.0, value)))
    return next(n * power for n in (1.0, 1.5, 2.0, 3.0, 5.0, 10.0) if value <= n * power)


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 2 * 60 else f"{seconds / 60:g} min"
