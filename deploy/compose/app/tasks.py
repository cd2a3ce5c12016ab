"""A Celery app to try the compose file with; put your own in its place with APP=DIRECTORY."""

from time import sleep  # noqa: TID251 - what a nap is

from celery import Celery

app = Celery("tasks")  # its broker is $CELERY_BROKER_URL
app.conf.task_default_queue = "default"


@app.task
def nap(seconds: float) -> None:
    """Takes its time."""
    sleep(seconds)
