"""ScaledObjects, trigger by trigger: what becomes of each, and what is said of it."""

from __future__ import annotations

import pytest

from autoscaler.convert.input import Conversion, Text, convert
from autoscaler.convert.writing import written
from autoscaler.errors import ConfigError

HOUR = 3600


def scaled(*lines: str, extra: str = "", namespace: str = "shop") -> Conversion:
    """A ScaledObject with these triggers."""
    text = f"""
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: web}}
spec:
  scaleTargetRef: {{name: web}}
  {extra}
  triggers:
"""
    return convert(
        [Text("web.yaml", text + "\n".join(f"    - {each}" for each in lines))], namespace
    )


def messages(conversion: Conversion) -> str:
    return "\n".join(note.message for each in conversion.objects for note in each.notes)


def test_a_password_in_an_address_is_not_printed():
    trigger = "{type: rabbitmq, metadata: {host: 'amqp://me:hush@rabbit/', queueName: a}}"
    text = written(scaled(trigger))
    assert "hush" not in text
    assert "amqp://***@rabbit/" in text


def test_a_password_in_a_connection_string_is_not_printed():
    query = "SELECT count(*) FROM task_instance"
    metadata = f"{{connection: 'host=db password=hush user=x', query: {query}}}"
    assert "hush" not in written(scaled(f"{{type: postgresql, metadata: {metadata}}}"))


def test_headers_and_tokens_come_from_the_environment():
    conversion = scaled(
        "{type: prometheus, metadata: {serverAddress: 'https://p', query: up, threshold: '1', "
        "customHeaders: 'X-Scope-OrgID=hush', authModes: 'bearer,basic,tls', unheardOf: x}}"
    )
    source = conversion.sources["prometheus"]
    assert source["headers"] == {"X-Scope-OrgID": {"env": "AUTOSCALER_PROMETHEUS_X_SCOPE_ORGID"}}
    assert source["token"] == {"env": "AUTOSCALER_PROMETHEUS_TOKEN"}
    assert "hush" not in written(conversion)
    assert "client certificates" in messages(conversion)
    assert "nothing here does the same" in messages(conversion)


def test_other_sql_is_not_run():
    conversion = scaled("{type: mysql, metadata: {query: SELECT 1, queryValue: '3'}}")
    assert conversion.fleets == []
    assert "an SQL query is not run here" in messages(conversion)


def test_a_query_without_divisor_counts_tasks_of_one_replica():
    query = "SELECT count(*) FROM task_instance"
    conversion = scaled(
        f"{{type: mysql, metadata: {{query: {query}, queryValue: '4', activationQueryValue: '2'}}}}"
    )
    (fleet,) = conversion.fleets
    assert (fleet["queues"], fleet["slots_per_replica"]) == (["default"], 4)
    assert fleet["policies"][0]["activation_value"] == 2


def test_a_target_of_part_of_the_slots_stays_beside_them():
    query = "SELECT ceil(count(*) / 16) FROM task_instance"
    metadata = f"{{query: {query}, targetQueryValue: '0.5'}}"
    (fleet,) = scaled(f"{{type: postgresql, metadata: {metadata}}}").fleets
    assert fleet["slots_per_replica"] == 16
    assert fleet["policies"][0]["average_value"] == 8


def test_triggers_of_airflow_need_no_queue():
    query = "SELECT ceil(count(*) / 1000) FROM trigger"
    metadata = f"{{query: {query}, targetQueryValue: '1', activationTargetQueryValue: '1'}}"
    (fleet,) = scaled(f"{{type: postgresql, metadata: {metadata}}}").fleets
    assert fleet["queues"] == []
    assert fleet["policies"][0]["activation_value"] == 1000


def test_a_formula_that_means_nothing_here_leaves_the_triggers():
    prometheus = "{type: prometheus, name: up, metadata: {query: up, threshold: '1'}}"
    for formula in ("up + cpu", "up ** 2"):
        extra = f"advanced: {{scalingModifiers: {{formula: {formula}, target: '1'}}}}"
        conversion = scaled(prometheus, extra=extra)
        assert conversion.fleets[0]["policies"][0]["kind"] == "target_tracking"
        assert "the highest wins" in messages(conversion)


def test_short_cooldowns_give_way_to_the_window():
    conversion = scaled("{type: redis, metadata: {listName: a}}", extra="cooldownPeriod: 5")
    assert "behavior" not in conversion.fleets[0]
    assert "the window of 300 s is for all" in messages(conversion)


def test_a_cluster_wide_authentication_is_found_and_a_missing_one_told():
    authentication = """
apiVersion: keda.sh/v1alpha1
kind: ClusterTriggerAuthentication
metadata: {name: everywhere}
spec:
  configMapTargetRef: [{parameter: host, name: settings, key: rabbit}]
  env: [{parameter: username, name: RABBIT_USER}]
"""
    trigger = "type: rabbitmq, metadata: {queueName: a}, authenticationRef"
    reference = "{name: everywhere, kind: ClusterTriggerAuthentication}"
    objects = (
        "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: w}\n"
        f"spec: {{scaleTargetRef: {{name: w}}, triggers: [{{{trigger}: {reference}}}]}}\n"
    )
    found = convert([Text("all.yaml", authentication + objects)], "shop")
    assert "key 'rabbit' of ConfigMap 'settings'" in found.variables[0].holds
    assert "is not in the input" in messages(scaled(f"{{{trigger}: {{name: nowhere}}}}"))


