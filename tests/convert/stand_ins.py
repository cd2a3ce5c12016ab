"""Configs of Kubernetes checked as far as its kinds exist here; the others have stand-ins."""

from __future__ import annotations

from typing import Any

import yaml

from autoscaler import registry
from autoscaler.config import Config, parse
from autoscaler.convert.resource import RESOURCES


def checked(text: str) -> Config:
    """The config, as far as its kinds exist; those of Kubernetes have stand-ins until then."""
    document = yaml.safe_load(text)
    if "kubernetes" not in registry.TARGETS:
        without_kubernetes(document)
    return parse(yaml.safe_dump(document), "converted.yaml")


def without_kubernetes(document: dict[str, Any]) -> None:
    document.get("sources", {}).pop("pods", None)
    for fleet in document["fleets"]:
        assert fleet["target"]["kind"] == "kubernetes"
        fleet["target"] = {"kind": "simulated"}
        for policy in fleet.get("policies", ()):
            if policy.get("sample") in RESOURCES and "utilization" in policy:
                policy["average_value"] = policy.pop("utilization")
