"""What is remembered of the CPU and memory of containers."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from autoscaler.engine.usage import DAY_SECONDS, DAYS, EVERY_SECONDS, MOST_CONTAINERS, Usage
from autoscaler.model import Sample, Samples
from tests.records import NOW, replica, seen

MIB = 2.0**20


def using(*units, now=NOW, **read):
    """A tick in which containers, `UNIT/NAME` or NAME of unit a, use (cores, MiB)."""
    values = []
    for where, (cores, mebibytes) in read.items():
        pod, _, container = where.rpartition("__")
        labels = {"pod": pod or "a", "container": container}
        values += [
            Sample("cpu", cores, now, labels),
            Sample("memory", mebibytes * MIB, now, labels),
        ]
    return replace(seen(*(units or (replica("a"),)), now=now), samples=Samples(values))


def after(*ticks):
    usage = Usage()
    for tick in ticks:
        usage = usage.after(tick)
    return usage


def test_cpu_is_a_quantile_of_all_units_and_times():
    ticks = [
        using(now=NOW + EVERY_SECONDS * number, worker=(4.0 if number % 10 == 0 else 1.0, 100))
        for number in range(100)
    ]
    use = after(*ticks).containers["worker"]
    assert 1.0 <= use.quantile(0.85) < 1.05
    assert 4.0 <= use.quantile(0.95) < 4.2
    assert use.at - use.since == 99 * EVERY_SECONDS


@pytest.mark.parametrize("seed", range(20))
def test_the_quantile_is_never_too_low_and_at_most_one_bucket_too_high(seed):
    random = Random(seed)
    cores = [random.lognormvariate(-1, 1) for _ in range(200)]
    ticks = (using(now=NOW + 60 * i, worker=(value, 1)) for i, value in enumerate(cores))
    use = after(*ticks).containers["worker"]
    exact = sorted(cores)[math.ceil(0.99 * len(cores)) - 1]
    assert exact <= use.quantile(1.0) * 1.0001
    assert use.quantile(1.0) <= max(0.01, max(cores) * 1.06)


def test_yesterdays_cpu_counts_half_and_is_forgotten_in_the_end():
    busy = [using(now=NOW + 60 * i, worker=(2.0, 1)) for i in range(10)]
    calm = [using(now=NOW + 20 * DAY_SECONDS + 60 * i, worker=(0.1, 1)) for i in range(10)]
    use = after(*busy, *calm).containers["worker"]
    assert use.quantile(1.0) < 0.11
    assert len(use.cores) == 1
    soon = [using(now=NOW + DAY_SECONDS + 60 * i, worker=(0.1, 1)) for i in range(10)]
    assert after(*busy, *soon).containers["worker"].quantile(0.6) < 0.11
    assert after(*busy, *soon).containers["worker"].quantile(0.7) > 1.9


def test_of_memory_the_extremes_of_each_of_the_last_days_are_kept():
    midnight = (NOW // DAY_SECONDS) * DAY_SECONDS
    readings = (300, 500, 200)
    first = [using(now=midnight + 60 * i, worker=(1, m)) for i, m in enumerate(readings)]
    [day] = after(*first).containers["worker"].days.values()
    assert (day.peak, day.least) == (500 * MIB, 200 * MIB)
    days = [using(now=midnight + DAY_SECONDS * i, worker=(1, 100 + i)) for i in range(1, 12)]
    kept = after(*first, *days).containers["worker"].days
    assert len(kept) == DAYS
    assert max(day.peak for day in kept.values()) == 111 * MIB


def test_what_ran_at_the_peak():
    ticks = (
        using(replica("a", busy), now=NOW + 60 * i, worker=(1, mebibytes))
        for i, (busy, mebibytes) in enumerate([(0, 100), (3, 400), (4, 350)])
    )
    [day] = after(*ticks).containers["worker"].days.values()
    assert (day.peak, day.busy, day.least) == (400 * MIB, 3, 100 * MIB)


def test_it_reads_once_a_minute_and_goes_on_after_a_jump_of_the_clock():
    first = after(using(worker=(1, 100)))
    assert first.after(using(now=NOW + 59, worker=(1, 900))) is first
    back = first.after(using(now=NOW - 500, worker=(1, 900)))
    assert back.containers["worker"].at == NOW
    assert max(back.containers["worker"].days.values(), key=lambda d: d.peak).peak == 900 * MIB


@pytest.mark.parametrize(
    "tick",
    [
        using(),
        using(replica("b"), worker=(1, 1)),
        using(replica("a", ready=False), worker=(1, 1)),
        using(replica("a", active=None), worker=(1, 1)),
        using(worker=(math.nan, 1)),
        using(worker=(-1, 1)),
        using(worker=(1, math.inf)),
        using(worker=(1, -1)),
        replace(seen(replica("a")), samples=Samples([Sample("memory", 5.0, NOW, {"pod": "a"})])),
        replace(
            seen(replica("a")),
            samples=Samples([Sample("memory", 5.0, NOW, {"pod": "a", "container": "worker"})]),
        ),
    ],
    ids=str,
)
def test_what_is_not_whole_is_not_read(tick):
    assert Usage().after(tick) == Usage()


def test_units_without_a_worker_are_read():
    bare = replace(replica("a", registered=False), ready=True)
    assert "web" in after(using(bare, web=(1, 100))).containers


def test_it_is_bounded_whatever_comes():
    random, usage = Random(1), Usage()
    for number in range(300):
        name = f"c{number % 40}"
        reading = {name: (10 ** random.uniform(-9, 9), random.uniform(0, 1e6))}
        usage = usage.after(using(now=NOW + number * 3 * 3600, **reading))
    assert len(usage.containers) == MOST_CONTAINERS
    assert all(len(use.days) <= DAYS for use in usage.containers.values())
    assert "c19" in usage.containers
