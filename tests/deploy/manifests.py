"""Manifests of deploy/, as written and as kustomize or Helm make them, and their fields checked."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
HELM = ROOT / "deploy" / "helm"
CHART = HELM / "autoscaler"
OPERATOR_GROUP = "monitoring.coreos.com"

Manifest = dict[str, Any]


def documents(text: str) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(text) if document]


def is_kustomizes_own(path: Path) -> bool:
    return path.name in ("kustomization.yaml", "autoscaler.yaml")


def written() -> list[tuple[str, Manifest]]:
    """Every manifest of deploy/kubernetes with its file."""
    return [
        (str(path.relative_to(KUBERNETES)), document)
        for path in sorted(KUBERNETES.rglob("*.yaml"))
        if not is_kustomizes_own(path)
        for document in documents(path.read_text(encoding="utf-8"))
    ]


def kustomized(directory: Path) -> list[Manifest]:
    """What kustomize makes of a directory, by the copy of it in kubectl."""
    made = subprocess.run(
        ["kubectl", "kustomize", directory], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return documents(made.stdout)


def unknown_fields(manifest: Manifest) -> list[str]:
    """The fields that Kubernetes' own client does not know, or whose values are of another type."""
    version = manifest["apiVersion"].rpartition("/")[2].capitalize()
    return list(_unknown(manifest, f"{version}{manifest['kind']}", manifest["kind"]))


def _unknown(value: Any, type_name: str, path: str) -> Iterator[str]:
    if listed := re.fullmatch(r"list\[(.+)\]", type_name):
        if not isinstance(value, list):
            yield f"{path}: not a list"
            return
        for index, item in enumerate(value):
            yield from _unknown(item, listed[1], f"{path}[{index}]")
    elif mapped := re.fullmatch(r"dict\[str, (.+)\]", type_name):
        for key, item in value.items():
            yield from _unknown(item, mapped[1], f"{path}.{key}")
    elif plain := {"str": str, "int": int, "bool": bool}.get(type_name):
        if type(value) is not plain:
            yield f"{path}: {value!r} is no {type_name}"
    elif model := getattr(client, type_name, None):
        known = {name: attribute for attribute, name in model.attribute_map.items()}
        for key, item in value.items():
            if key not in known:
                yield f"{path}.{key}: unknown"
            else:
                yield from _unknown(item, model.openapi_types[known[key]], f"{path}.{key}")
