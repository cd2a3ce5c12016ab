"""Lists whose elements have an identity: by it they are merged, and owned one by one."""

from __future__ import annotations

import json
from typing import Any

KEYS = {
    "conditions": "type",
    "containers": "name",
    "containerStatuses": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
SETS = ("finalizers",)
MAPS = ("annotations", "labels", "limits", "matchLabels", "nodeSelector", "requests")


def keyed(name: str, value: Any) -> dict[str, Any] | None:
    """The elements of a list field by their identity as fieldsV1 writes it; None: it is atomic."""
    if not isinstance(value, list):
        return None
    if name in SETS:
        return {f"v:{json.dumps(one)}": one for one in value}
    key = KEYS.get(name)
    if key is None or not all(isinstance(one, dict) and key in one for one in value):
        return None
    return {f"k:{json.dumps({key: one[key]}, separators=(',', ':'))}": one for one in value}
