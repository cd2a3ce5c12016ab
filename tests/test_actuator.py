"""Plans carried out: in safe order, asked again before anything leaves, never against the gate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.actuator import Actuator
from autoscaler.errors import ControlError, StaleActionError, TargetConflict, TargetError
from autoscaler.interfaces import Context
from autoscaler.model import Action, ActionKind, Drain, Fence, Result, UnitPhase
from tests.clients.kubernetes.test_resizing import advice
from tests.fakes import WORLDS, FakeOptions, FakeTarget, FakeWorkers, World
from tests.records import NOW, replica, seen

ADD, DRAIN, RESUME, REMOVE = (
    ActionKind.ADD,
    ActionKind.DRAIN,
    ActionKind.RESUME,
    ActionKind.REMOVE,
)


@pytest.fixture
def world():
    made = World()
    for name in "ab":
        made.launch(name, NOW)
    WORLDS["w"] = made
    yield made
    del WORLDS["w"]


def actuator(gate=lambda term: None, timeout_seconds=0.2, control=True, bugs=None):
    options = FakeOptions(world="w")
    workers = FakeWorkers(options, Context("workers"))
    target = FakeTarget(options, Context("default"))
    told = [] if bugs is None else bugs
    return Actuator(
        target, lambda name: workers if control else None, gate, told.append, timeout_seconds
    )


def action(kind, unit, **more):
    facts = {"worker": f"{unit}@host", "queues": ("default",), **more}
    return Action(kind, "default", unit, Fence(1, 1), NOW, "test", **facts)


async def done(world, *actions, using=None, snapshot=None):
    view = snapshot or seen(*(replica(name) for name in world.units))
    outcomes = await (using or actuator()).carry_out(actions, view)
    return {outcome.action.unit: (outcome.result, outcome.message) for outcome in outcomes}


def mark(world, *names):
    for name in names:
        world.units[name] = replace(world.units[name], drain=Drain(NOW - 5, ("default",)))


async def test_what_comes_is_done_before_what_goes(world):
    mark(world, "a")
    await done(world, action(DRAIN, "b"), action(ADD, "c"), action(RESUME, "a"))
    assert [what for what, _ in world.said] == ["unmark", "add", "launch", "mark", "cancel"]


async def test_a_drain_marks_first_and_then_tells_the_worker(world):
    assert await done(world, action(DRAIN, "a")) == {"a": (Result.APPLIED, "")}
    assert world.said == [("mark", "a"), ("cancel", "a@host")]
    assert world.units["a"].drain == Drain(NOW, ("default",))


@pytest.mark.parametrize(("kind", "said"), [(DRAIN, "mark"), (RESUME, "unmark")])
async def test_who_may_act_no_more_once_the_mark_is_there_tells_nobody(world, kind, said):
    """A process that stood still between the two may have a successor by now."""
    mark(world, "a")
    answers = iter((None, Result.NOT_LEADER))
    using = actuator(gate=lambda term: next(answers))
    outcomes = await done(world, action(kind, "a"), using=using)
    assert outcomes == {"a": (Result.FAILED, "a@host was not told: not_leader")}
    assert world.said == [(said, "a")]


async def test_a_drain_that_goes_on_keeps_its_mark_and_its_beginning(world):
    mark(world, "a")
    snapshot = seen(replica("a", drained=True), replica("b"))
    await done(world, action(DRAIN, "a"), snapshot=snapshot)
    assert world.said == [("cancel", "a@host")]
    more = action(DRAIN, "a", queues=("default", "high"))
    await done(world, more, snapshot=snapshot)
    assert world.units["a"].drain == Drain(NOW - 10, ("default", "high"))


async def test_a_drain_that_an_operator_asked_for_is_pinned_for_good(world):
    await done(world, action(DRAIN, "a", pinned=True))
    assert world.units["a"].drain == Drain(NOW, ("default",), pinned=True)
    marked = replica("a", unit={"drain": world.units["a"].drain})
    await done(world, action(DRAIN, "a", queues=("high",)), snapshot=seen(marked))
    assert world.units["a"].drain == Drain(NOW, ("default", "high"), pinned=True)


async def test_a_resume_takes_the_mark_first_so_that_no_late_removal_hits_a_worker_at_work(world):
    mark(world, "a")
    await done(world, action(RESUME, "a"))
    assert world.said == [("unmark", "a"), ("add", "a@host")]
    assert world.units["a"].drain is None


async def test_a_worker_that_does_not_hear_of_its_resume_is_no_success(world):
    mark(world, "a")
    world.faults["add"] = ControlError("silent")
    assert await done(world, action(RESUME, "a")) == {"a": (Result.FAILED, "silent")}
    assert world.units["a"].drain is None


async def test_a_unit_without_a_worker_is_only_marked(world):
    for kind in (DRAIN, RESUME):
        assert await done(world, action(kind, "a", worker="")) == {"a": (Result.APPLIED, "")}
    assert world.said == [("mark", "a"), ("unmark", "a")]


async def test_a_removal_asks_the_worker_twice(world):
    world.workers["a@host"] = replace(world.workers["a@host"], queues=frozenset())
    assert await done(world, action(REMOVE, "a")) == {"a": (Result.APPLIED, "")}
    assert world.said == [("inspect", "a@host"), ("inspect", "a@host"), ("remove", "a")]


@pytest.mark.parametrize(
    "state",
    [
        {"queues": frozenset({"default"})},
        {"queues": frozenset(), "reserved": 1},
        {"queues": frozenset(), "active": None},
        {"queues": None},
    ],
)
async def test_a_worker_that_is_not_surely_empty_stays(world, state):
    world.workers["a@host"] = replace(world.workers["a@host"], **state)
    [(result, message)] = (await done(world, action(REMOVE, "a"))).values()
    assert result is Result.WAITING
    assert message
    assert "a" in world.units


async def test_a_silent_worker_is_not_an_empty_worker(world):
    world.hanging.add("inspect")
    [(result, message)] = (await done(world, action(REMOVE, "a"))).values()
    assert result is Result.WAITING
    assert "does not answer" in message


async def test_a_worker_nobody_heard_of_need_not_answer(world):
    del world.workers["a@host"]
    assert (await done(world, action(REMOVE, "a", unheard=True)))["a"][0] is Result.APPLIED
    assert "a" not in world.units


async def test_a_worker_that_answers_at_last_is_not_unheard_of(world):
    [(result, _)] = (await done(world, action(REMOVE, "a", unheard=True))).values()
    assert result is Result.WAITING


async def test_where_no_worker_can_be_asked_the_unit_goes(world):
    using = actuator(control=False)
    for kind in (DRAIN, RESUME, REMOVE):
        assert (await done(world, action(kind, "a"), using=using))["a"][0] is Result.APPLIED
    assert world.said == [("mark", "a"), ("unmark", "a"), ("remove", "a")]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (TargetError("down"), Result.FAILED),
        (ControlError("silent"), Result.FAILED),
        (TargetConflict("moved"), Result.REFUSED),
        (StaleActionError("older"), Result.REFUSED),
    ],
)
async def test_what_a_target_says_becomes_an_outcome(world, error, result):
    world.faults["launch"] = error
    assert await done(world, action(ADD, "c")) == {"c": (result, str(error))}


async def test_an_effect_that_takes_too_long_has_failed_and_delays_nobody(world):
    world.hanging.add("launch")
    outcome = await done(world, action(ADD, "c"), action(DRAIN, "a"))
    assert outcome["c"] == (Result.FAILED, "no answer within 0.2 s")
    assert outcome["a"] == (Result.APPLIED, "")


async def test_a_bug_of_a_target_is_an_outcome_beside_which_the_rest_is_done(world):
    bugs = []
    world.faults["launch"] = ZeroDivisionError("oops")
    outcome = await done(world, action(ADD, "c"), action(DRAIN, "a"), using=actuator(bugs=bugs))
    assert outcome["c"] == (Result.ERROR, "a bug in its plugin: ZeroDivisionError('oops')")
    assert outcome["a"] == (Result.APPLIED, "")
    assert [bug.splitlines()[-1] for bug in bugs] == ["ZeroDivisionError: oops"]


async def test_a_bug_of_a_worker_control_is_no_answer(world):
    bugs = []
    world.faults["inspect"] = ZeroDivisionError("oops")
    outcome = await done(world, action(REMOVE, "a", unheard=True), using=actuator(bugs=bugs))
    assert outcome["a"] == (Result.WAITING, "a bug in its plugin: ZeroDivisionError('oops')")
    assert len(bugs) == 1


async def test_the_gate_is_asked_before_every_effect(world):
    answers = iter([None, Result.NOT_LEADER])
    using = actuator(gate=lambda term: next(answers))
    outcome = await done(world, action(ADD, "c"), action(DRAIN, "a"), using=using)
    assert outcome == {"c": (Result.APPLIED, ""), "a": (Result.NOT_LEADER, "")}
    assert world.units["a"].phase is UnitPhase.RUNNING
    assert world.units["a"].drain is None


async def test_who_is_busy_is_told_but_for_those_who_do_not_say(world):
    idle, busy, fetched = replica("a"), replica("b", 2), replica("c", reserved=1)
    mute, unheard = replica("d", active=None), replica("e", registered=False)
    await actuator().protect(seen(idle, busy, fetched, mute, unheard), 1)
    assert world.busy == {"a": False, "b": True, "c": True}


async def test_who_may_not_act_shields_nobody(world):
    await actuator(gate=lambda _: Result.NOT_LEADER).protect(seen(replica("b", 2)), 1)
    assert "protect" not in world.met


async def test_a_shield_that_fails_costs_nothing_but_a_bug_is_told(world):
    bugs = []
    world.faults["protect"] = TargetError("no")
    await actuator(bugs=bugs).protect(seen(replica("b", 2)), 1)
    assert bugs == []
    world.faults["protect"] = ZeroDivisionError("oops")
    await actuator(bugs=bugs).protect(seen(replica("b", 2)), 1)
    assert "ZeroDivisionError" in bugs[0]


async def test_an_empty_unit_waits_for_the_higher_ordinal(world):
    world.launch("c", NOW, queues=())
    ordered = [replica(n, unit={"ordinal": i}, drained=True) for i, n in enumerate("abc")]
    mark(world, "a", "b")
    for name in "ab":
        told = world.workers[f"{name}@host"]
        world.workers[f"{name}@host"] = replace(told, queues=frozenset())
    outcomes = await done(world, action(REMOVE, "a"), action(REMOVE, "b"), snapshot=seen(*ordered))
    waits = (Result.WAITING, "c has a higher ordinal and must leave first")
    assert outcomes == {"a": waits, "b": waits}
    outcomes = await done(world, action(REMOVE, "b"), action(REMOVE, "c"), snapshot=seen(*ordered))
    assert {result for result, _ in outcomes.values()} == {Result.APPLIED}


async def test_a_resize_that_fails_costs_nothing_but_a_bug_is_told(world):
    bugs: list[str] = []
    sizings = (advice(),)
    world.readings["resize"] = ("a", "smaller")
    assert await actuator(bugs=bugs).resize(sizings, 1) == ("a", "smaller")
    assert await actuator(bugs=bugs).resize((), 1) is None
    assert await actuator(gate=lambda _: Result.NOT_LEADER).resize(sizings, 1) is None
    world.faults["resize"] = TargetError("no")
    assert await actuator(bugs=bugs).resize(sizings, 1) is None
    assert bugs == []
    world.faults["resize"] = ZeroDivisionError("oops")
    assert await actuator(bugs=bugs).resize(sizings, 1) is None
    assert "oops" in bugs[0]
