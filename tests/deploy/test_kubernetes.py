"""deploy/kubernetes: every field exists, rights are few, and the config in it is sound."""

from __future__ import annotations

import shutil

import pytest
import yaml

from autoscaler import __version__
from autoscaler.config import parse
from autoscaler.web.routes import ROUTES
from tests.deploy.manifests import (
    KUBERNETES,
    OPERATOR_GROUP,
    Manifest,
    documents,
    kustomized,
    unknown_fields,
    written,
)

LAST_VERSIONS = 3
ADDRESSES = {route.path for route in ROUTES}
KUBECTL = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not here")
OVERLAYS = ("standalone", "sidecar")
SCHEDULER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: airflow-scheduler, labels: {component: scheduler}}
spec:
  selector: {matchLabels: {component: scheduler}}
  template:
    metadata: {labels: {component: scheduler}}
    spec: {containers: [{name: scheduler, image: airflow}], volumes: [{name: logs, emptyDir: {}}]}
"""


def one(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = [each for each in manifests if each["kind"] == kind]
    return found


@pytest.mark.parametrize("manifest", [pytest.param(each, id=name) for name, each in written()])
def test_every_field_exists(manifest):
    if OPERATOR_GROUP not in manifest["apiVersion"]:
        assert unknown_fields(manifest) == []


def test_the_check_of_fields_sees_what_is_wrong():
    deployment = documents(SCHEDULER)[0]
    assert unknown_fields(deployment) == []
    deployment["spec"]["template"]["spec"]["containers"][0] |= {"probe": {}, "args": "run"}
    deployment["spec"]["replicas"] = "1"
    assert len(unknown_fields(deployment)) == 3


def test_what_kustomizations_name_is_there():
    for path in KUBERNETES.rglob("kustomization.yaml"):
        kustomization = yaml.safe_load(path.read_text(encoding="utf-8"))
        named = [*kustomization.get("resources", ()), *kustomization.get("components", ())]
        named += [each["path"] for each in kustomization.get("patches", ()) if "path" in each]
        assert all((path.parent / name).exists() for name in named), path


def test_rights_are_few():
    (role,) = [each for _, each in written() if each["kind"] == "Role"]
    rights = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert "*" not in str(role)
    assert not {verb for _, verb in rights} & {"delete", "deletecollection", "escalate", "bind"}
    assert not {resource for resource, _ in rights} & {"secrets", "configmaps", "pods/exec"}
    written_to = {r for r, verb in rights if verb in ("update", "patch", "create")}
    assert written_to == {"deployments/scale", "statefulsets/scale", "pods", "leases"}


@pytest.mark.parametrize(
    "place", ["overlays/standalone/deployment", "components/scheduler-sidecar/container"]
)
def test_the_container_may_do_little_and_is_asked_at_real_addresses(place):
    deployment = documents((KUBERNETES / f"{place}.yaml").read_text(encoding="utf-8"))[0]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    probes = [container[key]["httpGet"]["path"] for key in container if key.endswith("Probe")]
    assert probes
    assert set(probes) <= ADDRESSES


def test_images_are_of_the_programs_version():
    tags = [
        image["newTag"]
        for path in KUBERNETES.rglob("kustomization.yaml")
        for image in yaml.safe_load(path.read_text(encoding="utf-8")).get("images", ())
    ]
    assert tags == [__version__] * 2


def test_the_config_is_sound(monkeypatch):
    monkeypatch.setenv("AUTOSCALER_BROKER_URL", "redis://broker/0")
    monkeypatch.setenv("AUTOSCALER_TOKEN", "let-me-in")
    config = parse((KUBERNETES / "base" / "autoscaler.yaml").read_text(encoding="utf-8"))
    assert config.dry_run, "nothing is changed before somebody wants it"


@pytest.mark.full
@KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlays_build(overlay):
    manifests = kustomized(KUBERNETES / "overlays" / overlay)
    assert {each["metadata"]["namespace"] for each in manifests} == {"airflow"}
    assert [unknown_fields(each) for each in manifests] == [[]] * len(manifests)
    (subject,) = one(manifests, "RoleBinding")["subjects"]
    accounts = {"standalone": "autoscaler", "sidecar": "airflow-scheduler"}
    assert subject["name"] == accounts[overlay]


@pytest.mark.full
@KUBECTL
def test_the_standalone_pod_has_the_config_and_the_service_finds_it():
    manifests = kustomized(KUBERNETES / "overlays" / "standalone")
    template = one(manifests, "Deployment")["spec"]["template"]
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    config = one(manifests, "ConfigMap")
    assert volumes["config"]["configMap"]["name"] == config["metadata"]["name"]
    assert (
        one(manifests, "Service")["spec"]["selector"].items()
        <= template["metadata"]["labels"].items()
    )


@pytest.mark.full
@KUBECTL
def test_components_add_monitoring_and_the_schedulers_sidecar(tmp_path):
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
    (tmp_path / "scheduler.yaml").write_text(SCHEDULER)
    kustomization = {
        "resources": ["kubernetes/overlays/sidecar", "scheduler.yaml"],
        "components": [
            "kubernetes/components/monitoring",
            "kubernetes/components/scheduler-sidecar",
        ],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    manifests = kustomized(tmp_path)
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    assert {each["name"] for each in pod["containers"]} == {"scheduler", "autoscaler"}
    assert {each["name"] for each in pod["volumes"]} == {
        "logs",
        "autoscaler-config",
        "autoscaler-state",
    }
    assert one(manifests, "ConfigMap")["metadata"]["name"] == "autoscaler"
    assert one(manifests, "ServiceMonitor")["spec"]["endpoints"][0]["port"] == "http"


@pytest.mark.full
@KUBECTL
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_last_versions_of_kubernetes_accept_them(overlay):
    assert_valid(kustomized(KUBERNETES / "overlays" / overlay))


def assert_valid(manifests: list[Manifest]) -> None:
    """By the OpenAPI schemas of Kubernetes itself, unknown fields refused."""
    schemas = pytest.importorskip("kubernetes_validate")
    known = {tuple(map(int, version.split("."))) for version in schemas.utils.all_versions()}
    newest = sorted(known)[-LAST_VERSIONS:]
    assert len({minor for _, minor, _ in newest}) == LAST_VERSIONS
    for version in newest:
        for manifest in manifests:
            if OPERATOR_GROUP not in manifest["apiVersion"]:
                schemas.validate(manifest, ".".join(map(str, version)), strict=True)
