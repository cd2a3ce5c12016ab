"""Worker events: what is one, and what of it is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.clients.celery.remote import WorkerEvent, WorkerEventKind, worker_event

HEARTBEAT = {
    "type": "worker-heartbeat",
    "hostname": "w1@h",
    "pid": 12,
    "active": 2,
    "processed": 40,
    "sw_ver": "5.7.0",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
)


def test_a_heartbeat():
    event = WorkerEvent(WorkerEventKind.HEARTBEAT, "w1@h", 2, 40, 12, "5.7.0")
    assert worker_event(HEARTBEAT) == event


def test_counts_that_cannot_be_are_unknown():
    odd = {**HEARTBEAT, "active": -1, "processed": "40", "pid": True, "sw_ver": 5}
    assert worker_event(odd) == WorkerEvent(WorkerEventKind.HEARTBEAT, "w1@h")
    event = worker_event({**HEARTBEAT, "processed": 10**400})
    assert event is not None
    assert event.processed is None


@pytest.mark.parametrize(
    "body",
    [
        None,
        [HEARTBEAT],
        {},
        {**HEARTBEAT, "type": "task-started"},
        {**HEARTBEAT, "type": ["worker-online"]},
        {**HEARTBEAT, "hostname": None},
    ],
)
def test_what_is_no_worker_event(body):
    assert worker_event(body) is None


@given(JSON, st.dictionaries(st.sampled_from(sorted(HEARTBEAT)), JSON))
def test_no_message_does_harm(anything, changes):
    assert worker_event(anything) is None
    event = worker_event({**HEARTBEAT, **changes})
    assert event is None or isinstance(event.worker, str)
