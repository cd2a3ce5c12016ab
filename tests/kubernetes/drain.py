"""`kubectl drain`: no new pods for a node, and the eviction of those that are there."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.evictions import evict
from tests.kubernetes.owned import active, key_of
from tests.kubernetes.refusals import Refused


def drain(cluster: Cluster, node: str) -> Mapping[str, str]:
    """The pods that could not be evicted, and why. Call it again for those, as kubectl does."""
    if not cluster.get("nodes", node, "")["spec"].get("unschedulable"):
        cluster.cordon(node)
    refused = {}
    for pod in cluster.store.list("pods"):
        if pod["spec"].get("nodeName") != node or not active(pod):
            continue
        name = pod["metadata"]["name"]
        try:
            evict(cluster.api, key_of(pod), {"metadata": {"name": name}})
        except Refused as error:
            refused[name] = error.message
    return refused
