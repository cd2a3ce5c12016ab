"""CPU and memory of pods, as metrics.k8s.io tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from autoscaler.clients.kubernetes.connection import Connection, Object
from autoscaler.clients.kubernetes.faults import ApiError, NotFound
from autoscaler.clients.kubernetes.pods import unix_seconds
from autoscaler.clients.kubernetes.resource import Request, Resource
from autoscaler.model import Sample
from autoscaler.quantity import parse_milli

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
RESOURCES = ("cpu", "memory")
UNAVAILABLE = 503
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?)(h|ms|us|µs|ns|m|s)")


async def read_metrics(connection: Connection, namespace: str, selector: str) -> list[Sample]:
    """A sample for each resource of each container. Raises ApiError."""
    request = Request("list", Resource(GROUP, VERSION, "pods", namespace))
    params = (("labelSelector", selector),) if selector else ()
    try:
        answer = await connection.ask(request, params=params)
    except NotFound as error:
        raise ApiError(f"{GROUP} is not served here: install metrics-server", 404) from error
    except ApiError as error:
        if error.status != UNAVAILABLE:
            raise
        raise ApiError(f"{error}; is metrics-server well?", UNAVAILABLE) from error
    items = answer.get("items")
    if not isinstance(items, list):
        raise ApiError(f"{request}: what came is not a list")
    return [sample for item in items for sample in samples_of(item)]


def samples_of(item: Object) -> Iterator[Sample]:
    """What one pod uses. A resource that one container lacks is left out of the whole pod.

    Raises ApiError.
    """
    try:
        metadata = item["metadata"]
        at, window = unix_seconds(item["timestamp"]), go_seconds(item["window"])
        for resource in RESOURCES:
            uses = {one["name"]: one["usage"].get(resource) for one in item["containers"]}
            if None in uses.values():
                continue
            for container, quantity in uses.items():
                labels = _labels(metadata, container)
                yield Sample(resource, parse_milli(str(quantity)), at, labels, window)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(f"metrics of a pod came that cannot be understood: {error!r}") from error


def go_seconds(text: str) -> float:
    """A duration as Go writes it, such as 1m5.5s. Raises ValueError."""
    if not text or _PART.sub("", text):
        raise ValueError(f"{text[:20]!r} is no duration")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _labels(metadata: Mapping[str, Any], container: str) -> dict[str, str]:
    return {
        "namespace": metadata["namespace"],
        "pod": metadata["name"],
        "container": container,
    }
