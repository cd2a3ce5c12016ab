"""`autoscaler test`: cases pass or differ by what the production engine decides."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent, indent

import pytest

from autoscaler.cli import main
from autoscaler.cli.case_file import sample_key
from autoscaler.interfaces import Options, Policy
from autoscaler.model import FleetSnapshot, Recommendation

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "config" / "tests").glob("*.yaml"))
FLEET = "{queues: [default], slots_per_replica: 10, max_replicas: 10, behavior: {}}"


def case(tmp_path: Path, readings: str, expect: str, fleet: str = FLEET, **more: object) -> str:
    """A file with one case; readings and expectations are list items."""
    keys = "".join(f"{key}: {value}\n" for key, value in more.items())
    path = tmp_path / "case.yaml"
    path.write_text(
        f"name: a case\n{keys}fleet: {fleet}\n"
        f"readings:\n{indent(dedent(readings), '  ') or '  []'}\n"
        f"expect:\n{indent(dedent(expect), '  ')}\n"
    )
    return str(path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_cases_pass(path: Path, capsys: Capture) -> None:
    assert main(["test", str(path)]) == 0, capsys.readouterr().out


def test_the_case_in_the_docs_passes(tmp_path: Path, capsys: Capture) -> None:
    text = (ROOT / "docs" / "testing-policies.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "backlog.yaml"
    path.write_text(block)
    assert main(["test", str(path)]) == 0, capsys.readouterr().out
    path.write_text(block.replace("replicas: 10}", "replicas: 12}"))
    assert main(["test", str(path)]) == 1
    shown = capsys.readouterr().out
    told = re.findall(r"at 6m5s: .*", text)
    assert told[0] in shown


def test_a_difference_shows_what_came_and_why(tmp_path: Path, capsys: Capture) -> None:
    path = case(
        tmp_path,
        "- {at: 0, waiting_tasks: 45}",
        """\
        - {at: 20, replicas: 4, at_least: 7, at_most: 3, reason: Foo, reasons: [Foo]}
        - {at: 30, replicas: 5}
        """,
    )
    assert main(["test", path]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"FAILED  {path}: a case\n")
    assert "at 20s: replicas: expected 4, got 5\n" in shown
    assert "at 20s: at_least: expected 7, got 5\n" in shown
    assert "at 20s: at_most: expected 3, got 5\n" in shown
    assert "at 20s: reason: expected Foo, got DesiredWithinRange\n" in shown
    assert "at 20s: reasons: expected ['Foo'], got [" in shown
    assert shown.count("slo asks for 5: 45 queued -> 5 of 10 slots each.") == 1
    assert "replicas over time: 0s: 1 (FirstCycle), 5s: 5 (" in shown
    assert shown.endswith("1 case, 1 failed\n")


def test_answers_for_machines(tmp_path: Path, capsys: Capture) -> None:
    path = case(tmp_path, "- {at: 0, waiting_tasks: 45}", "- {at: 20, replicas: 6}")
    for words in (["--format", "json"], ["--json"]):
        assert main(["test", path, *words]) == 1
        document = json.loads(capsys.readouterr().out)
        assert document["passed"] is False
        (only,) = document["cases"]
        assert (only["file"], only["name"], only["passed"]) == (path, "a case", False)
        (difference,) = only["differences"]
        assert (difference["at"], difference["what"]) == (20, "replicas")
        assert (difference["expected"], difference["got"]) == (6, 5)
        assert only["changes"][-1] == {"at": 5.0, "replicas": 5, "reason": "ValidMetricFound"}


def test_tasks_that_run_are_demand_and_occupy_slots(tmp_path: Path) -> None:
    fleet = (
        "{queues: [a, b], slots_per_replica: 10, min_replicas: 2, max_replicas: 10, "
        "policies: [{kind: target_tracking, utilization: 50}]}"
    )
    readings = """\
        - {at: 0,  running_tasks: 10}
        - {at: 60, running_tasks: 20}
        """
    expect = """\
        - {at: 55, replicas: 2}
        - {at: 60, replicas: 4}
        """
    assert main(["test", case(tmp_path, readings, expect, fleet)]) == 0


def test_queues_by_name_ages_and_samples_with_labels(tmp_path: Path) -> None:
    expression = "max(queue_depth / 10, oldest_task_age_seconds / 60, jobs ?? 0)"
    fleet = (
        "{queues: [a, b], slots_per_replica: 10, max_replicas: 20, behavior: {}, "
        f'policies: [{{kind: expression, expression: "{expression}"}}]}}'
    )
    readings = """\
        - {at: 0, waiting_tasks: 0, oldest_task_age_seconds: 0}
        - {at: 30, 'queue_depth{queue="b"}': 30}
        - {at: 60, oldest_task_age_seconds: 600}
        - {at: 90, 'jobs{team="x"}': 7, 'jobs{team="y"}': 8}
        """
    expect = """\
        - {at: 25, replicas: 1}
        - {at: 55, at_least: 3}
        - {at: 85, at_least: 10}
        - {at: 120, replicas: 15}
        """
    assert main(["test", case(tmp_path, readings, expect, fleet)]) == 0


@pytest.mark.parametrize(
    "unknown", ["waiting_tasks", "running_tasks", "'queue_depth{queue=\"default\"}'"]
)
def test_what_is_unknown_lowers_nothing(tmp_path: Path, unknown: str) -> None:
    readings = f"""\
        - {{at: 0, waiting_tasks: 60}}
        - {{at: 10m, {unknown}: null}}
        - {{at: 11m, waiting_tasks: 0}}
        """
    if unknown == "waiting_tasks":
        readings = readings.rsplit("- ", 1)[0]
    expect = """\
        - {at: 5m,  replicas: 6}
        - {at: 60m, replicas: 6, reasons: [SampleMissing]}
        """
    assert main(["test", case(tmp_path, readings, expect, interval_seconds=30)]) == 0


def test_an_unknown_sample_lowers_nothing_either(tmp_path: Path) -> None:
    fleet = (
        "{max_replicas: 10, policies: [{kind: target_tracking, sample: jobs, average_value: 5}]}"
    )
    readings = """\
        - {at: 0, jobs: 40}
        - {at: 10m, jobs: null}
        """
    expect = """\
        - {at: 9m,  replicas: 8}
        - {at: 60m, replicas: 8}
        """
    assert main(["test", case(tmp_path, readings, expect, fleet, interval_seconds=30)]) == 0


def test_replicas_take_their_time_to_start(tmp_path: Path) -> None:
    readings = "- {at: 0, waiting_tasks: 60, running_tasks: 1000}"
    expect = "- {at: 2m, replicas: 10, reasons: [TooManyReplicas]}"
    path = case(tmp_path, readings, expect, start_seconds=60, initial_replicas=0)
    assert main(["test", path]) == 0


def test_all_faults_of_a_file_at_once(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        """\
fleet: {queues: [default], min_replicas: 5, max_replicas: 2, target: {kind: local}}
start: tomorrow
cases:
  - readings:
      - {at: 1x, waiting_tasks: 0}
      - {at: 1, waiting_tasks: -5}
      - {at: 1, demand_tasks: 1}
      - {at: 1, "x{": 1}
      - {at: true}
      - {at: -1}
    expect: [{at: 5m}, {at: 5m, replica: 3}]
  - 3
  - fleet: 7
    expect: [{at: 100000d, replicas: 1}]
