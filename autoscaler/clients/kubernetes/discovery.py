"""Where the API serves what the config names: known for our two, asked for with all others."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.clients.kubernetes.connection import Connection
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.resource import Request, Resource, workloads
from autoscaler.clients.kubernetes.view import ScaleTarget
from autoscaler.clients.kubernetes.workload import DEPLOYMENT, STATEFUL_SET


@dataclass(frozen=True, slots=True)
class Reference:
    """What is scaled, in the words of an HPA's scaleTargetRef.

    pod_selector: labels of its pods, for where its scale does not tell them.
    """

    api_version: str
    kind: str
    name: str
    pod_selector: str = ""


async def resolve(connection: Connection, namespace: str, reference: Reference) -> ScaleTarget:
    """Where the API serves it. Raises ApiError, also when it has no scale."""
    kind, name = reference.kind, reference.name
    if reference.api_version == "apps/v1" and kind in (DEPLOYMENT, STATEFUL_SET):
        return ScaleTarget(kind, workloads(kind, namespace), name)
    group, _, version = reference.api_version.rpartition("/")
    listing = await connection.ask(Request("get", Resource(group, version, "")))
    resources = listing.get("resources") or []
    plurals = {one["name"]: one.get("kind") for one in resources if isinstance(one, dict)}
    plural = next((p for p, k in plurals.items() if k == kind and "/" not in p), None)
    if plural is None:
        raise ApiError(f"the cluster knows no {kind} in {reference.api_version}", 404)
    if f"{plural}/scale" not in plurals:
        raise ApiError(f"{kind} in {reference.api_version} has no scale subresource", 404)
    resource = Resource(group, version, plural, namespace)
    return ScaleTarget(kind, resource, name, reference.pod_selector)
