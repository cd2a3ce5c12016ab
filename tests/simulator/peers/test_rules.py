"""Each rival's documented behavior, on fleets whose view is written by hand."""

from __future__ import annotations

from autoscaler.simulator.crew import Rules
from autoscaler.simulator.peers.cpu_hpa import CpuHpa
from autoscaler.simulator.peers.cron import KedaWithCron
from autoscaler.simulator.peers.keda import Keda
from autoscaler.simulator.peers.mwaa import Mwaa
from autoscaler.simulator.peers.target_tracking import TargetTracking
from autoscaler.simulator.peers.view import Peer, View
from autoscaler.simulator.trace import Trace, TraceTask
from autoscaler.simulator.zero_wait import ideal_runs

RULES = Rules(slots=4, min_workers=1, max_workers=80)


def follow(peer: Peer, demand: list[int], current: int = 1, every: float = 15.0) -> list[int]:
    """The sizes that it asks for, tick by tick, where all it asks for is there at once."""
    sizes = []
    for number, tasks in enumerate(demand):
        busy = min(tasks, current * peer.rules.slots)
        view = View(number * every, current, current, busy, busy, tasks - busy)
        current = peer.replicas(view)
        sizes.append(current)
    return sizes


def test_keda_rises_by_four_or_doubles_each_15_seconds() -> None:
    assert follow(Keda(RULES), [1000] * 6) == [5, 10, 20, 40, 80, 80]


def test_keda_asks_for_running_and_queued_over_slots_rounded_up() -> None:
    assert follow(Keda(RULES), [13], current=1) == [4]


def test_keda_falls_only_after_five_minutes_and_then_at_once() -> None:
    sizes = follow(Keda(RULES), [40] * 2 + [0] * 25, current=10)
    assert sizes[:21] == [10] * 21
    assert sizes[-1] == 1
    assert sorted(sizes, reverse=True) == sizes


def test_the_hpa_rises_after_a_minute_by_four_and_up_to_twenty() -> None:
    sizes = follow(CpuHpa(RULES), [1000] * 40, current=2)
    assert sizes[:4] == [2, 2, 2, 2]
    assert 2 not in sizes[5:]
    assert sizes[-1] == 20
    assert max(b - a for a, b in zip(sizes, sizes[4:], strict=False)) <= 4


def test_the_hpa_falls_by_two_in_two_minutes_and_never_below_two() -> None:
    sizes = follow(CpuHpa(RULES), [0] * 120, current=8)
    assert sizes[:20] == [8] * 20
    assert sizes[-1] == 2
    assert max(a - b for a, b in zip(sizes, sizes[7:], strict=False)) <= 2


def test_the_hpa_stays_where_seventy_percent_are_busy() -> None:
    assert set(follow(CpuHpa(RULES), [28] * 60, current=10)) == {10}


def test_an_hpa_whose_pods_all_start_waits_for_them() -> None:
    assert CpuHpa(RULES).replicas(View(0.0, 3, 0, 0, 0, 50)) == 3


def test_mwaa_keeps_what_it_added_until_nothing_is_left_for_two_minutes() -> None:
    sizes = follow(Mwaa(RULES), [40] + [1] * 40 + [0] * 12)
    assert sizes[:41] == [10] * 41
    assert sizes[41 + 6] == 10
    assert sizes[41 + 7] == 1


def test_target_tracking_needs_three_minutes_to_rise_and_fifteen_to_fall() -> None:
    demand = [40] * 20 + [20] * 100
    sizes = follow(TargetTracking(RULES), demand)
    rise = next(n for n, size in enumerate(sizes) if size > 1)
    assert 8 <= rise <= 16
    assert sizes[rise] == 18  # one worker of 36 waiting tasks, where two are allowed
    fall = next(n for n, size in enumerate(sizes) if n > rise and size < 18)
    assert fall - rise >= 15 * 4
    assert sizes[fall] == 18 - 3  # a fifth


def test_a_cron_trigger_knows_the_mean_of_its_days_before_it_is_needed() -> None:
    tasks = [
        TraceTask(f"{day}-{n}", day * 86_400 + 3600, 200, "default", (), "a")
        for day, count in enumerate((20, 12))
        for n in range(count)
    ]
    peer = KedaWithCron(RULES, ideal_runs(Trace("two days", tuple(tasks))), 2 * 86_400)
    assert peer.asked(View(3300.0, 1, 1, 0, 0, 0)) == 0
    assert peer.asked(View(3460.0, 1, 1, 0, 0, 0)) == 4
    assert peer.asked(View(3600.0, 4, 4, 16, 16, 4)) == 5
