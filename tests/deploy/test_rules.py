"""The alerting rules: their metrics and labels are exported, and Prometheus takes them."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

from tests.deploy.manifests import CHART, KUBERNETES, ROOT

RULES_FILE = CHART / "files" / "rules.yaml"
GROUPS = yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))
RULES = [rule for group in GROUPS for rule in group["rules"]]
METRIC = re.compile(r"autoscaler_[a-z_]+")
BY = re.compile(r"\bby \(([^)]*)\)")
MATCHERS = re.compile(r"(autoscaler_[a-z_]+)\{([^}]*)\}")
OF_THE_TARGET = {"job", "namespace", "le", "check"}  # by Prometheus, histograms, label_replace
HISTOGRAM = ("_bucket", "_sum", "_count")
PROMTOOL = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here")

# Labels of each metric, as docs/metrics.md has them; another test keeps that page true.
EXPORTED = {
    name: set(filter(None, labels.split(",")))
    for name, labels in re.findall(
        r"^\| `(autoscaler_\w+)(?:\{([\w,]*)\})?`",
        (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}

TESTS = ROOT / "tests" / "testdata" / "prometheus-rules.test.yaml"


def exported(metric: str) -> set[str]:
    """The labels of a metric; an error if there is no such metric."""
    for ending in HISTOGRAM:
        if metric not in EXPORTED:
            metric = metric.removesuffix(ending)
    return EXPORTED[metric]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_metrics_and_labels_are_exported(rule):
    names = METRIC.findall(rule["expr"])
    assert names
    for metric, matchers in MATCHERS.findall(rule["expr"]):
        assert {re.split(r"[!=]", each)[0] for each in matchers.split(",")} <= exported(metric)
    kept = {label.strip() for listed in BY.findall(rule["expr"]) for label in listed.split(",")}
    assert kept - OF_THE_TARGET <= set().union(*(exported(name) for name in names))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_says_what_is_wrong_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description"}
    shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    kept = {label.strip() for listed in BY.findall(rule["expr"]) for label in listed.split(",")}
    kept = kept or set().union(*(exported(name) for name in METRIC.findall(rule["expr"])))
    assert shown <= kept


def test_kustomize_and_the_chart_have_the_same_rules():
    path = KUBERNETES / "components" / "monitoring" / "prometheus-rule.yaml"
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["groups"] == GROUPS


@pytest.mark.full
@PROMTOOL
def test_prometheus_takes_them_and_they_fire(tmp_path):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": GROUPS}))
    shutil.copy(TESTS, tmp_path / "tests.yaml")
    for words in (("check", "rules", "rules.yaml"), ("test", "rules", "tests.yaml")):
        ran = subprocess.run(
            ["promtool", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
