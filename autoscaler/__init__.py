"""Scales Celery and Airflow workers without ever killing a running task."""

__version__ = "0.1.0"
