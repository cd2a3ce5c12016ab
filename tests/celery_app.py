"""The Celery app of the tests: naps, and a ledger of what began and ended.

Environment: CELERY_APP_BROKER_URL; CELERY_APP_LEDGER_URL (default: the broker, if it is Redis);
CELERY_APP_PREFETCH (multiplier, 4), CELERY_APP_ACKS_LATE (0 or 1), CELERY_APP_KEY_PREFIX,
CELERY_APP_VISIBILITY_TIMEOUT (seconds after which Redis gives back what nobody acknowledged).
The ledger is three Redis lists of task ids, `ledger:started`, `ledger:finished` and
`ledger:failed`; an id that stands twice in a list ran twice.
"""

from __future__ import annotations

import os
from time import sleep  # noqa: TID251 - what a nap is

from celery import Celery
from redis import Redis

BROKER_URL = os.environ.get("CELERY_APP_BROKER_URL", "redis://127.0.0.1:6379/0")
LEDGER_URL = os.environ.get("CELERY_APP_LEDGER_URL", BROKER_URL)
KEY_PREFIX = os.environ.get("CELERY_APP_KEY_PREFIX", "")
VISIBILITY_TIMEOUT = os.environ.get("CELERY_APP_VISIBILITY_TIMEOUT", "")
ACKS_LATE = os.environ.get("CELERY_APP_ACKS_LATE", "0") == "1"

TRANSPORT_OPTIONS: dict[str, object] = {}
if KEY_PREFIX:
    TRANSPORT_OPTIONS["global_keyprefix"] = KEY_PREFIX
if VISIBILITY_TIMEOUT and BROKER_URL.startswith("redis"):
    TRANSPORT_OPTIONS |= {
        "visibility_timeout": int(VISIBILITY_TIMEOUT),
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }

app = Celery("tests", broker=BROKER_URL)
app.conf.update(
    task_default_queue="default",
    task_ignore_result=True,
    task_acks_late=ACKS_LATE,
    task_reject_on_worker_lost=ACKS_LATE,
    worker_prefetch_multiplier=int(os.environ.get("CELERY_APP_PREFETCH", "4")),
    broker_connection_retry_on_startup=True,
    broker_transport_options=TRANSPORT_OPTIONS,
    worker_hijack_root_logger=False,
)


@app.task(bind=True, name="nap")
def nap(task, seconds: float, note: str = "") -> None:
    """Sleep, and write down when it began and ended."""
    with Redis.from_url(LEDGER_URL) as ledger:
        ledger.rpush("ledger:started", task.request.id)
        try:
            sleep(seconds)
        except BaseException:
            ledger.rpush("ledger:failed", task.request.id)
            raise
        ledger.rpush("ledger:finished", task.request.id)
