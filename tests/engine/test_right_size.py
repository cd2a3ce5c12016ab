"""What containers should ask for."""

from __future__ import annotations

from random import Random

import pytest

from autoscaler.engine.right_size import right_size
from autoscaler.engine.usage import DAY_SECONDS, Usage
from autoscaler.model import MEMORY_MARGIN
from tests.engine.test_usage import MIB, using
from tests.records import NOW, replica, seen


def advised(*ticks, slots=8):
    usage = Usage()
    for tick in ticks:
        usage = usage.after(tick)
    values = {} if slots is None else {"slots_per_replica": slots}
    return right_size(usage, seen(replica("a"), samples=values))


def lasting(seconds, *, busy=0, step=60, **read):
    """Ticks of that long."""
    return [
        using(replica("a", busy), now=NOW + i, **read) for i in range(0, int(seconds) + 1, step)
    ]


def test_nothing_is_advised_before_ten_minutes():
    assert advised(*lasting(599, worker=(1, 100))) == ()
    assert len(advised(*lasting(600, worker=(1, 100)))) == 1


def test_cpu_by_nine_tenths_of_the_time_and_memory_by_the_peak():
    [one] = advised(*lasting(3600, worker=(1.0, 1000)))
    assert 1.0 <= one.used_cores < 1.05
    assert one.request_cores == pytest.approx(1.15 * one.used_cores, abs=0.001)
    assert (one.peak_bytes, one.full_bytes, one.idle_bytes) == (1000 * MIB,) * 3
    assert one.memory_bytes == 1150 * MIB
    assert (one.busy, one.task_bytes, one.slots, one.sure) == (0, None, 8, False)


def test_what_is_tiny_gets_the_least():
    [one] = advised(*lasting(600, sidecar=(0.0001, 1)))
    assert one.request_cores == 0.025
    assert one.memory_bytes == 64 * MIB


def test_with_all_slots_busy_it_takes_more_than_was_seen():
    idle = using(replica("a"), now=NOW - 60, worker=(1, 200))
    [one] = advised(idle, *lasting(600, busy=2, worker=(1, 400)))
    assert one.task_bytes == 100 * MIB
    assert one.full_bytes == (200 + 8 * 100) * MIB
    assert one.memory_bytes == 1150 * MIB
    [unknown] = advised(idle, *lasting(600, busy=2, worker=(1, 400)), slots=None)
    assert (unknown.full_bytes, unknown.slots) == (400 * MIB, None)
    [fewer] = advised(idle, *lasting(600, busy=2, worker=(1, 400)), slots=1)
    assert fewer.full_bytes == 400 * MIB


def test_how_many_slots_fit():
    idle = using(replica("a"), now=NOW - 60, worker=(1, 200))
    [one] = advised(idle, *lasting(600, busy=2, worker=(1, 400)))
    assert one.concurrency_in(one.memory_bytes) == 8
    assert one.concurrency_in(MEMORY_MARGIN * 1300 * MIB) == 11
    assert one.concurrency_in(100 * MIB) == 1
    [unseen] = advised(*lasting(600, worker=(1, 400)))
    assert unseen.concurrency_in(1e12) is None


def test_it_is_sure_after_a_day_and_names_are_in_order():
    made = advised(*lasting(DAY_SECONDS, step=600, worker=(1, 100), git=(1, 100)))
    assert [(one.container, one.sure) for one in made] == [("git", True), ("worker", True)]
    assert made[0].measured_seconds == DAY_SECONDS


@pytest.mark.parametrize("seed", range(10))
def test_a_worker_that_fills_all_its_slots_stays_below_what_was_advised(seed):
    """Ones whose tasks take up to 130 MiB, of which never more than half of the slots were seen."""
    random = Random(seed)
    each = random.uniform(60, 130)
    ticks = [using(replica("a"), now=NOW - 60, worker=(0.1, 250))]
    for number in range(200):
        busy = random.randint(0, 4)
        took = 250 + sum(random.uniform(0.9, 1) * each for _ in range(busy))
        ticks.append(using(replica("a", busy), now=NOW + 60 * number, worker=(busy / 8, took)))
    [one] = advised(*ticks)
    assert (250 + 8 * each) * MIB <= one.memory_bytes <= 1.25 * (250 + 8 * each) * MIB


def test_samples_of_other_fleets_are_not_mixed_in():
    both = using(replica("a"), worker=(1, 100), other__worker=(9, 9000))
    usage = Usage().after(both)
    assert usage.containers["worker"].quantile(1.0) < 1.05
