"""What is known of workers after events and answers, on a clock of our own."""

import pytest

from autoscaler.clients.celery import roster as worker_roster
from autoscaler.clients.celery.remote import WorkerEvent, WorkerEventKind
from autoscaler.clients.celery.roster import WorkerRoster
from autoscaler.model import ActiveTask, WorkerState

NOW = 1e9
W = "w@h"
TASK = {"id": "1", "name": "nap", "time_start": NOW - 1}
NOBODY = frozenset()


@pytest.fixture
def roster():
    return WorkerRoster(silent_after_seconds=10.0)


def beat(kind=WorkerEventKind.HEARTBEAT, worker=W, **more):
    return WorkerEvent(kind, worker, **more)


ONLINE = beat(WorkerEventKind.ONLINE)
OFFLINE = beat(WorkerEventKind.OFFLINE)


def answer(roster, at, names=(W,), active=(), reserved=(), awaited=NOBODY):
    actives = {name: list(active) for name in names}
    reserveds = {name: list(reserved) for name in names}
    roster.answered(actives, reserveds, frozenset(awaited), NOW + at, at)


def detail(roster, at, queues=("q",), slots=4, asked=(W,)):
    roster.detailed(
        asked,
        {W: [{"name": queue} for queue in queues]} if queues is not None else {},
        {W: {"pool": {"max-concurrency": slots}}} if slots else {},
        at,
    )


def state(roster, at, worker=W):
    return roster.state(worker, NOW + at, at)


def test_a_worker_that_only_beats(roster):
    assert roster.heard(beat(processed=7, pid=5, version="5.7.0"), 100.0) == "worker w@h is online"
    assert state(roster, 103.0) == WorkerState(
        W, heartbeat_at=NOW + 100.0, processed=7, pid=5, version="5.7.0"
    )


def test_an_unknown_worker_is_but_a_name(roster):
    assert state(roster, 1.0, "x@h") == WorkerState("x@h")
    assert roster.states(NOW, 1.0) == {}


def test_answers_and_details(roster):
    answer(roster, 5.0, active=[TASK], reserved=[{}, {}])
    assert roster.due(5.0) == {W}
    detail(roster, 5.0)
    assert state(roster, 6.0) == WorkerState(
        W,
        answered_at=NOW + 5.0,
        queues=frozenset({"q"}),
        slots=4,
        active=(ActiveTask("1", "nap", NOW - 1),),
        reserved=2,
    )
    assert roster.due(64.0) == NOBODY
    assert roster.due(65.0) == {W}


def test_half_an_answer_is_none(roster):
    answer(roster, 5.0, reserved=[{}])
    roster.answered({W: []}, {}, frozenset({W}), NOW + 6, 6.0)
    assert (state(roster, 7.0).answered_at, state(roster, 7.0).reserved) == (NOW + 5.0, 1)
    assert W not in roster.expected(7.0)


def test_an_answer_that_cannot_be_understood_is_life_but_not_emptiness(roster):
    roster.answered({W: {"error": "x"}}, {W: []}, NOBODY, NOW + 5, 5.0)
    assert state(roster, 5.0).answered_at == NOW + 5.0
    assert state(roster, 5.0).active is None
    assert not state(roster, 5.0).empty


def test_a_silent_worker_is_kept_as_last_told_and_not_waited_for(roster):
    roster.heard(beat(), 1.0)
    answer(roster, 2.0, active=[TASK])
    assert roster.expected(3.0) == {W}
    answer(roster, 4.0, names=(), awaited={W})
    assert roster.expected(5.0) == NOBODY
    told = state(roster, 5.0)
    assert (told.heartbeat_at, told.answered_at, told.busy) == (NOW + 1, NOW + 2, 1)
    assert roster.due(100.0) == NOBODY, "it would not answer that either"


def test_a_silent_worker_is_waited_for_again_when_it_beats_again(roster):
    roster.heard(beat(), 1.0)
    answer(roster, 2.0, names=(), awaited=roster.expected(2.0))
    roster.heard(beat(), 3.0)
    assert roster.expected(3.0) == NOBODY, "its heartbeats never stopped: it just does not answer"
    assert roster.expected(32.0) == NOBODY, "no heartbeat lately"
    roster.heard(beat(), 33.0)
    assert roster.expected(33.0) == {W}


def test_a_mute_worker_that_beats_is_tried_again_after_a_while(roster):
    for at in range(0, 60, 2):
        roster.heard(beat(), float(at))
        if at == 10:
            answer(roster, 10.0, names=(), awaited={W})
        assert (W in roster.expected(float(at))) == (at <= 8 or at >= 40)


def test_workers_without_heartbeats_are_waited_for_as_long_as_they_answer(roster):
    answer(roster, 1.0)
    assert roster.expected(500.0) == {W}


