"""What was read, joined; and each fleet's own samples."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.engine.demand import Past, fleet_snapshot, take_snapshot
from autoscaler.engine.hearing import Hearing
from autoscaler.engine.screening import Screened
from autoscaler.model import (
    BrokerState,
    Drain,
    QueuesFrom,
    QueueState,
    Sample,
    SampleState,
    Unit,
    UnitPhase,
    WorkersState,
)
from tests.records import NOW, fleet, worker


def unit(name, phase=UnitPhase.RUNNING, **more):
    return Unit(name, phase, **{"created_at": NOW - 600, "worker": f"{name}@host", **more})


def world(queues=(), workers=(), units=(), missing=None, sources=("workers",), **others):
    observations = {
        "broker": BrokerState(NOW, {queue.name: queue for queue in queues}),
        "workers": WorkersState(NOW, {each.name: each for each in workers}),
        **others,
    }
    screened = Screened(observations, missing or {})
    return take_snapshot(NOW, screened, {"default": tuple(units)}, frozenset(sources))


def view(snapshot, **of_fleet):
    return fleet_snapshot(fleet(**of_fleet), snapshot)


def test_nothing_is_whole_before_it_is_known_which_queues_there_are():
    snapshot = world([QueueState("default", 3)], units=[unit("a")], workers=[worker("a@host")])
    assert view(snapshot).missing == {}
    missing = view(snapshot, queues_from=QueuesFrom.NOBODY).missing
    assert list(missing) == ["queues"]


def values(seen):
    names = ("waiting_tasks", "running_tasks", "demand_tasks", "utilization", "slots_per_replica")
    found = {name: seen.samples.named(name) for name in names}
    return {name: samples[0].value for name, samples in found.items() if samples}


def test_demand_is_what_waits_is_fetched_and_runs():
    snapshot = world(
        [QueueState("default", 10)],
        [worker("a@host", busy=3, reserved=2), worker("b@host", busy=1)],
        [unit("a"), unit("b")],
    )
    assert values(view(snapshot)) == {
        "waiting_tasks": 12,
        "running_tasks": 4,
        "demand_tasks": 16,
        "utilization": 0.5,
        "slots_per_replica": 4,
    }


def test_what_a_draining_worker_holds_needs_no_slot_of_another():
    snapshot = world(
        [QueueState("default", 1)],
        [worker("a@host", busy=1), worker("b@host", busy=4, reserved=9)],
        [unit("a"), unit("b", drain=Drain(NOW - 5))],
    )
    assert values(view(snapshot))["demand_tasks"] == 2


def test_an_unread_queue_leaves_demand_unknown():
    snapshot = world([], [], [unit("a")], missing={"broker": "connection refused"})
    seen = view(snapshot)
    assert "demand_tasks" not in values(seen)
    assert seen.missing == {"queue/default": "broker: connection refused"}


def test_unread_workers_leave_demand_unknown_and_forbid_scale_in():
    snapshot = world([QueueState("default", 0)], missing={"workers": "down"})
    seen = view(snapshot)
    assert "demand_tasks" not in values(seen)
    assert seen.missing == {"workers": "down"}


def test_a_queue_read_from_two_brokers_is_contradicting_data():
    second = BrokerState(NOW, {"default": QueueState("default", 5)})
    seen = view(world([QueueState("default", 1)], second=second))
    assert "two brokers" in seen.missing["queue/default"]


def test_a_queue_that_no_source_reads_says_so():
    assert view(world()).missing == {"queue/default": "no source reads it"}


def test_a_worker_that_never_told_what_it_runs_forbids_scale_in():
    snapshot = world([QueueState("default", 0)], [worker("a@host", active=None)], [unit("a")])
    assert view(snapshot).missing == {"worker/a@host": "it has not told what it runs"}


def test_a_worker_that_never_told_what_it_fetched_forbids_scale_in():
    snapshot = world([QueueState("default", 0)], [worker("a@host", reserved=None)], [unit("a")])
    assert view(snapshot).missing == {"worker/a@host": "it has not told what it has fetched"}


def test_the_last_words_of_a_former_worker_are_not_those_of_a_unit_that_took_its_name():
    last_words = worker("a@host", offline=True, heartbeat_at=NOW - 50, answered_at=NOW - 60)
    for created_at, known in ((NOW - 10, False), (NOW - 55, True)):
        again = replace(unit("a"), created_at=created_at)
        [replica] = view(world([QueueState("default", 0)], [last_words], [again])).replicas
        assert (replica.worker is not None) is known
        assert replica.silent is known
    living = replace(last_words, offline=False)
    [replica] = view(world([], [living], [replace(unit("a"), created_at=NOW - 10)])).replicas
    assert replica.worker == living, "the clock may have been set back"


def test_a_worker_that_two_brokers_tell_of_is_contradicting_data():
    other = WorkersState(NOW, {"a@host": worker("a@host", queues=())})
    snapshot = world(
        [QueueState("default", 0)], [worker("a@host", 2)], [unit("a")], old_broker=other
    )
    assert "worker/a@host" in view(snapshot).missing
    assert not snapshot.workers["a@host"].drained


def test_a_fleet_without_any_source_of_workers_is_never_shrunk():
    seen = view(world([QueueState("default", 0)], sources=()))
    assert seen.missing == {"workers": "no source tells of Celery workers"}


def test_an_unread_target_is_missing():
    snapshot = world([QueueState("default", 0)])
    assert "target/other" in view(snapshot, name="other").missing


def test_a_fleet_without_queues_asks_no_worker():
    seen = view(world(units=[unit("a"), unit("b", UnitPhase.PENDING)]), queues=())
    assert [replica.ready for replica in seen.replicas] == [True, False]
    assert seen.missing == {}


def test_where_no_worker_is_asked_the_platforms_word_on_readiness_counts():
    units = [replace(unit(name), ready=ready) for name, ready in (("a", True), ("b", False))]
    seen = view(world(units=units), queues=())
    assert [replica.ready for replica in seen.replicas] == [True, False]


def test_ready_means_subscribed_and_heard_of():
    snapshot = world(
        [QueueState("default", 0)],
        [
            worker("good@host"),
            worker("elsewhere@host", queues=("other",)),
            worker("untold@host", queues=(), answered_at=NOW),
            worker("silent@host", heartbeat_at=NOW - 60, answered_at=NOW - 60),
            worker("stopping@host", offline=True),
        ],
        [unit(n) for n in ("good", "elsewhere", "untold", "silent", "stopping", "unheard")],
    )
    seen = view(snapshot)
    assert [replica.name for replica in seen.replicas if replica.ready] == ["good"]
    assert [r.name for r in seen.replicas if r.silent] == ["silent", "stopping"]
    assert [r.name for r in seen.replicas if r.worker is None] == ["unheard"]
    assert [r.name for r in seen.replicas if r.unheard] == []


def test_a_worker_that_beats_and_no_longer_answers_is_not_known():
    workers = [
        worker("beats@host", answered_at=NOW - 61),
        worker("lately@host", answered_at=NOW - 59),
        worker("silent@host", heartbeat_at=NOW - 90, answered_at=NOW - 90),
    ]
    units = [unit(name) for name in ("beats", "lately", "silent")]
    missing = view(world([QueueState("default", 0)], workers, units)).missing
    assert missing == {"worker/beats@host": "it last told what it runs 61 s ago"}


def test_what_is_heard_late_proves_no_silence():
    hearing = Hearing(anyone=True, deaf=False)
    units, told = [unit("a"), unit("b")], {"a@host": worker("a@host")}
    for age, unheard in ((5.0, ["b"]), (5.1, [])):
        screened = Screened({"workers": WorkersState(NOW - age, told)}, {})
        snapshot = take_snapshot(NOW, screened, {"default": tuple(units)}, frozenset({"workers"}))
        seen = fleet_snapshot(fleet(), snapshot, Past(hearing))
        assert [replica.name for replica in seen.replicas if replica.unheard] == unheard
        assert seen.listening is bool(unheard)
    unread = take_snapshot(NOW, Screened({}, {}), {"default": tuple(units)}, frozenset({"w"}))
    assert not any(
        replica.unheard for replica in fleet_snapshot(fleet(), unread, Past(hearing)).replicas
    )


def test_a_fleet_of_which_nobody_was_heard_of_is_not_known():
    young = unit("young", created_at=NOW - 119)
    booting = unit("booting", UnitPhase.PENDING, created_at=NOW - 500)
    mute = unit("mute", created_at=NOW - 121)
    queues = [QueueState("default", 0)]
    assert view(world(queues, units=[young, booting])).missing == {}
    missing = view(world(queues, units=[young, booting, mute])).missing
    why = "no worker of its fleet was heard of, though it runs for 121 s"
    assert missing == {"worker/mute": why}
    assert view(world(queues, [worker("young@host")], [young, mute])).missing == {}
    assert view(world(queues, units=[mute]), queues=()).missing == {}


def test_units_are_joined_by_either_side_of_the_nodename():
    snapshot = world(
        [QueueState("default", 0)],
        [worker("a@elsewhere"), worker("celery@pod-b")],
        [unit("a"), unit("pod-b", worker="")],
    )
    assert [r.worker.name for r in view(snapshot).replicas] == ["a@elsewhere", "celery@pod-b"]


def test_a_unit_whose_worker_may_be_any_of_several_is_not_known_to_be_empty():
    others = [worker("a@second", queues=()), worker("a@third", queues=())]
    seen = view(world([QueueState("default", 0)], others, [unit("a")]))
    assert "worker/a@second" in seen.missing
    assert not seen.replicas[0].worker.drained
    assert not seen.replicas[0].unheard


def test_the_oldest_age_is_known_when_every_queue_that_waits_tells_it():
    queues = [
        QueueState("default", 2, oldest_age_seconds=40.0),
        QueueState("empty", 0),
        QueueState("untold", 3),
    ]
    known = view(world(queues), queues=("default", "empty"))
    assert known.samples.named("oldest_task_age_seconds")[0].value == 40.0
    unknown = view(world(queues), queues=("default", "untold"))
    assert unknown.samples.named("oldest_task_age_seconds") == ()


def test_a_fleet_sees_the_depth_of_its_own_queues_only():
    snapshot = world([QueueState("default", 2), QueueState("other", 40)])
    assert [sample.value for sample in view(snapshot).samples.named("queue_depth")] == [2]
    assert view(snapshot, queues=("default", "gone")).samples.named("queue_depth") == ()


def test_slots_come_from_the_config_else_from_measured_workers():
    snapshot = world([QueueState("default", 0)], [worker("a@host", slots=8)], [unit("a")])
    assert values(view(snapshot))["slots_per_replica"] == 8
    assert values(view(snapshot, slots_per_replica=2))["slots_per_replica"] == 2
    assert "slots_per_replica" not in values(view(world([QueueState("default", 0)])))


def test_samples_of_sources_shine_through():
    state = SampleState(NOW, (Sample("orders", 7.0, NOW, {"shop": "eu"}),))
    seen = view(world(shop=state))
    assert seen.samples.named("orders", {"shop": "eu"})[0].value == 7.0
    assert seen.samples.named("orders", {"shop": "us"}) == ()
    assert seen.samples.named("nothing") == ()
    assert {"orders", "workers"} <= seen.samples.names()


def test_a_silent_replica_and_one_without_slots_give_no_utilization():
    snapshot = world(
        [QueueState("default", 0)],
        [
            worker("silent@host", busy=4, heartbeat_at=NOW - 60, answered_at=NOW - 60),
            worker("untold@host", slots=None),
        ],
        [unit("silent"), unit("untold")],
    )
    assert "utilization" not in values(view(snapshot))
