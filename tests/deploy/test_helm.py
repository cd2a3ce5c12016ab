"""The Helm chart: its values, its schema, and what Helm itself makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoscaler import __version__
from autoscaler.config import parse
from tests.deploy.manifests import CHART, HELM, KUBERNETES, Manifest, documents, unknown_fields
from tests.deploy.test_kubernetes import assert_valid, one

VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
CASES = {
    "defaults": {},
    **{
        path.stem.removesuffix("-values"): yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((CHART / "ci").glob("*.yaml"))
    },
}
OF_AIRFLOW = sorted(HELM.glob("airflow*-values.yaml"))
OPEN = {"config", "resources", "affinity", "global"}
WARNING = 2


def test_it_is_of_the_programs_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def paths(values: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """The keys of which values and schema do not both know."""
    named = schema.get("properties", {})
    for key in (values.keys() | named.keys()) - OPEN:
        here = f"{path}.{key}".removeprefix(".")
        if key not in values or key not in named:
            yield here
        elif "properties" in named[key]:
            yield from paths(values[key], named[key], here)


def test_values_and_their_schema_name_the_same_keys():
    assert list(paths(VALUES, SCHEMA, "")) == []
    assert SCHEMA["additionalProperties"] is False


def test_templates_use_what_there_is():
    for path in (CHART / "templates").iterdir():
        for used in re.findall(r"\.Values\.([\w.]+)", path.read_text(encoding="utf-8")):
            found: Any = VALUES
            for key in used.split("."):
                assert key in found, f"{path.name}: {used}"
                found = found[key]


def test_the_config_is_sound(monkeypatch):
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://broker/0")
    monkeypatch.setenv("AUTOSCALER_TOKEN", "let-me-in")
    assert parse(yaml.safe_dump(VALUES["config"])).dry_run


@pytest.mark.parametrize("path", OF_AIRFLOW, ids=lambda path: path.stem)
def test_values_for_airflows_charts_leave_the_scaling_to_us(path: Path):
    workers = yaml.safe_load(path.read_text(encoding="utf-8"))["workers"]
    others = [workers[key]["enabled"] for key in ("keda", "hpa", "autoscaling") if key in workers]
    assert others
    assert not any(others)
    assert workers["replicas"] >= VALUES["config"]["fleets"][0]["max_replicas"]


def test_the_sidecar_of_the_values_is_that_of_kustomize():
    scheduler = yaml.safe_load((HELM / "airflow-sidecar-values.yaml").read_text())["scheduler"]
    patch = KUBERNETES / "components" / "scheduler-sidecar" / "container.yaml"
    pod = documents(patch.read_text(encoding="utf-8"))[0]["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = f"autoscaler:{__version__}"
    assert scheduler["extraContainers"] == pod["containers"]
    assert scheduler["extraVolumes"] == pod["volumes"]


def rendered(values: dict[str, Any]) -> list[Manifest]:
    """What `helm template` prints, by Helm's own library."""
    helm = pytest.importorskip("helm_python")
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values)
        files = chart.render(values, name="autoscaler", namespace="airflow")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [document for text in texts for document in documents(text)]


@pytest.mark.full
@pytest.mark.parametrize("case", CASES)
def test_helm_lint(case):
    helm = pytest.importorskip("helm_python")
    report = helm.lint(CHART, CASES[case], strict=True)
    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] >= WARNING] == []


@pytest.mark.full
@pytest.mark.parametrize("case", CASES)
def test_helm_template(case):
    manifests = rendered(CASES[case])
    core = [each for each in manifests if "monitoring" not in each["apiVersion"]]
    assert [unknown_fields(each) for each in core] == [[]] * len(core)
    assert_valid(manifests)


@pytest.mark.full
def test_both_modes_have_what_they_need():
    standalone, sidecar = rendered(CASES["standalone"]), rendered(CASES["sidecar"])
    kinds = {each["kind"] for each in standalone}
    assert kinds - {each["kind"] for each in sidecar} == {
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "ServiceAccount",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    assert len([each for each in standalone if each["kind"] == "Role"]) == 2
    assert one(sidecar, "RoleBinding")["subjects"][0]["name"] == "airflow-scheduler"
    labels = one(standalone, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert one(standalone, "Service")["spec"]["selector"].items() <= labels.items()


@pytest.mark.full
def test_rights_are_those_of_kustomize():
    (role,) = [each for each in rendered({}) if each["kind"] == "Role"]
    path = KUBERNETES / "base" / "role.yaml"
    assert role["rules"] == documents(path.read_text(encoding="utf-8"))[0]["rules"]


@pytest.mark.full
@pytest.mark.parametrize(
    "wrong", [{"mode": "daemonset"}, {"images": {}}, {"config": {"fleets": []}}], ids=str
)
def test_the_schema_refuses(wrong):
    helm = pytest.importorskip("helm_python")
    with pytest.raises(helm.HelmValuesError):
        rendered(wrong)
