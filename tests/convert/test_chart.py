"""Values of Airflow's charts in their several shapes."""

from __future__ import annotations

from autoscaler.convert.input import Conversion, Text, convert


def values(text: str) -> Conversion:
    return convert([Text("values.yaml", text)], "airflow", "prod")


def test_newer_charts_speak_of_celery_workers_apart():
    conversion = values("""
data: {brokerUrl: "amqp://me:hush@rabbit/"}
workers:
  keda: {enabled: false}
  celery:
    persistence: {enabled: false}
    keda: {enabled: true, query: SELECT 1}
    sets: [{name: large}]
""")
    (fleet,) = conversion.fleets
    assert fleet["target"] == {
        "kind": "kubernetes",
        "namespace": "airflow",
        "deployment": "prod-worker",
    }
    assert conversion.sources["broker"]["kind"] == "rabbitmq_broker"
    notes = [note.message for note in conversion.objects[0].notes]
    assert any("each worker set is a fleet" in note for note in notes)
    assert any("demand is read as the scheduler sees it" in note for note in notes)


def test_an_hpa_of_the_chart_has_the_charts_defaults():
    (fleet,) = values("workers: {hpa: {enabled: true}}").fleets
    assert (fleet["min_replicas"], fleet["max_replicas"]) == (0, 5)
    assert fleet["policies"] == [{"kind": "target_tracking", "sample": "cpu", "utilization": 80}]


def test_triggerers_by_their_capacity():
    conversion = values("""
config: {triggerer: {capacity: 250}}
triggerer: {persistence: {enabled: false}, keda: {enabled: true}}
""")
    (fleet,) = conversion.fleets
    assert fleet["policies"][0]["average_value"] == 250
    assert fleet["target"]["deployment"] == "prod-triggerer"
