"""The samples that follow from what a poll found; what it did not find has none."""

from __future__ import annotations

from autoscaler.model import BrokerState, QueueState, Sample

AT = 1_000.0
OF_MAIL = {"queue": "mail"}


def test_everything_that_a_broker_tells_is_a_sample():
    mail = QueueState("mail", waiting=3, unacked=2, consumers=0, oldest_age_seconds=7.5)
    state = BrokerState(AT, {"mail": mail}, unacked_tasks=4, oldest_unacked_age_seconds=9.0)
    assert list(state.samples()) == [
        Sample("queue_depth", 3, AT, OF_MAIL),
        Sample("unacked_tasks", 2, AT, OF_MAIL),
        Sample("queue_consumers", 0, AT, OF_MAIL),
        Sample("oldest_task_age_seconds", 7.5, AT, OF_MAIL),
        Sample("broker_unacked_tasks", 4, AT),
        Sample("oldest_unacked_age_seconds", 9.0, AT),
    ]


def test_what_it_cannot_tell_is_no_sample_rather_than_zero():
    state = BrokerState(AT, {"mail": QueueState("mail", waiting=3)})
    assert list(state.samples()) == [Sample("queue_depth", 3, AT, OF_MAIL)]
