"""KEDA's redis and rabbitmq triggers as a fleet that serves the queue."""

from __future__ import annotations

from autoscaler.convert.draft import Draft, NoteKind, Sources
from autoscaler.convert.fields import SHOWN, Fields, why_no_queue
from autoscaler.convert.hpa import tracking
from autoscaler.convert.trigger import Trigger

PRIORITY_SEPARATOR = "\x06\x16"
_HOSTS = ("address", "addresses", "host", "hosts")


def read_redis(trigger: Trigger, draft: Draft, sources: Sources) -> None:
    """A list of Redis is a queue of Celery."""
    metadata = trigger.metadata
    queue, _, priority = metadata.required("listName", "default").partition(PRIORITY_SEPARATOR)
    _checked(metadata, "listName", queue)
    length = metadata.positive("listLength", 5.0) or 5.0
    activation = metadata.quantity("activationListLength", 0.0) or 0.0
    where = trigger.where(*_HOSTS)
    secrets = trigger.secret_places("username", "password")
    scheme = "sentinel" if trigger.kind.startswith("redis-sentinel") else "redis"
    holds = f"Celery's broker URL, {scheme}://…; the trigger's address is {where}{secrets}"
    sources.broker("redis_broker", where, holds, queue)
    draft.serve(queue)
    draft.policy(_depth(queue, trigger, length, activation))
    if priority:
        message = f"the length of {queue!r} here counts the lists of all priorities together"
        trigger.note(draft, NoteKind.DIFFERS, message, "listName")
    if "cluster" in trigger.kind:
        message = "Celery does not run on Redis Cluster; name the node that it uses"
        trigger.note(draft, NoteKind.TO_DO, message)
    _note_running(draft)


def read_rabbitmq(trigger: Trigger, draft: Draft, sources: Sources) -> None:
    """A queue of RabbitMQ, by its length; a rate of messages is no length."""
    metadata = trigger.metadata
    queue = _checked(metadata, "queueName", metadata.required("queueName", "default"))
    old = metadata.positive("queueLength")
    value = metadata.positive("value", old if old is not None else 20.0) or 20.0
    activation = metadata.quantity("activationValue", 0.0) or 0.0
    where = trigger.where("host")
    over_http = metadata.text("protocol") == "http" or where.startswith("http")
    ready_only = metadata.flag("excludeUnacknowledged") or not over_http
    regex = metadata.flag("useRegex")
    metadata.ignore("operation", "pageSize")
    mode = metadata.text("mode") or "QueueLength"
    if mode != "QueueLength" or regex:
        what = "queues named by a pattern" if regex else f"mode {mode}"
        message = f"{what}: write the queues by name, and follow their length or demand_tasks"
        trigger.note(draft, NoteKind.LOST, message)
        return
    holds = f"Celery's broker URL, amqp://…; the trigger's host is {where}"
    sources.broker("rabbitmq_broker", where, holds, queue)
    draft.serve(queue)
    if ready_only:
        draft.policy(_depth(queue, trigger, value, activation))
        _note_running(draft)
        return
    draft.policy(tracking("demand_tasks", trigger.goal, value, activation))
    message = "the trigger counts ready and unacknowledged; demand_tasks are waiting and running"
    trigger.note(draft, NoteKind.DIFFERS, message)


def _checked(metadata: Fields, key: str, queue: str) -> str:
    if queue and (why := why_no_queue(queue)):
        metadata.fault(key, f"{queue[:SHOWN]!r} {why}")
    return queue


def _depth(queue: str, trigger: Trigger, value: float, activation: float) -> dict[str, object]:
    policy = tracking("queue_depth", trigger.goal, value, activation)
    return {
        "kind": policy.pop("kind"),
        "sample": policy.pop("sample"),
        "labels": {"queue": queue},
    } | policy


def _note_running(draft: Draft) -> None:
    message = (
        "running tasks are not counted, as in KEDA; `{kind: target_tracking}` alone, with "
        "slots_per_replica, counts them too and is what we advise"
    )
    draft.note(NoteKind.TO_DO, "spec.triggers", draft.origin.line, message)
