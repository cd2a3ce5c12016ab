"""Telling single workers what to do, with workers that refuse, stay silent or are late."""

import asyncio

import pytest

from autoscaler.clients.celery import control as celery_control
from autoscaler.clients.celery.control import CeleryControl
from autoscaler.clients.celery.remote import RemoteControl
from autoscaler.clients.celery.roster import WorkerRoster
from autoscaler.errors import ControlError

NOW = 1e9
W = "w@h"


class Worker(RemoteControl):
    """One worker that does as its attributes say; `asked` is what it was asked."""

    def __init__(self):
        self.queues = {"default", "high"}
        self.answers = {"reserved": [{}], "active": [{"id": "1", "name": "nap"}]}
        self.silent = set()
        self.late = 0
        self.asked = []
        self.doubled = frozenset()

    @property
    def duplicates(self):
        return self.doubled

    async def call(self, method, arguments=None, *, destination=None, expected=(), **more):
        self.asked.append((method, *(arguments or {}).values()))
        assert destination == [W]
        if method in self.silent:
            return {}
        if method in self.answers:
            return {W: self.answers[method]}
        if method == "active_queues":
            self.late -= 1
            queues = {"default", "high"} if self.late >= 0 else self.queues
            return {W: [{"name": name} for name in queues]}
        if method == "cancel_consumer":
            self.queues = self.queues - {arguments["queue"]}
        else:
            self.queues = self.queues | {arguments["queue"]}
        return {W: {"ok": "done"}}

    def events(self):
        raise NotImplementedError

    async def aclose(self):
        pass


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def roster():
    return WorkerRoster(10.0)


@pytest.fixture
def control(worker, roster):
    return CeleryControl(worker, roster, 1.0)


async def test_cancelling_is_confirmed(control, worker, roster):
    await control.cancel_consumers(W, ["high", "default"])
    assert worker.asked == [
        ("cancel_consumer", "default"),
        ("cancel_consumer", "high"),
        ("active_queues",),
    ]
    assert roster.state(W, NOW, 0.0).queues == frozenset()


async def test_adding_is_confirmed(control, worker):
    worker.queues = set()
    await control.add_consumers(W, ["high"])
    assert worker.queues == {"high"}


async def test_a_gevent_worker_is_late_to_do_as_it_said(control, worker):
    worker.late = 2
    await control.cancel_consumers(W, ["default"])
    assert [asked[0] for asked in worker.asked].count("active_queues") == 3


async def test_what_never_takes_effect_is_told(control, worker, monkeypatch):
    monkeypatch.setattr(celery_control, "CONFIRM_SECONDS", 0.2)
    worker.late = 1000
    with pytest.raises(ControlError, match="worker w@h still takes from default"):
        await control.cancel_consumers(W, ["default"])
    worker.answers["active_queues"] = [{"name": "default"}]
    with pytest.raises(ControlError, match="worker w@h does not take from high"):
        await control.add_consumers(W, ["high", "default"])
    worker.answers["active_queues"] = "nonsense"
    with pytest.raises(ControlError, match="does not tell its queues"):
        await control.add_consumers(W, ["high"])


@pytest.mark.parametrize("silent", ["cancel_consumer", "active_queues"])
async def test_silence_is_an_error(control, worker, silent):
    worker.silent = {silent}
    with pytest.raises(ControlError, match=f"w@h did not answer {silent} within 1 s"):
        await control.cancel_consumers(W, ["default"])


async def test_a_refusal_is_an_error(control, worker):
    worker.answers["add_consumer"] = {"error": "no such queue"}
    with pytest.raises(ControlError, match="refused add_consumer: no such queue"):
        await control.add_consumers(W, ["x"])


async def test_inspection_is_fresh(control, worker):
    state = await control.inspect(W, NOW)
    assert (state.answered_at, state.queues, state.reserved) == (NOW, {"default", "high"}, 1)
    assert [task.id for task in state.active] == ["1"]
    assert not state.empty
    order = [asked[0] for asked in worker.asked]
    assert order == ["active_queues", "reserved", "active"], "so no task slips through"
    worker.answers = {"reserved": [], "active": []}
    assert (await control.inspect(W, NOW)).empty


@pytest.mark.parametrize("silent", ["active_queues", "reserved", "active"])
async def test_a_silent_worker_is_not_an_empty_one(control, worker, silent):
    worker.silent = {silent}
    with pytest.raises(ControlError, match="did not answer"):
        await control.inspect(W, NOW)


@pytest.mark.parametrize("method", ["active_queues", "reserved", "active"])
async def test_nonsense_is_not_emptiness(control, worker, method):
    worker.answers[method] = {"ok": "pong"}
    with pytest.raises(ControlError, match="cannot be understood"):
        await control.inspect(W, NOW)


async def test_two_workers_of_one_name_are_not_told_anything(control, worker):
    worker.doubled = frozenset({W})
    with pytest.raises(ControlError, match="two workers are called w@h"):
        await control.inspect(W, NOW)
    await asyncio.sleep(0)
