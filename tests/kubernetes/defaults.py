"""What the API server fills in where a manifest says nothing."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.kinds import Item, Kind

_POD: dict[str, Any] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
}
_SPECS: dict[str, dict[str, Any]] = {
    "deployments": {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
        },
    },
    "replicasets": {"replicas": 1},
    "statefulsets": {
        "replicas": 1,
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate"},
    },
    "pods": _POD,
}


def defaulted(kind: Kind, item: Item) -> Item:
    """The object, completed in place."""
    item.setdefault("metadata", {})
    item |= {"apiVersion": kind.api_version, "kind": kind.name}
    if "status" in kind.subresources:
        item.pop("status", None)
    if kind.name == "Pod":
        item["status"] = {"phase": "Pending"}
    if kind.plural == "nodes":
        item["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    return completed(kind, item)


def completed(kind: Kind, item: Item) -> Item:
    """The object with defaults in its spec, in place; every write does this."""
    if kind.table in _SPECS:
        item["spec"] = {**_SPECS[kind.table], **item.get("spec", {})}
        template = item["spec"].get("template")
        if template:
            pods = {**template, "spec": {**_POD, **template.get("spec", {})}}
            item["spec"]["template"] = pods
    return item
