"""Manifests for tests: a pod template with one container, and nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.kubernetes.kinds import Item

ZONE = "topology.kubernetes.io/zone"
SPOT = {"karpenter.sh/capacity-type": "spot"}


def pod_template(
    app: str,
    grace: int,
    command: Sequence[str],
    args: Sequence[str],
    env: Mapping[str, str],
    node_selector: Mapping[str, str],
) -> Item:
    """Pods with one container, worker. grace: terminationGracePeriodSeconds."""
    container: Item = {"name": "worker", "image": "airflow:3.1"}
    container |= {"command": list(command)} if command else {}
    container |= {"args": list(args)} if args else {}
    container |= {"env": [{"name": k, "value": v} for k, v in env.items()]} if env else {}
    spec: Item = {"containers": [container], "terminationGracePeriodSeconds": grace}
    spec |= {"nodeSelector": dict(node_selector)} if node_selector else {}
    return {"metadata": {"labels": {"app": app}}, "spec": spec}


def pod_metrics(pod: Item, containers: Mapping[str, tuple[str, str]], now: str) -> Item:
    """A PodMetrics of one pod."""
    metadata = {name: pod["metadata"][name] for name in ("name", "namespace", "labels")}
    usages = [
        {"name": name, "usage": {"cpu": cpu, "memory": memory}}
        for name, (cpu, memory) in containers.items()
    ]
    kind = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics"}
    times = {"timestamp": now, "window": "15s"}
    return {**kind, "metadata": metadata, **times, "containers": usages}


def node_manifest(name: str, zone: str, *, spot: bool) -> Item:
    labels = {"kubernetes.io/hostname": name}
    labels |= {ZONE: zone} if zone else {}
    labels |= SPOT if spot else {}
    return {"metadata": {"name": name, "labels": labels}, "spec": {}}
