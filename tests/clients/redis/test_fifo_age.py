"""The watermark of a FIFO list, against a list whose arrivals are known."""

import random

import pytest

from autoscaler.clients.redis.fifo_age import MAX_SPANS, FifoAge


def test_an_empty_list_has_no_age():
    age = FifoAge()
    assert age.oldest(10.0) is None
    age.observe(0, 0, 0.0, 1.0)
    assert age.oldest(10.0) is None


def test_what_was_there_at_first_sight_is_as_old_as_our_acquaintance():
    age = FifoAge()
    age.observe(5, 5, 100.0, 100.0)
    assert age.oldest(130.0) == 30.0


def test_departures_make_the_oldest_younger():
    age = FifoAge()
    age.observe(10, 10, 0.0, 0.0)
    age.observe(20, 10, 10.0, 20.0)
    assert age.oldest(20.0) == 20.0
    age.observe(10, 0, 20.0, 30.0)
    assert age.oldest(30.0) == 20.0, "only those of the second span are left, the oldest of 10.0"
    age.observe(5, 0, 30.0, 40.0)
    assert age.oldest(40.0) == 25.0, "half of that span has left: what is left came after 15.0"


def test_tasks_put_back_at_the_tail_are_old_again():
    age = FifoAge()
    age.observe(4, 4, 0.0, 0.0)
    age.observe(2, 2, 50.0, 60.0)
    assert age.oldest(60.0) == 10.0
    age.observe(6, 0, 60.0, 70.0)
    assert age.oldest(70.0) == 20.0, "no younger than the oldest that is known"


@pytest.mark.parametrize("seed", range(20))
def test_it_follows_a_real_queue_for_hours_within_a_few_percent(seed):
    source = random.Random(seed)
    arrivals, age, last = [], FifoAge(), 0.0
    age.observe(0, 0, 0.0, 0.0)
    for tick in range(1, 2_000):
        now = tick * 5.0
        came = sorted(source.uniform(last, now) for _ in range(source.randrange(0, 30)))
        arrivals += came
        del arrivals[: source.randrange(0, 30)]
        age.observe(len(arrivals), len(came), last, now)
        truth = now - arrivals[0] if arrivals else None
        told = age.oldest(now)
        if truth is None:
            assert told is None
        else:
            assert told == pytest.approx(truth, rel=0.25, abs=6.0)
        last = now


def test_memory_is_bounded():
    age = FifoAge()
    for tick in range(10_000):
        age.observe(tick + 1, 1, float(tick), tick + 1.0)
    assert len(age._spans) <= MAX_SPANS
    assert age.oldest(10_000.0) == 10_000.0
