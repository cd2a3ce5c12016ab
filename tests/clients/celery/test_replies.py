"""What workers' answers mean, well-formed or not."""

import json

import pytest

from autoscaler.clients.celery.replies import (
    MAX_BYTES,
    active_tasks,
    parse_without_arguments,
    pool_slots,
    queue_names,
    refusal,
    reserved_count,
)
from autoscaler.model import ActiveTask

NOW = 1e9


def test_arguments_are_dropped_as_they_are_parsed():
    tasks = [{"id": "1", "args": ["secret"], "kwargs": {"token": "secret"}, "name": "nap"}]
    parsed = parse_without_arguments(json.dumps({"w@h": tasks}))
    assert parsed == {"w@h": [{"id": "1", "name": "nap"}]}


def test_what_is_too_long_is_not_parsed():
    with pytest.raises(ValueError, match="longer than"):
        parse_without_arguments(" " * (MAX_BYTES + 1))


def test_active_tasks():
    reply = [
        {"id": "a", "name": "nap", "time_start": NOW - 5},
        {"id": "b", "name": "nap", "time_start": None},
        {"id": "c", "name": "nap", "time_start": NOW + 3},
        {"id": "d", "name": "nap", "time_start": NOW + 3600},
        {"id": "e" * 1000, "name": 5, "time_start": float("nan")},
        {"time_start": "yesterday"},
    ]
    assert active_tasks(reply, NOW) == (
        ActiveTask("a", "nap", NOW - 5),
        ActiveTask("b", "nap", None),
        ActiveTask("c", "nap", NOW),
        ActiveTask("d", "nap", None),
        ActiveTask("e" * 512, "5", None),
        ActiveTask("None", "None", None),
    )


@pytest.mark.parametrize("reply", [None, {}, {"error": "no"}, "text", 5])
def test_what_is_no_answer_is_unknown(reply):
    assert active_tasks(reply, NOW) is None
    assert reserved_count(reply) is None
    assert queue_names(reply) is None
    assert pool_slots(reply) is None


def test_nothing_is_an_answer():
    assert active_tasks([], NOW) == ()
    assert reserved_count([]) == 0
    assert queue_names([]) == frozenset()


def test_queue_names():
    reply = [{"name": "default", "exchange": {"name": "x"}}, {"name": "high"}]
    assert queue_names(reply) == {"default", "high"}


@pytest.mark.parametrize("garbled", [["text"], [None], [[]], [{"name": "default"}, 5]])
def test_what_is_left_of_a_garbled_answer_is_not_nothing(garbled):
    assert active_tasks(garbled, NOW) is None
    assert queue_names(garbled) is None


@pytest.mark.parametrize("record", [{}, {"name": None}, {"name": 5}])
def test_a_queue_without_a_name_is_not_no_queue(record):
    assert queue_names([record]) is None


@pytest.mark.parametrize(
    ("pool", "slots"),
    [
        ({"max-concurrency": 2, "processes": [1, 2, 3, 4]}, 4),
        ({"max-concurrency": 3, "threads": 0}, 3),
        ({"max-concurrency": 1, "processes": [1]}, 1),
        ({"max-concurrency": 4, "processes": []}, 4),
        ({"max-concurrency": 0}, None),
        ({"max-concurrency": -1}, None),
        ({"max-concurrency": True}, None),
        ({"max-concurrency": "4"}, None),
        ({}, None),
        ("N/A", None),
    ],
)
def test_pool_slots(pool, slots):
    assert pool_slots({"pool": pool, "total": {}}) == slots


def test_refusal():
    assert refusal({"error": "Can't shrink pool." + "x" * 1000})[:18] == "Can't shrink pool."
    assert len(refusal({"error": "x" * 1000})) == 512
    assert refusal({"ok": "yes"}) is None
    assert refusal([]) is None
