"""The Celery app that the demo's workers run: tasks that wait, and write down that they did."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery
from redis import Redis

from autoscaler.demo.ledger import BEGAN, FINISHED, QUEUE, STARTED

BROKER_URL = os.environ.get("CELERY_BROKER_URL", "redis://127.0.0.1:6379/0")

app = Celery("demo", broker=BROKER_URL)
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


def _work(task: Any, seconds: float) -> None:
    """Take as long as told, as a call to some other system would."""
    with Redis.from_url(BROKER_URL) as ledger:
        second, micros = ledger.time()
        ledger.hsetnx(BEGAN, task.request.id, f"{second}.{micros:06}")
        ledger.rpush(STARTED, task.request.id)
        time.sleep(seconds)  # noqa: TID251 - the work itself
        ledger.rpush(FINISHED, task.request.id)


work = app.task(bind=True, name="demo.work")(_work)
