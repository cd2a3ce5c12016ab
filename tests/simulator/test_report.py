"""The report is one well-formed page that fetches nothing and shows everybody."""

from __future__ import annotations

from html.parser import HTMLParser

from autoscaler.simulator.contest import Standing
from autoscaler.simulator.crew import Rules
from autoscaler.simulator.report import page
from autoscaler.simulator.report_charts import Point, curve, frontier, time_ticks
from autoscaler.simulator.rivals import RIVALS
from autoscaler.simulator.timeline import Timeline
from autoscaler.simulator.trace import Trace
from autoscaler.simulator.world import World
from tests.simulator.traces import plain

RULES = {"default": Rules(slots=2, max_workers=4)}
VOID = {"meta", "line", "path", "polyline"}


class Nesting(HTMLParser):
    """Notes which tags are open, what they link to, and what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


def report(trace: Trace, *names: str) -> str:
    standings, timelines = [], {}
    for name in ("autoscaler", *names):
        world = World(trace, RULES)
        play = RIVALS.get(name, RIVALS["keda"]).play
        standings.append(Standing.of(name, {1: play(world, lambda _: None)}))
        timelines[name] = Timeline.of(world, points=50)
    return page(trace, standings, timelines, standings[0])


def test_a_page_is_well_formed_and_needs_nothing_else() -> None:
    rows = [(60.0 * n, 300.0 if n % 9 else 5000.0) for n in range(40)]
    trace = plain([*rows, (9000.0, 1.0)])
    html = report(trace, "keda", "hpa", "mwaa")
    nesting = Nesting()
    nesting.feed(html)
    nesting.close()
    assert nesting.open == []
    assert nesting.links == []
    assert "http" not in html
    assert "url(" not in html
    for name in ("autoscaler", "keda", "hpa", "mwaa"):
        assert nesting.text.count(name) >= 3  # the curve, the table, a panel
    assert html.count('class="slots"') == 4
    assert 'class="kill"' in html
    assert 'td class="killed"' in html
    assert "nan" not in html.lower()


def test_names_cannot_become_markup() -> None:
    html = report(Trace("<script>alert(1)</script>", plain([(1.0, 2.0)] * 3).tasks))
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_frontier_is_of_those_that_nobody_beats_in_both() -> None:
    cheap, good, poor, dear = (
        Point(name, hours, share, 0, ours=False)
        for name, hours, share in (("a", 1, 50), ("b", 2, 90), ("c", 3, 80), ("d", 9, 100))
    )
    assert frontier([dear, poor, good, cheap]) == [cheap, good, dear]


def test_names_in_the_curve_keep_clear_of_each_other() -> None:
    near = [Point("first", 10, 90, 0, ours=True), Point("second", 11, 90, 3, ours=False)]
    html = curve([*near, Point("far", 200, 100, 0, ours=False)])
    assert 'class="dot ours below"' in html
    assert 'class="dot kills right"' in html


def test_time_is_told_in_days_or_for_less_in_hours() -> None:
    assert [text for _, text in time_ticks(3600.0 * 4)] == ["0 h", "1 h", "2 h", "3 h", "4 h"]
    ticks = time_ticks(86_400.0 * 14)
    assert [text for _, text in ticks][:3] == ["0 d", "2 d", "4 d"]
    assert len(ticks) == 8