def test_offline_is_told_and_taken_back(roster):
    assert roster.heard(ONLINE, 1.0) == "worker w@h is online"
    answer(roster, 2.0)
    assert roster.heard(OFFLINE, 3.0) == "worker w@h goes offline"
    assert state(roster, 4.0).offline
    assert roster.expected(4.0) == NOBODY
    answer(roster, 5.0)
    assert state(roster, 5.0).offline, "that answer may have been on its way"
    assert roster.heard(beat(), 6.0) == "worker w@h is online"
    assert not state(roster, 6.0).offline
    assert roster.heard(beat(), 8.0) is None
    roster.heard(OFFLINE, 10.0)
    answer(roster, 16.0)
    assert not state(roster, 16.0).offline, "it answers, so it is back"


def test_coming_online_asks_for_details_anew(roster):
    answer(roster, 1.0)
    detail(roster, 1.0)
    assert roster.due(2.0) == NOBODY
    assert roster.heard(ONLINE, 2.0) == "worker w@h is online"
    assert roster.due(2.0) == {W}
    detail(roster, 3.0)
    roster.resync()
    assert roster.due(3.0) == {W}


def test_details_that_do_not_come_are_asked_for_again_but_not_at_once(roster):
    answer(roster, 1.0)
    detail(roster, 1.0, queues=("q",), slots=None)
    assert (state(roster, 1.0).queues, state(roster, 1.0).slots) == ({"q"}, None)
    assert roster.due(5.0) == NOBODY
    assert roster.due(11.0) == {W}
    detail(roster, 11.0, queues=("a", "b"), slots=2)
    detail(roster, 71.0, queues=None, slots=None)
    assert (state(roster, 71.0).queues, state(roster, 71.0).slots) == ({"a", "b"}, 2)
    assert roster.due(75.0) == NOBODY
    assert roster.due(81.0) == {W}


def test_queues_told_to_the_control_are_known_at_once(roster):
    answer(roster, 1.0)
    detail(roster, 1.0)
    roster.consumes(W, frozenset())
    assert state(roster, 1.0).queues == frozenset()
    roster.consumes("new@h", frozenset({"q"}))
    assert state(roster, 1.0, "new@h").queues == {"q"}


def test_workers_unheard_of_for_long_are_forgotten(roster):
    roster.heard(beat(), 0.0)
    answer(roster, 300.0)
    roster.heard(OFFLINE, 400.0)
    roster.forget(1000.0)
    assert state(roster, 1000.0).offline
    roster.forget(1000.1)
    assert roster.states(NOW, 1000.1) == {}


def test_a_new_process_may_take_over_a_name(roster):
    roster.heard(beat(pid=1), 0.0)
    answer(roster, 0.0)
    detail(roster, 0.0)
    roster.heard(beat(pid=2), 2.0)
    roster.heard(beat(pid=2), 4.0)
    assert roster.duplicates(4.0) == NOBODY
    assert state(roster, 4.0).pid == 2
    assert roster.due(4.0) == {W}


def test_two_processes_under_one_name_are_found_out(roster):
    for at, pid in ((0.0, 1), (1.0, 2), (2.0, 1)):
        roster.heard(beat(pid=pid), at)
    assert roster.duplicates(2.0) == {W}
    assert roster.duplicates(62.0) == {W}
    assert roster.duplicates(62.1) == NOBODY


def test_a_pid_that_comes_back_much_later_is_no_duplicate(roster):
    for at, pid in ((0.0, 1), (50.0, 2), (100.0, 1)):
        roster.heard(beat(pid=pid), at)
    assert roster.duplicates(100.0) == NOBODY


def test_idle_since(roster):
    roster.heard(beat(processed=1), 0.0)
    assert state(roster, 0.0).idle_since is None
    answer(roster, 1.0, active=[TASK])
    assert state(roster, 1.0).idle_since is None
    answer(roster, 2.0)
    answer(roster, 7.0)
    assert state(roster, 7.0).idle_since == NOW + 2.0
    roster.heard(beat(processed=1), 8.0)
    assert state(roster, 8.0).idle_since == NOW + 2.0
    roster.heard(beat(processed=2), 10.0)
    assert state(roster, 10.0).idle_since == NOW + 10.0, "one came and went between the answers"
    roster.heard(beat(processed=2, active=1), 12.0)
    assert state(roster, 12.0).idle_since == NOW + 12.0


def test_the_number_of_workers_is_bounded(roster, monkeypatch):
    monkeypatch.setattr(worker_roster, "MAX_WORKERS", 2)
    for number in range(5):
        roster.heard(beat(worker=f"{number}@h"), 0.0)
    assert set(roster.states(NOW, 0.0)) == {"0@h", "1@h"}
    assert roster.heard(beat(worker="0@h"), 1.0) is None