"""
    )
    assert main(["test", str(path)]) == 2
    said = capsys.readouterr().err
    for line, fault in (
        (1, "fleet: leave target out: a test scales simulated replicas"),
        (1, "fleet.min_replicas: 5 is more than max_replicas, 2; lower it or raise that"),
        (2, "start: must be a time such as 2026-01-05T07:30:00+01:00"),
        (5, "cases[0].readings[0].at: '1x' is no duration; write 90s, 15m, 2h or 1h30m"),
        (6, "cases[0].readings[1].waiting_tasks: must be at least 0, not -5"),
        (7, "cases[0].readings[2]: demand_tasks is worked out from what is measured: "),
        (8, "cases[0].readings[3]: 'x{' is no sample; write name or name{label=\"value\"}"),
        (9, "cases[0].readings[4].at: must be seconds, or a duration such as 90s or 1h30m"),
        (10, "cases[0].readings[5].at: must not be before the start"),
        (11, "cases[0].expect[0]: expect something: replicas, at_least, at_most, reason or "),
        (11, "cases[0].expect[1].replica: unknown key; did you mean 'replicas'?"),
        (12, "cases[1]: must be a mapping of keys, not 3"),
        (13, "cases[2].fleet: "),
    ):
        assert f"error: {path}:{line}: {fault}" in said
    assert said.endswith("hint: mend the lines named above, and try again\n")


def test_a_case_that_would_never_end_is_refused(tmp_path: Path, capsys: Capture) -> None:
    path = case(tmp_path, "- {at: 0, waiting_tasks: 1}", "- {at: 100000d, replicas: 1}")
    assert main(["test", path]) == 2
    assert "more than 200000 ticks; take a longer interval_seconds" in capsys.readouterr().err


def test_a_bug_in_a_policy_is_no_pass(tmp_path: Path, capsys: Capture) -> None:
    fleet = "{max_replicas: 3, policies: [{kind: 'tests.cli.test_policy_tests:Broken'}]}"
    path = case(tmp_path, "- {at: 0, x: 1}", "- {at: 10, replicas: 1}", fleet)
    assert main(["test", path]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_sample_keys() -> None:
    assert sample_key("jobs") == ("jobs", ())
    assert sample_key('jobs{b="2",a="1"}') == ("jobs", (("a", "1"), ("b", "2")))
    assert sample_key('queue_depth{queue="a"}')[0] == "queue_depth"
    for wrong in ("Jobs!", "jobs{}", "queue_depth", "utilization"):
        with pytest.raises(ValueError, match=r"is no sample|is worked out"):
            sample_key(wrong)


class Broken(Policy[Options]):
    """A policy with a bug."""

    def recommend(self, snapshot: FleetSnapshot) -> Recommendation:
        return Recommendation("broken", 1 // len(snapshot.missing), "Never", "never")
