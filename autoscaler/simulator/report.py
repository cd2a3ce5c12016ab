"""A simulation as one HTML page that needs nothing else: figures, a table, a curve, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from autoscaler.engine.wording import count, span
from autoscaler.simulator.contest import Standing
from autoscaler.simulator.report_charts import Point, Scales, curve, panel
from autoscaler.simulator.report_style import STYLE
from autoscaler.simulator.rivals import RIVALS
from autoscaler.simulator.timeline import Timeline
from autoscaler.simulator.trace import Trace

COLUMNS = (
    *("", "within 30 s", "120 s", "300 s", "p95 wait", "worker-hours", "ratio", "killed"),
    *("launches a day", "flaps a day"),
)
LEGEND = (
    ("demand", "slots that tasks fill or wait for"),
    ("ours", "slots of workers that are paid for"),
    ("wait", "longest wait, by its square root (dashed: 30 s)"),
    ("kill", "tasks killed"),
)


def page(
    trace: Trace,
    standings: Sequence[Standing],
    timelines: Mapping[str, Timeline],
    yardstick: Standing,
) -> str:
    """The whole page. timelines: of each contender, by its name; yardstick: whose cost is 1."""
    title = f"Simulation of {trace.name}"
    tasks, queues = count(len(trace.tasks), "task"), count(len(trace.queues), "queue")
    seeds = ", ".join(map(str, standings[0].seeds))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{escape(title)}</title><style>
{STYLE}</style></head><body><main>
<h1>{escape(title)}</h1>
<p>{tasks} on {queues} within {span(trace.span)}; seed {seeds}</p>
{_tiles(standings[0], yardstick)}
<h2>Who starts in time, at what cost</h2>
<p>Right is dearer, on a logarithmic scale; up is better. The dashed line joins those that nobody
beats in both. A red ring kills tasks, and looks cheap because their work is done late or never.</p>
{curve([_point(each) for each in standings if each.worker_hours])}
<h2>All measures</h2>
<p>Ratio: the cost in relation to that of {escape(yardstick.name)}.
A task that was killed is not in time.</p>
{_table(standings, yardstick)}
<h2>Over time</h2>
<p>All panels have the same scales.</p>
{_legend()}
{_panels(standings, timelines)}
<footer>Made by autoscaler simulate.
Measures are means over the seeds, pictures are of the first.</footer>
</main></body></html>
"""


def _tiles(ours: Standing, yardstick: Standing) -> str:
    ratio = ours.worker_hours / yardstick.worker_hours if yardstick.worker_hours else 0.0
    beside = "" if ours is yardstick else f", {ratio:.2f} times {yardstick.name}"
    tiles = (
        (f"{100 * ours.within[30]:.1f} %", "started within 30 s"),
        (f"{100 * ours.within[120]:.1f} %", "started within 120 s"),
        (f"{ours.worker_hours:,.0f}", f"worker-hours{beside}"),
        (f"{ours.kills:,.0f}", "tasks killed"),
        (f"{ours.launches_a_day:,.0f}", "launches a day"),
    )
    inside = "".join(
        f'<div class="tile"><b>{escape(figure)}</b><span>{escape(what)}</span></div>'
        for figure, what in tiles
    )
    return f'<div class="tiles">{inside}</div>'


def _table(standings: Sequence[Standing], yardstick: Standing) -> str:
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    rows = "".join(_row(each, yardstick) for each in standings)
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def _row(one: Standing, yardstick: Standing) -> str:
    ratio = one.worker_hours / yardstick.worker_hours if yardstick.worker_hours else 0.0
    cells = (
        *(f"{100 * one.within[seconds]:.1f} %" for seconds in (30, 120, 300)),
        f"{one.waits[0.95]:,.0f} s",
        f"{one.worker_hours:,.1f}",
        f"{ratio:.2f}",
    )
    plain = "".join(f"<td>{cell}</td>" for cell in cells)
    killed = f'<td class="{"killed" if one.kills else ""}">{one.kills:,.0f}</td>'
    days = f"<td>{one.launches_a_day:,.0f}</td><td>{one.flaps_a_day:,.0f}</td>"
    kind = "ours" if _is_ours(one) else ""
    return f'<tr class="{kind}"><td>{escape(one.name)}</td>{plain}{killed}{days}</tr>'


def _panels(standings: Sequence[Standing], timelines: Mapping[str, Timeline]) -> str:
    scales = Scales.of(list(timelines.values()))
    cards = "".join(
        f'<section class="card{" ours" if _is_ours(each) else ""}"><h3><b>{escape(each.name)}</b>'
        f"<span>{100 * each.within[30]:.1f} % · {each.worker_hours:,.0f} h · "
        f"{each.kills:,.0f} killed</span></h3><p>{escape(_what(each.name))}</p>"
        f"{panel(timelines[each.name], scales)}</section>"
        for each in standings
        if each.name in timelines
    )
    return f'<div class="panels">{cards}</div>'


def _legend() -> str:
    inside = "".join(
        f'<span><i style="background:var(--{color})"></i>{what}</span>' for color, what in LEGEND
    )
    return f'<div class="legend">{inside}</div>'


def _what(name: str) -> str:
    return RIVALS[name].what if name in RIVALS else "the daemon's own controller"


def _is_ours(one: Standing) -> bool:
    return one.name not in RIVALS


def _point(one: Standing) -> Point:
    return Point(one.name, one.worker_hours, 100 * one.within[30], one.kills, _is_ours(one))
