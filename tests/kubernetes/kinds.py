"""The kinds of object that the fake control plane serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]
Key = tuple[str, str, str]
"""Table, namespace, name. The namespace is "" for what has none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. model: its class in the official client, or "" for custom resources.

    stored: the table that it is in, where that is not its plural.
    """

    group: str
    version: str
    plural: str
    name: str
    model: str = ""
    namespaced: bool = True
    subresources: tuple[str, ...] = ("status",)
    stored: str = ""
    read_only: bool = False

    @property
    def table(self) -> str:
        return self.stored or self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As errors have it, such as deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def custom(self) -> bool:
        return not self.model


NONE: tuple[str, ...] = ()
SCALED = ("status", "scale")
KINDS = (
    Kind("", "v1", "pods", "Pod", "V1Pod", subresources=("status", "eviction", "resize")),
    Kind("", "v1", "nodes", "Node", "V1Node", namespaced=False),
    Kind("", "v1", "namespaces", "Namespace", "V1Namespace", namespaced=False),
    Kind("", "v1", "configmaps", "ConfigMap", "V1ConfigMap", subresources=NONE),
    Kind("", "v1", "events", "Event", "CoreV1Event", subresources=NONE),
    Kind("apps", "v1", "deployments", "Deployment", "V1Deployment", subresources=SCALED),
    Kind("apps", "v1", "replicasets", "ReplicaSet", "V1ReplicaSet", subresources=SCALED),
    Kind("apps", "v1", "statefulsets", "StatefulSet", "V1StatefulSet", subresources=SCALED),
    Kind("coordination.k8s.io", "v1", "leases", "Lease", "V1Lease", subresources=NONE),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "V1PodDisruptionBudget"),
    Kind(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        "V2HorizontalPodAutoscaler",
    ),
    Kind(
        "metrics.k8s.io",
        "v1beta1",
        "pods",
        "PodMetrics",
        subresources=NONE,
        stored="podmetrics",
        read_only=True,
    ),
    Kind("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject"),
    Kind("example.com", "v1", "clusters", "Cluster", subresources=SCALED),
    Kind("example.com", "v1", "bares", "Bare"),
)
BY_PLURAL = {kind.table: kind for kind in KINDS}
BY_PATH = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
BY_NAME = {kind.name: kind for kind in KINDS}


def key_of(kind: Kind, item: Item) -> Key:
    metadata = item["metadata"]
    return kind.table, metadata.get("namespace", "") if kind.namespaced else "", metadata["name"]
