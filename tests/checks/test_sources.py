"""Checks of what is polled."""

import pytest

from autoscaler.checks.sources import DuplicateNodenames, SourceDown
from autoscaler.model import AirflowState, ApiServerState, Severity
from tests.checks.scene import look, make, scene
from tests.records import NOW


def test_a_source_that_cannot_be_read():
    tick = scene(missing={"broker": "no answer within 4 s"})
    (finding,), (unjudged,) = look(make(SourceDown), tick)
    assert finding.summary == "Source broker cannot be read: no answer within 4 s."
    assert finding.severity is Severity.CRITICAL
    assert finding.labels == {"source": "broker"}
    assert unjudged.labels == {"source": "broker", "scope": "part"}


def test_a_target_that_cannot_be_read():
    tick = scene(missing={"target/batch": "403"})
    (finding,), _ = look(make(SourceDown, severity="warning"), tick)
    assert finding.summary == "The target of fleet batch cannot be read: 403."
    assert finding.severity is Severity.WARNING
    assert finding.labels == {"source": "target/batch"}


def test_parts_of_a_source_are_one_finding():
    missing = {f"broker/q{n:02}": "no such queue" for n in range(12)}
    (finding,), unchecked = look(make(SourceDown), scene(missing=missing))
    assert finding.summary == "Source broker does not give 12 items: q00: no such queue."
    assert finding.severity is Severity.WARNING
    assert finding.labels == {"source": "broker", "scope": "part"}
    assert len(finding.evidence) == 10
    assert unchecked == []


@pytest.mark.parametrize(
    ("down", "told"), [("airflow", ["airflow"]), ("broker", ["api", "broker"])]
)
def test_an_api_server_that_goes_down_with_its_database_is_not_told_of(down: str, told: list[str]):
    airflow, api = AirflowState(NOW, "3.3.2"), ApiServerState(NOW, "3.3.2", {}, 0.1)
    missing = {down: "connection refused", "api": "no answer within 4 s"}
    tick = scene(queues={}, airflow=airflow, api=api, missing=missing)
    findings, unchecked = look(make(SourceDown), tick)
    assert sorted(finding.labels["source"] for finding in findings) == told
    assert ({"source": "api"} in [one.labels for one in unchecked]) == ("api" not in told)


def test_all_read():
    assert look(make(SourceDown), scene()) == ([], [])


def test_nodenames_that_two_workers_share():
    tick = scene(duplicates=("w2@host", "w1@host"))
    (finding,), unchecked = look(make(DuplicateNodenames), tick)
    assert finding.summary == "2 nodenames of workers have two workers or more."
    assert finding.labels == {"source": "workers"}
    assert finding.evidence == {"nodenames": "w1@host, w2@host"}
    assert unchecked == []


def test_names_of_workers_that_could_not_be_read():
    tick = scene(missing={"workers": "timeout"})
    findings, (unjudged,) = look(make(DuplicateNodenames), tick)
    assert findings == []
    assert unjudged.labels == {"source": "workers"}


def test_names_that_are_all_different():
    tick = scene(queues={})
    assert set(tick.snapshot.observations) == {"broker", "workers"}
    assert look(make(DuplicateNodenames), tick) == ([], [])
