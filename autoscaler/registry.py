"""Every plugin by kind and name. Adding one is one line here; it is imported when named."""

from __future__ import annotations

from importlib import import_module
from typing import Any, TypeVar

from autoscaler.errors import ConfigError
from autoscaler.interfaces import Check, Election, Notifier, Plugin, Policy, Source, Target

SOURCES = {
    "airflow_api": "autoscaler.sources.airflow_api:AirflowApi",
    "airflow_database": "autoscaler.sources.airflow_database:AirflowDatabaseSource",
    "celery_workers": "autoscaler.sources.celery_workers:CeleryWorkers",
    "kubernetes_metrics": "autoscaler.sources.kubernetes_metrics:KubernetesMetrics",
    "prometheus": "autoscaler.sources.prometheus:Prometheus",
    "rabbitmq_broker": "autoscaler.sources.rabbitmq_broker:RabbitmqBroker",
    "redis_broker": "autoscaler.sources.redis_broker:RedisBroker",
    "timetable": "autoscaler.sources.timetable:Timetable",
}
BROKER_SCHEMES = {
    "amqp": "rabbitmq_broker",
    "amqps": "rabbitmq_broker",
    "pyamqp": "rabbitmq_broker",
    "redis": "redis_broker",
    "rediss": "redis_broker",
    "sentinel": "redis_broker",
    "unix": "redis_broker",
    "valkey": "redis_broker",
    "valkeys": "redis_broker",
}
POLICIES = {
    "expression": "autoscaler.policies.expression:ExpressionPolicy",
    "schedule": "autoscaler.policies.schedule:Schedule",
    "slo": "autoscaler.policies.slo:Slo",
    "step": "autoscaler.policies.step:StepPolicy",
    "target_tracking": "autoscaler.policies.target_tracking:TargetTracking",
}
CHECKS = {
    "airflow_api_unwell": "autoscaler.checks.airflow:AirflowApiUnwell",
    "airflow_import_errors": "autoscaler.checks.airflow:AirflowImportErrors",
    "airflow_job_silent": "autoscaler.checks.airflow:AirflowJobSilent",
    "airflow_queue_unserved": "autoscaler.checks.airflow_tasks:AirflowQueueUnserved",
    "airflow_read_only": "autoscaler.checks.airflow:AirflowReadOnly",
    "airflow_tasks_lost": "autoscaler.checks.airflow_tasks:AirflowTasksLost",
    "airflow_tasks_queued_too_long": ("autoscaler.checks.airflow_tasks:AirflowTasksQueuedTooLong"),
    "airflow_work_blocked": "autoscaler.checks.airflow_tasks:AirflowWorkBlocked",
    "desired_above_max": "autoscaler.checks.fleets:DesiredAboveMax",
    "drain_stuck": "autoscaler.checks.fleets:DrainStuck",
    "duplicate_nodenames": "autoscaler.checks.sources:DuplicateNodenames",
    "fleet_failing": "autoscaler.checks.fleets:FleetFailing",
    "leader_missing": "autoscaler.checks.leader:LeaderMissing",
    "oldest_task_too_old": "autoscaler.checks.queues:OldestTaskTooOld",
    "queue_without_consumers": "autoscaler.checks.queues:QueueWithoutConsumers",
    "replicas_contested": "autoscaler.checks.fleets:ReplicasContested",
    "source_down": "autoscaler.checks.sources:SourceDown",
    "worker_catatonic": "autoscaler.checks.workers:WorkerCatatonic",
    "worker_silent": "autoscaler.checks.workers:WorkerSilent",
}
TARGETS = {
    "kubernetes": "autoscaler.targets.kubernetes:Kubernetes",
    "local": "autoscaler.targets.local:Local",
    "simulated": "autoscaler.targets.simulated:Simulated",
}
NOTIFIERS = {
    "log": "autoscaler.notifiers.log:Log",
    "webhook": "autoscaler.notifiers.webhook:Webhook",
}
ELECTIONS = {
    "kubernetes": "autoscaler.leader.kubernetes:KubernetesElection",
    "local": "autoscaler.leader.local:LocalElection",
    "postgresql": "autoscaler.leader.postgresql:PostgresqlElection",
    "redis": "autoscaler.leader.redis:RedisElection",
}
KINDS: dict[type[Plugin[Any]], dict[str, str]] = {
    Source: SOURCES,
    Policy: POLICIES,
    Check: CHECKS,
    Target: TARGETS,
    Notifier: NOTIFIERS,
    Election: ELECTIONS,
}


P = TypeVar("P", bound=Plugin[Any])


def find(kind: type[P], name: str) -> type[P]:
    """The class that a `kind` in the config names: one of ours, or `package.module:Class`.

    Raises ConfigError, with what there is to choose from, when there is no such class.
    """
    known = KINDS[kind]
    word = kind.__name__.lower()
    path = known.get(name, name)
    if ":" not in path:
        raise ConfigError(f"no {word} is called {name!r}; there are: {', '.join(sorted(known))}")
    module_name, _, class_name = path.partition(":")
    try:
        found = getattr(import_module(module_name), class_name)
    except Exception as error:  # a stranger's module may raise anything
        raise ConfigError(f"{word} {name!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ConfigError(f"{path} is not a {kind.__name__} (see autoscaler.interfaces)")
    return found
