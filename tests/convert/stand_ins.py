"""Configs of Kubernetes checked as far as its kinds exist here; the others have stand-ins."""

from __future__ import annotations

from typing import Any

import yaml

from autoscaler import registry
from autoscaler.config import Config, parse
from autoscaler.convert.resource import RESOURCES


def checked(text: str) -> Config:
    """The config that the text is; its own lines are in faults once all its kinds exist."""
    document = yaml.safe_load(text)
    if "kubernetes" not in registry.TARGETS:
        _without_targets(document)
    if "kubernetes_metrics" not in registry.SOURCES:
        _without_metrics(document)
    return parse(text if document == yaml.safe_load(text) else yaml.safe_dump(document))


def _without_targets(document: dict[str, Any]) -> None:
    for fleet in document["fleets"]:
        assert fleet["target"]["kind"] == "kubernetes"
        fleet["target"] = {"kind": "simulated"}


def _without_metrics(document: dict[str, Any]) -> None:
    document.get("sources", {}).pop("pods", None)
    for fleet in document["fleets"]:
        for policy in fleet.get("policies", ()):
            if policy.get("sample") in RESOURCES and "utilization" in policy:
                policy["average_value"] = policy.pop("utilization")
