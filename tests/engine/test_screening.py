"""A bad value becomes a reason, not a number."""

from __future__ import annotations

import math

import pytest

from autoscaler.engine.screening import plausible, screen
from autoscaler.model import (
    BrokerState,
    QueueState,
    Sample,
    SampleState,
    WorkersState,
    WorkerState,
)
from tests.records import NOW, worker


def broker(*queues, **more):
    return BrokerState(NOW, {queue.name: queue for queue in queues}, **more)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1, 1e16, 10**400])
def test_what_cannot_be_a_measurement(value):
    assert not plausible(value)


def test_good_readings_pass_untouched():
    good = {
        "broker": broker(QueueState("a", 3), QueueState("b", 0, 1, 2, 0.5)),
        "workers": WorkersState(NOW, {"w": worker("w")}),
        "prometheus": SampleState(NOW, (Sample("x", 1.0, NOW),)),
    }
    assert screen(good, {}, NOW) == type(screen({}, {}, NOW))(good, {})


def test_readings_of_no_time_are_not_believed():
    timeless = BrokerState(math.nan, {"a": QueueState("a", 0)})
    screened = screen({"broker": timeless}, {}, NOW)
    assert not screened.observations
    assert "broker" in screened.missing


def test_an_impossible_queue_is_missing_and_the_others_are_not():
    read = broker(QueueState("a", -1), QueueState("b", 2), QueueState("c", 1, unacked=-4))
    screened = screen({"broker": read}, {}, NOW)
    assert set(screened.observations["broker"].queues) == {"b"}
    assert set(screened.missing) == {"broker/a", "broker/c"}


def test_what_the_source_could_not_read_keeps_its_reason():
    read = broker(unreadable={"a": "wrong type"})
    assert screen({"broker": read}, {"p": "down"}, NOW).missing == {
        "broker/a": "wrong type",
        "p": "down",
    }


def test_impossible_totals_are_forgotten():
    screened = screen({"broker": broker(unacked_tasks=-3)}, {}, NOW)
    assert screened.observations["broker"].unacked_tasks is None
    assert "broker/unacked" in screened.missing


def test_what_two_workers_say_in_one_name_is_not_believed():
    told = {"one": worker("one"), "two": worker("two", pid=7)}
    read = WorkersState(NOW, told, frozenset({"two", "gone"}))
    screened = screen({"workers": read}, {}, NOW).observations["workers"]
    assert screened.workers == {"one": worker("one"), "two": WorkerState("two", pid=7)}
    assert screened.duplicates == {"two", "gone"}


def test_an_impossible_worker_is_still_a_worker_but_says_nothing():
    for bad in ({"reserved": -1}, {"slots": -4}, {"answered_at": NOW + 60}):
        read = WorkersState(NOW, {"w": worker("w", 2, **bad)})
        [kept] = screen({"workers": read}, {}, NOW).observations["workers"].workers.values()
        assert kept == WorkerState("w")


def test_one_impossible_series_makes_its_whole_name_unknown():
    values = (
        Sample("sum", 1.0, NOW, {"pod": "a"}),
        Sample("sum", math.nan, NOW, {"pod": "b"}),
        Sample("late", 1.0, NOW + 60),
        Sample("good", 2.0, NOW),
        Sample("partial", 3.0, NOW),
    )
    state = SampleState(NOW, values, unreadable={"partial": "HTTP 500"})
    screened = screen({"p": state}, {}, NOW)
    assert [sample.name for sample in screened.observations["p"].values] == ["good"]
    assert set(screened.missing) == {"p/sum", "p/late", "p/partial"}


@pytest.mark.parametrize(("at", "word"), [(NOW + 6, "future"), (NOW - 61, "old")])
def test_readings_from_another_time_are_not_believed(at, word):
    screened = screen({"broker": BrokerState(at, {})}, {}, NOW)
    assert screened.observations == {}
    assert word in screened.missing["broker"]


def test_a_record_of_another_kind_passes():
    class Other(SampleState.__mro__[1]):
        at = NOW

        def samples(self):
            return iter(())

    other = Other()
    assert screen({"o": other}, {}, NOW).observations == {"o": other}
