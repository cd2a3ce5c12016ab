"""What a pod's containers ask for, as the HPA counts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from autoscaler.model import ContainerRequest
from autoscaler.quantity import parse_milli

MOST_KNOWN = 1024


def requests_of(spec: Mapping[str, Any]) -> tuple[ContainerRequest, ...]:
    """Of every container, sidecars included, and of the pod as a whole where it says so.

    Raises ValueError.
    """
    return _shared(tuple(_requests(spec)))


def _requests(spec: Mapping[str, Any]) -> Iterator[ContainerRequest]:
    if asked := (spec.get("resources") or {}).get("requests"):
        yield _request("", asked)
    inits = spec.get("initContainers") or ()
    sidecars = (one for one in inits if one.get("restartPolicy") == "Always")
    for one in (*spec["containers"], *sidecars):
        yield _request(one["name"], (one.get("resources") or {}).get("requests") or {})


def _request(container: str, asked: Mapping[str, Any]) -> ContainerRequest:
    return ContainerRequest(container, _amount(asked.get("cpu")), _amount(asked.get("memory")))


def _amount(quantity: Any) -> float | None:
    return None if quantity is None else parse_milli(str(quantity))


@lru_cache(MOST_KNOWN)
def _shared(requests: tuple[ContainerRequest, ...]) -> tuple[ContainerRequest, ...]:
    """The same for all pods of one template, so that thousands keep one."""
    return requests
