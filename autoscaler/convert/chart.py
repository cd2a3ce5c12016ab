"""Values of Airflow's Helm charts as fleets: what they say of KEDA and of an HPA.

Read are the values of the official chart and of the community's; what they leave out has the
chart's default.
"""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.convert.airflow_query import DEFAULT_QUEUE
from autoscaler.convert.behavior import read_behavior
from autoscaler.convert.draft import Draft, NoteKind, Origin, Sources, Spec
from autoscaler.convert.fields import SHOWN, Fields, why_no_queue
from autoscaler.convert.hpa import read_metric
from autoscaler.convert.resource import resource_policy
from autoscaler.convert.scaled_object import read_pace
from autoscaler.convert.workload import MAX_REPLICAS, fleet_name

SLOTS = 16
TRIGGERS = 1000
KEDA_COOLDOWN_SECONDS = 30
KEDA_MAX, HPA_MAX, COMMUNITY_MAX = 10, 5, 2
_OWN_QUERY = "the query is the chart's business no more: demand is read as the scheduler sees it"


def is_chart(document: Fields) -> bool:
    """Whether a document is values of one of Airflow's charts, as far as it scales anything."""
    if document.text("kind") or document.text("apiVersion"):
        return False
    workers, triggerer = document.mapping("workers"), document.mapping("triggerer")
    words = ("keda", "hpa", "celery", "autoscaling")
    return any(word in workers for word in words) or "keda" in triggerer


def read_chart(values: Fields, namespace: str, release: str, sources: Sources) -> list[Draft]:
    """A fleet for each autoscaler that the values switch on."""
    if not namespace:
        values.fault("", "values name no namespace; convert with --namespace NAME")
    found = list(_drafts(values, namespace, release, sources))
    if not found:
        message = (
            "switches no autoscaler on: neither workers.keda, workers.hpa, workers.autoscaling "
            "nor triggerer.keda has `enabled: true`"
        )
        values.fault("workers", message)
    for draft in found:
        if draft.min_replicas > draft.max_replicas:
            sizes = f"{draft.min_replicas} replicas, and at most {draft.max_replicas}"
            values.fault("", f"{draft.origin.kind} asks for at least {sizes}")
    return found


def _drafts(values: Fields, namespace: str, release: str, sources: Sources) -> Iterator[Draft]:
    workers = values.mapping("workers")
    celery = workers.mapping("celery")
    for key, reader in (("keda", _keda), ("hpa", _hpa)):
        # Newer charts have `workers.celery`, whose word counts more than that of `workers`.
        block = celery.mapping(key) if key in celery else workers.mapping(key)
        if block.flag("enabled"):
            draft = _draft("worker", block, _workload(workers, celery), namespace, release)
            reader(values, block, draft, namespace, sources)
            _note_sets(celery, draft)
            yield draft
    community = workers.mapping("autoscaling")
    if community.flag("enabled"):
        draft = _draft("worker", community, "statefulset", namespace, release)
        draft.min_replicas = workers.whole("replicas", 1, 0, MAX_REPLICAS) or 0
        draft.max_replicas = community.whole("maxReplicas", COMMUNITY_MAX, 1, MAX_REPLICAS) or 1
        _hpa_rules(values, community, draft, namespace, sources)
        yield draft
    triggerer = values.mapping("triggerer")
    block = triggerer.mapping("keda")
    if block.flag("enabled"):
        draft = _draft("triggerer", block, _workload(triggerer), namespace, release)
        _triggerers(values, block, draft, sources)
        yield draft


def _draft(part: str, block: Fields, kind: str, namespace: str, release: str) -> Draft:
    workload = f"{release}-{part}"
    target: Spec = {"kind": "kubernetes", "namespace": namespace, kind: workload}
    origin = Origin(block.path, workload, block.file, block.line)
    draft = Draft(origin, fleet_name(workload), target, 0, KEDA_MAX)
    message = f"see that it is called {workload}: --release, fullnameOverride"
    draft.note(NoteKind.TO_DO, block.path, block.line, message)
    return draft


