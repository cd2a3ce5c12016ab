"""Airflow's well-known KEDA query over its database, as the demand that the daemon reads itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autoscaler.convert.draft import Draft, NoteKind, Sources
from autoscaler.convert.fields import SHOWN, why_no_queue
from autoscaler.convert.trigger import Trigger
from autoscaler.quantity import plain

DEFAULT_QUEUE = "default"
_TABLE = re.compile(r"\bfrom\s+(?:\w+\.)?\"?(task_instance|trigger)\b", re.IGNORECASE)
_ONE_QUEUE = re.compile(r"\bqueue\s*=\s*'([^']+)'", re.IGNORECASE)
_QUEUES = re.compile(r"\bqueue\s+in\s*\(([^)]*)\)", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']+)'")
_DIVISOR = re.compile(r"/\s*([0-9]+(?:\.[0-9]+)?)")
_MOST_SLOTS = 100_000
_NO_ROWS = "an SQL query is not run here; export its result as a metric, and read that"


@dataclass(frozen=True, slots=True)
class AirflowQuery:
    """What the query counts: the table, the queues it names, and the tasks of one unit of it."""

    table: str
    queues: tuple[str, ...]
    divisor: float | None


def recognized(query: str) -> AirflowQuery | None:
    """The query, if it counts Airflow's tasks or triggers."""
    table = _TABLE.search(query)
    if table is None:
        return None
    queues = [*_ONE_QUEUE.findall(query)]
    for listed in _QUEUES.findall(query):
        queues += _QUOTED.findall(listed)
    divisor = _DIVISOR.search(query)
    number = float(divisor[1]) if divisor else 0.0
    return AirflowQuery(table[1].lower(), tuple(dict.fromkeys(queues)), number or None)


def read_sql(trigger: Trigger, draft: Draft, sources: Sources) -> None:
    """A postgresql or mysql trigger. Other queries than Airflow's cannot be translated."""
    metadata = trigger.metadata
    query = metadata.required("query", "SELECT ceil(COUNT(*)::decimal / 16) FROM task_instance …")
    target = metadata.positive("targetQueryValue") or metadata.positive("queryValue") or 1.0
    activation = metadata.quantity("activationTargetQueryValue", 0.0) or 0.0
    activation = activation or metadata.quantity("activationQueryValue", 0.0) or 0.0
    where = trigger.where("connection", "host")
    found = recognized(query)
    if found is None:
        trigger.note(draft, NoteKind.LOST, _NO_ROWS, "query")
        return
    secrets = trigger.secret_places("password")
    known = f"; the trigger's connection is {where}{secrets}" if where else secrets
    sources.airflow(f"Airflow's sql_alchemy_conn, of a user that only reads{known}")
    each = (found.divisor or 1.0) * target
    activation *= found.divisor or 1.0
    if found.table == "trigger":
        _follow_triggers(draft, each, activation)
    else:
        _follow_tasks(trigger, draft, found, each, activation)
        sources.workers()


def _follow_triggers(draft: Draft, each: float, activation: float) -> None:
    policy = {"kind": "target_tracking", "sample": "airflow_triggers", "average_value": plain(each)}
    draft.policy(policy | ({"activation_value": plain(activation)} if activation else {}))


def _follow_tasks(
    trigger: Trigger, draft: Draft, found: AirflowQuery, each: float, activation: float
) -> None:
    """Slots are known where the query divides by them, and tasks by replica else."""
    draft.airflow = True
    for queue in found.queues or (DEFAULT_QUEUE,):
        if why := why_no_queue(queue):
            trigger.metadata.fault("query", f"{queue[:SHOWN]!r} in it {why}")
        draft.serve(queue)
    slots = found.divisor or each
    policy: dict[str, object] = {"kind": "target_tracking", "sample": "demand_tasks"}
    if slots == int(slots) and 1 <= slots <= _MOST_SLOTS:
        draft.slots_per_replica = int(slots)
    if draft.slots_per_replica != each:
        policy["average_value"] = plain(each)
    if activation:
        policy["activation_value"] = plain(activation)
    draft.policy(policy)
    if not found.queues:
        message = f"the query counts every queue; list those of these workers, not {DEFAULT_QUEUE}"
        trigger.note(draft, NoteKind.TO_DO, message, "query")
    message = (
        "tasks that cannot start, as their pool, DAG or parallelism is full, are no demand here; "
        "the query counted queued and running ones only, and not those about to be queued"
    )
    trigger.note(draft, NoteKind.DIFFERS, message, "query")
