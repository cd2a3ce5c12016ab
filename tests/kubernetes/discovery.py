"""What the server says that it serves."""

from __future__ import annotations

from collections.abc import Collection

from tests.kubernetes.kinds import KINDS, Item, Kind
from tests.kubernetes.refusals import Refused

_SUBRESOURCES: dict[str, Item] = {
    "scale": {"kind": "Scale", "group": "autoscaling", "version": "v1"},
    "eviction": {"kind": "Eviction", "group": "policy", "version": "v1", "verbs": ["create"]},
}
_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def discovered(path: str, without: Collection[str] = ()) -> Item:
    """The answer for a path that names no kind. Raises Refused (404).

    without: what an older server lacks, such as pods/resize.
    """
    parts = path.strip("/").split("/")
    if parts == ["version"]:
        return {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
    if parts in (["livez"], ["readyz"], ["healthz"]):
        return {"kind": "Status", "status": "Success"}
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"]}
    if parts == ["apis"]:
        versions = {kind.group: kind.version for kind in KINDS if kind.group}
        groups = [_group(group, version) for group, version in versions.items()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    version = "/".join(parts[1:])
    found = [kind for kind in KINDS if kind.api_version == version]
    if parts[0] not in ("api", "apis") or not found:
        raise Refused(404, "the server could not find the requested resource")
    resources = [one for kind in found for one in _resources(kind)]
    listing = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version}
    served = [one for one in resources if one["name"] not in without]
    return {**listing, "resources": served}


def _group(group: str, version: str) -> Item:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resources(kind: Kind) -> list[Item]:
    first = {"name": kind.plural, "kind": kind.name, "namespaced": kind.namespaced}
    first["verbs"] = ["get", "list"] if kind.read_only else _VERBS
    found: list[Item] = [{**first, "singularName": kind.name.lower()}]
    for subresource in kind.subresources:
        one = {**first, "name": f"{kind.plural}/{subresource}", "verbs": ["get", "patch", "update"]}
        one |= _SUBRESOURCES.get(subresource, {})
        found.append({**one, "singularName": ""})
    return found
