"""KEDA's cron trigger, with its start and end, as a schedule with a start and a duration."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from autoscaler.convert.draft import Draft, NoteKind
from autoscaler.convert.trigger import Trigger
from autoscaler.convert.workload import MAX_REPLICAS

MOST_STARTS = 100
# A leap year that begins on a Monday: every kind of day comes.
_BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
_FIELDS = 5


def read_cron(trigger: Trigger, draft: Draft) -> None:
    """One schedule; it is as long as the longest of the windows."""
    metadata = trigger.metadata
    zone = metadata.required("timezone", "Europe/Berlin")
    if zone and not _is_zone(zone):
        metadata.fault("timezone", f"{zone[:80]!r} is no timezone such as Europe/Berlin")
    replicas = metadata.whole("desiredReplicas", None, 0, MAX_REPLICAS)
    if replicas is None and "desiredReplicas" not in metadata:
        metadata.fault("desiredReplicas", "is missing; write how many replicas there should be")
    start, end = _time(trigger, "start"), _time(trigger, "end")
    if not start or not end:
        return
    lengths = window_seconds(start, end)
    if not lengths:
        metadata.fault("start", f"{start!r} never comes, or {end!r} never follows it")
        return
    draft.policy(
        {
            "kind": "schedule",
            "cron": start,
            "timezone": zone,
            "duration_seconds": max(lengths),
            "min_replicas": replicas or 0,
        }
    )
    if len(lengths) > 1:
        hours = " to ".join(f"{seconds / 3600:g}" for seconds in (min(lengths), max(lengths)))
        message = f"its windows are {hours} hours long; the schedule is always the longest"
        trigger.note(draft, NoteKind.DIFFERS, message)


def window_seconds(start: str, end: str) -> set[int]:
    """How long windows are by the clock on the wall, from each start to the next end."""
    ends = CronSim(end, _BEGIN)
    ended = next(ends, None)
    lengths = set()
    for began in islice(CronSim(start, _BEGIN), MOST_STARTS):
        while ended is not None and ended <= began:
            ended = next(ends, None)
        if ended is not None:
            lengths.add(int((ended - began).total_seconds()))
    return lengths


def _time(trigger: Trigger, key: str) -> str:
    """A checked cron expression; '' when it is none."""
    text = trigger.metadata.required(key, "30 7 * * 1-5")
    if not text:
        return ""
    if why := _why_not_cron(text):
        message = f"{text[:80]!r} is no cron expression of five fields: {why}"
        trigger.metadata.fault(key, message)
        return ""
    return text


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return False
    return True


def _why_not_cron(text: str) -> str:
    if len(text.split()) != _FIELDS:
        return f"it has {len(text.split())}"
    try:
        CronSim(text, _BEGIN)
    except CronSimError as error:
        return str(error)
    return ""