def _workload(part: Fields, newer: Fields | None = None) -> str:
    """What a part with a volume of its own is deployed as, and what one without."""
    of = newer if newer is not None and "persistence" in newer else part
    kept = of.mapping("persistence").flag("enabled", default=True)
    return "statefulset" if kept else "deployment"


def _keda(values: Fields, block: Fields, draft: Draft, _: str, sources: Sources) -> None:
    _keda_sizes(block, draft)
    _serve(values, draft, sources)
    draft.policy({"kind": "target_tracking", "sample": "demand_tasks"})
    if "query" in block:
        draft.note(NoteKind.DIFFERS, block.place("query"), block.line, _OWN_QUERY)
    _keda_pace(block, draft)


def _keda_sizes(block: Fields, draft: Draft) -> None:
    draft.min_replicas = block.whole("minReplicaCount", 0, 0, MAX_REPLICAS) or 0
    draft.max_replicas = block.whole("maxReplicaCount", KEDA_MAX, 1, MAX_REPLICAS) or KEDA_MAX


def _keda_pace(block: Fields, draft: Draft) -> None:
    block.ignore("enabled", "namespaceLabels", "query", "usePgbouncer")
    read_pace(block, draft, KEDA_COOLDOWN_SECONDS)


def _serve(values: Fields, draft: Draft, sources: Sources) -> None:
    """Queues, slots and sources of Airflow's workers, by the chart's settings."""
    workers = values.mapping("workers")
    queues = workers.text("queue", DEFAULT_QUEUE)
    config = values.mapping("config").mapping("celery")
    draft.slots_per_replica = config.whole("worker_concurrency", SLOTS, 1, MAX_REPLICAS)
    draft.airflow = True
    sources.airflow("Airflow's sql_alchemy_conn, of a user that only reads")
    broker = values.mapping("data").text("brokerUrl")
    kind = "rabbitmq_broker" if broker.startswith(("amqp", "pyamqp")) else "redis_broker"
    for queue in map(str.strip, queues.split(",")):
        if why := why_no_queue(queue):
            workers.fault("queue", f"{queue[:SHOWN]!r} {why}")
        draft.serve(queue)
        sources.broker(kind, "", "Celery's broker URL, as in the chart's broker-url Secret", queue)


def _hpa(values: Fields, block: Fields, draft: Draft, namespace: str, sources: Sources) -> None:
    draft.min_replicas = block.whole("minReplicaCount", 0, 0, MAX_REPLICAS) or 0
    draft.max_replicas = block.whole("maxReplicaCount", HPA_MAX, 1, MAX_REPLICAS) or HPA_MAX
    block.ignore("enabled")
    _hpa_rules(values, block, draft, namespace, sources)
    block.close()


def _hpa_rules(
    values: Fields, block: Fields, draft: Draft, namespace: str, sources: Sources
) -> None:
    _serve(values, draft, sources)
    for metric in block.items("metrics"):
        read_metric(metric, draft, namespace, sources)
    if "metrics" not in block:
        sources.pods(draft.target["namespace"])
        draft.policy(resource_policy("cpu", "", "Utilization", 80))
    draft.behavior = read_behavior(block.mapping("behavior"))
    message = "policies of CPU and memory stay; `{kind: target_tracking}` alone follows the work"
    draft.note(NoteKind.TO_DO, block.place("metrics"), block.line, message)


def _triggerers(values: Fields, block: Fields, draft: Draft, sources: Sources) -> None:
    _keda_sizes(block, draft)
    sources.airflow("Airflow's sql_alchemy_conn, of a user that only reads")
    capacity = values.mapping("config").mapping("triggerer")
    each = capacity.whole("capacity", None, 1, MAX_REPLICAS)
    each = each or capacity.whole("default_capacity", TRIGGERS, 1, MAX_REPLICAS)
    draft.policy({"kind": "target_tracking", "sample": "airflow_triggers", "average_value": each})
    _keda_pace(block, draft)


def _note_sets(celery: Fields, draft: Draft) -> None:
    if celery.items("sets"):
        message = "each worker set is a fleet of its own; write one more for each, with its queues"
        draft.note(NoteKind.LOST, celery.place("sets"), celery.line, message)