def test_idle_with_cpu_alone_has_no_step():
    (fleet,) = scaled(
        "{type: cpu, metadata: {value: '70', containerName: app}}",
        extra="idleReplicaCount: 0\n  minReplicaCount: 2",
    ).fleets
    assert [policy["kind"] for policy in fleet["policies"]] == ["target_tracking"]
    assert fleet["policies"][0]["labels"] == {"container": "app"}


def test_rates_patterns_and_clusters_are_told():
    conversion = scaled(
        "{type: rabbitmq, metadata: {host: x, queueName: a, useRegex: 'true'}}",
        "{type: redis-cluster, metadata: {addresses: 'r:6379', listName: b}}",
        "{type: redis-sentinel, metadata: {hosts: s, listName: c, activationListLength: '3'}}",
    )
    assert "named by a pattern" in messages(conversion)
    assert "Celery does not run on Redis Cluster" in messages(conversion)
    assert conversion.fleets[0]["policies"][1]["activation_value"] == 3


def test_windows_of_several_lengths_are_told():
    conversion = scaled(
        "{type: cron, metadata: {timezone: UTC, start: '0 8,20 * * *', end: '0 10,23 * * *', "
        "desiredReplicas: '2'}}"
    )
    assert conversion.fleets[0]["policies"][0]["duration_seconds"] == 3 * HOUR
    assert "2 to 3 hours long" in messages(conversion)


def test_annotations_are_told():
    text = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: web
  annotations: {autoscaling.keda.sh/paused: "true", autoscaling.keda.sh/paused-scale-in: "true"}
spec: {scaleTargetRef: {name: web}, triggers: [{type: cpu, metadata: {value: "70"}}]}
"""
    told = messages(convert([Text("web.yaml", text)], "shop"))
    assert "annotate the workload itself with autoscaler/paused=true" in told
    assert "select: disabled" in told


def test_a_queue_has_one_fleet_and_fleets_of_one_name_get_their_namespace():
    text = "\n---\n".join(
        f"""
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: web, namespace: {namespace}}}
spec:
  scaleTargetRef: {{name: web, kind: {kind}}}
  triggers: [{{type: redis, metadata: {{address: r, listName: mail}}}}]
"""
        for namespace, kind in (
            ("shop", "Deployment"),
            ("bank", "Deployment"),
            ("bank", "StatefulSet"),
        )
    )
    conversion = convert([Text("two.yaml", text)])
    assert [fleet["name"] for fleet in conversion.fleets] == ["web", "bank-web", "2-bank-web"]
    assert conversion.fleets[1]["queues"] == []
    assert "only one can have it" in messages(conversion)


def test_samples_of_one_name_and_texts_like_numbers_stay_apart():
    conversion = scaled(
        "{type: prometheus, metadata: {metricName: 9lives, query: a, threshold: '1'}}",
        "{type: prometheus, metadata: {metricName: 9lives, query: b, threshold: '1'}}",
        "{type: redis, metadata: {address: r, listName: '1e3'}}",
    )
    assert conversion.sources["prometheus"]["queries"] == {"_9lives": "a", "_9lives_2": "b"}
    assert 'queues: ["1e3"]' in written(conversion)


def test_what_keda_made_itself_is_left_out_beside_its_scaled_object():
    text = """
apiVersion: v1
kind: List
items:
  - apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: keda-hpa-web, ownerReferences: [{kind: ScaledObject, name: web}]}
  - apiVersion: keda.sh/v1alpha1
    kind: ScaledObject
    metadata: {name: web, namespace: shop}
    spec: {scaleTargetRef: {name: web}, triggers: [{type: memory, metadata: {value: 70}}]}
"""
    assert len(convert([Text("list.yaml", text)]).fleets) == 1


def test_what_metrics_k8s_io_does_not_measure_is_told():
    text = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {kind: Deployment, name: web}
  maxReplicas: 2
  metrics:
    - type: Resource
      resource: {name: ephemeral-storage, target: {type: AverageValue, averageValue: 1Gi}}
"""
    conversion = convert([Text("web.yaml", text)])
    assert conversion.config() == {"fleets": []}
    assert "only cpu and memory are" in messages(conversion)
    assert written(conversion).startswith("# fleets: none")


def test_hundreds_of_faults_are_cut_short():
    text = "\n---\n".join(["kind: Pod"] * 200)
    lines = [f"kind: Pod{number}" for number in range(200)]
    with pytest.raises(ConfigError) as caught:
        convert([Text("many.yaml", text), Text("more.yaml", "\n---\n".join(lines))])
    assert len(caught.value.faults) == 101
