"""Questions as kombu reads them, and answers as it writes them."""

import base64
import json

from autoscaler.clients.celery import question as celery_question
from autoscaler.clients.celery.question import CeleryNames, Question
from tests.clients.messages import envelope


def question(destination=None, awaited=(), subscribers=2):
    made = Question("me", "ping", {"a": 1}, destination, frozenset(awaited))
    made.subscribers = subscribers
    return made


def reply(to, body, **more):
    return envelope(body, headers={"ticket": to.ticket, "clock": 5}, **more).encode()


def test_names_follow_the_configuration_of_celery():
    names = CeleryNames("ctl", "evt", "/{db}~", "app:")
    assert names.control_channel(3) == "app:/3~ctl.pidbox"
    assert names.worker_events(3) == "app:/3~evt/worker.*"
    assert names.reply_key("me") == "app:me.reply.ctl.pidbox"
    assert names.reply_binding == "app:_kombu.binding.reply.ctl.pidbox"
    assert names.reply_member("me") == "me\x06\x16\x06\x16me.reply.ctl.pidbox"
    assert CeleryNames().control_channel(0) == "/0.celery.pidbox"


def test_the_message():
    asked = question(destination={"b@h", "a@h"}, awaited={"a@h", "b@h"})
    message = json.loads(asked.message(CeleryNames()))
    assert message["content-type"] == "application/json"
    assert json.loads(base64.b64decode(message["body"])) == {
        "method": "ping",
        "arguments": {"a": 1},
        "destination": ["a@h", "b@h"],
        "pattern": None,
        "matcher": None,
        "ticket": asked.ticket,
        "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "me"},
    }
    assert (
        '"destination": null'
        in base64.b64decode(json.loads(question().message(CeleryNames()))["body"]).decode()
    )


def test_a_question_to_all_is_complete_when_all_who_heard_it_answered():
    asked = question(awaited={"a@h"})
    assert not asked.satisfied
    asked.take(reply(asked, {"a@h": {"ok": "pong"}}))
    assert (asked.satisfied, asked.complete) == (True, False)
    asked.take(reply(asked, {"b@h": {"ok": "pong"}}))
    assert asked.complete
    assert asked.answers == {"a@h": {"ok": "pong"}, "b@h": {"ok": "pong"}}
    assert question(subscribers=0).complete
    assert not question().satisfied, "nobody is awaited, so the time decides"


def test_a_question_to_some_is_complete_when_they_answered_or_nobody_hears():
    asked = question(destination=["a@h"], awaited={"a@h"}, subscribers=9)
    asked.take(reply(asked, {"b@h": 1}))
    assert not asked.complete
    asked.take(reply(asked, {"a@h": 1}))
    assert asked.complete
    assert asked.answers == {"a@h": 1}
    assert question(destination=["a@h"], awaited={"a@h"}, subscribers=0).complete


def test_two_answers_under_one_name():
    asked = question()
    asked.take(reply(asked, {"a@h": 1}))
    asked.take(reply(asked, {"a@h": 2}))
    assert asked.answered_twice == {"a@h"}


def test_answers_to_other_questions_are_dropped():
    asked = question()
    asked.take(reply(question(), {"a@h": 1}))
    asked.take(envelope({"a@h": 1}, headers={}).encode())
    assert (asked.answers, asked.unreadable) == ({}, "")


def test_pickled_answers_are_not_opened():
    asked = question()
    asked.take(reply(asked, {"a@h": 1}, kind="application/x-python-serialize"))
    assert asked.answers == {}
    assert "set task_serializer = 'json'" in asked.unreadable


def test_answers_that_are_none(monkeypatch):
    broken = [b"", b"[]", b"5", b"{", b'{"headers": null}', b'{"headers": {}, "body": 1']
    for raw in broken:
        asked = question()
        asked.take(raw)
        assert asked.answers == {}
        assert "no message of Celery's" in asked.unreadable
    asked = question()
    asked.take(reply(asked, ["a@h"]))
    assert asked.answers == {}
    monkeypatch.setattr(celery_question, "MAX_ENVELOPE_BYTES", 10)
    asked.take(reply(asked, {"a@h": 1}))
    assert "an answer of" in asked.unreadable


def test_a_body_without_base64():
    asked = question()
    message = json.loads(reply(asked, {}))
    message["body"], message["properties"] = json.dumps({"a@h": [{"args": [1], "id": "x"}]}), {}
    asked.take(json.dumps(message).encode())
    assert asked.answers == {"a@h": [{"id": "x"}]}
