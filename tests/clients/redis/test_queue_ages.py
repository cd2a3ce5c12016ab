"""Ages of queues from one reading to the next."""

import pytest

from autoscaler.clients.redis.queue_ages import QueueAges
from autoscaler.clients.redis.queues import ListReading, QueuesReading

NOW = 1e9


def reading(*lists, unreadable=(), empty=(), unseen=()):
    depths = dict.fromkeys(empty, 0) | dict.fromkeys(unseen, 9)
    for found in lists:
        depths[found.queue] = depths.get(found.queue, 0) + found.length
    looked_at = tuple(dict.fromkeys(found.queue for found in lists))
    return QueuesReading(depths, dict.fromkeys(unreadable, "why"), looked_at, lists)


def one(length, arrived=None, step=1, **more):
    return ListReading("q", step, length, f"mark-{length}", arrived, **more)


def test_a_queue_nobody_has_read_has_no_age():
    assert QueueAges().oldest("q", NOW, 0.0) is None
    assert QueueAges().marks("q") == {}


def test_what_came_into_an_empty_queue_came_since_the_last_reading():
    ages = QueueAges()
    ages.observe(reading(empty=["q"]), 100.0)
    assert ages.oldest("q", NOW, 100.0) is None
    ages.observe(reading(one(3)), 110.0)
    assert ages.oldest("q", NOW, 115.0) == 15.0
    assert ages.marks("q") == {1: "mark-3"}


def test_what_was_there_at_first_sight_is_of_unknown_age():
    ages = QueueAges()
    ages.observe(reading(one(3)), 110.0)
    assert ages.oldest("q", NOW, 115.0) == 5.0


def test_a_queue_that_could_not_be_read_begins_anew():
    ages = QueueAges()
    ages.observe(reading(one(3)), 100.0)
    ages.observe(reading(unreadable=["q"]), 110.0)
    assert ages.oldest("q", NOW, 110.0) is None
    ages.observe(reading(one(3)), 120.0)
    assert ages.oldest("q", NOW, 121.0) == 1.0


def test_a_queue_that_was_not_looked_at_keeps_what_was_known():
    ages = QueueAges()
    ages.observe(reading(one(3)), 100.0)
    ages.observe(reading(unseen=["q"]), 110.0)
    assert ages.oldest("q", NOW, 110.0) == 10.0
    ages.observe(reading(one(4, arrived=4)), 120.0)
    assert ages.oldest("q", NOW, 120.0) == 20.0, "they came at some time since the last look"


def test_a_burst_that_was_not_counted_to_its_end_is_at_least_the_growth():
    ages = QueueAges()
    ages.observe(reading(one(10)), 100.0)
    ages.observe(reading(one(10_000, arrived=50, at_least=True)), 110.0)
    assert ages.oldest("q", NOW, 110.0) == 10.0
    ages.observe(reading(one(9_990, arrived=0)), 120.0)
    assert ages.oldest("q", NOW, 120.0) == pytest.approx(20.0)


def test_the_oldest_of_all_priority_steps_counts():
    ages = QueueAges()
    ages.observe(reading(one(1, step=1)), 100.0)
    ages.observe(reading(one(1, arrived=0, step=1), one(5, step=2)), 110.0)
    assert ages.oldest("q", NOW, 110.0) == 10.0
    ages.observe(reading(one(5, arrived=0, step=2)), 130.0)
    assert ages.oldest("q", NOW, 130.0) == 30.0, "it came between 100 and 110"


@pytest.mark.parametrize(
    ("sent_at", "age"),
    [(NOW - 7, 7.0), (NOW + 3, 0.0), (NOW + 60, 4.0), (12.0, 4.0), (NOW * 1000, 4.0)],
)
def test_a_plausible_sent_at_is_believed(sent_at, age):
    ages = QueueAges()
    ages.observe(reading(one(1, sent_at=sent_at)), 100.0)
    assert ages.oldest("q", NOW, 104.0) == age
