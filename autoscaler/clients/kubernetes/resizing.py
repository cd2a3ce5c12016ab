"""Which pod to resize in place next, and to what: bounded, one at a time, never below its use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from autoscaler.clients.kubernetes.connection import Object
from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.pods import Pod
from autoscaler.model import ContainerRequest, Sizing
from autoscaler.quantity import parse_milli

WORTH = 0.1
LOOK_AGAIN_SECONDS = 3600.0
MILLICORES, MEBIBYTE = 1000, 2**20
RESTARTS = "RestartContainer"


@dataclass(frozen=True, slots=True)
class ResizeRules:
    """The most cores and bytes that one container may get, and how long to wait between pods."""

    most_cores: float
    most_bytes: float
    every_seconds: float


@dataclass(frozen=True, slots=True)
class Resize:
    """New resources of the containers of one pod. told: what changes, for people."""

    containers: Mapping[str, Mapping[str, Mapping[str, str]]]
    told: str

    @property
    def body(self) -> Object:
        """As a strategic merge patch."""
        items = [{"name": name, "resources": new} for name, new in self.containers.items()]
        return {"spec": {"containers": items}}


@dataclass(slots=True)
class Resizing:
    """Which pod is due. Remembers when the last one was, and which were looked at of late."""

    rules: ResizeRules
    _last_at: float | None = None
    _seen: dict[str, float] = field(default_factory=dict)

    def due(self, pods: Iterable[Pod], sizings: Sequence[Sizing], now: float) -> Pod | str:
        """The next pod whose requests are off by a tenth, or why none is touched ('': none is).

        now: seconds of any clock that only grows.
        """
        if self._last_at is not None and now - self._last_at < self.rules.every_seconds:
            return ""
        every = sorted((pod for pod in pods if pod.live), key=lambda pod: pod.name)
        self._seen = {
            pod.uid: self._seen[pod.uid]
            for pod in every
            if now - self._seen.get(pod.uid, -LOOK_AGAIN_SECONDS) < LOOK_AGAIN_SECONDS
        }
        if busy := next((pod for pod in every if pod.resizing), None):
            return f"{busy.name} is being resized: {busy.resizing}"
        sure = {sizing.container: sizing for sizing in sizings if sizing.sure}
        for pod in every:
            at_work = pod.ready and pod.drain is None and pod.uid not in self._seen
            if at_work and any(_is_off(one, sure, self.rules) for one in pod.requests):
                self._last_at = self._seen[pod.uid] = now
                return pod
        return ""


def resize_of(item: Object, sizings: Sequence[Sizing], rules: ResizeRules) -> Resize | None:
    """What to change in a pod as it is; None if nothing may be. Raises ApiError.

    A container that asks for nothing is left alone, as its pod's class of service may not change;
    one that a resize would restart is too, as that would kill what it runs.
    """
    advice = {sizing.container: sizing for sizing in sizings if sizing.sure}
    try:
        given = {one["name"]: one for one in item["spec"]["containers"]}
        made = {
            name: _changes(given[name], advice[name], rules)
            for name in given.keys() & advice.keys()
            if not _restarts(given[name])
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ApiError(f"a pod came that cannot be understood: {error!r}") from error
    changed = {name: made[name] for name in sorted(made) if made[name]}
    if not changed:
        return None
    told = "; ".join(_told(name, given[name], new) for name, new in changed.items())
    return Resize(changed, told)


def _is_off(one: ContainerRequest, advice: Mapping[str, Sizing], rules: ResizeRules) -> bool:
    sizing = advice.get(one.container)
    if sizing is None:
        return False
    cores = one.cpu is not None and _worth(one.cpu, min(sizing.request_cores, rules.most_cores))
    memory = _memory(sizing, rules)
    return cores or (one.memory is not None and memory is not None and _worth(one.memory, memory))


def _worth(present: float, wanted: float) -> bool:
    return abs(wanted - present) > WORTH * present


def _memory(sizing: Sizing, rules: ResizeRules) -> float | None:
    """The bytes to ask for; None where the bound is less than what was used."""
    wanted = min(float(sizing.memory_bytes), rules.most_bytes)
    return wanted if wanted >= sizing.peak_bytes else None


def _restarts(container: Mapping[str, Any]) -> bool:
    policies = container.get("resizePolicy") or ()
    return any(one.get("restartPolicy") == RESTARTS for one in policies)


def _changes(
    container: Mapping[str, Any], sizing: Sizing, rules: ResizeRules
) -> dict[str, dict[str, str]]:
    """Requests and limits that change. No limit is ever lowered."""
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    cores = ceil(min(sizing.request_cores, rules.most_cores) * MILLICORES)
    cpu = _pair(requests.get("cpu"), limits.get("cpu"), 1 / MILLICORES, cores, raises=False)
    changed = [("cpu", part, f"{number}m") for part, number in cpu]
    if (wanted := _memory(sizing, rules)) is not None:
        asked, limit = requests.get("memory"), limits.get("memory")
        memory = _pair(asked, limit, MEBIBYTE, ceil(wanted / MEBIBYTE), raises=True)
        changed += [("memory", part, f"{number}Mi") for part, number in memory]
    made: dict[str, dict[str, str]] = {}
    for resource, part, quantity in changed:
        made.setdefault(part, {})[resource] = quantity
    return made


def _pair(
    request: str | None, limit: str | None, unit: float, wanted: int, *, raises: bool
) -> list[tuple[str, int]]:
    """The new request and limit in whole units, if a tenth or more is to be gained.

    Those that are one stay one and those that differ keep differing, or the class of service would
    change. raises: a limit that is in the way is raised; else it caps the request.
    """
    if request is None or not _worth(parse_milli(str(request)), wanted * unit):
        return []
    if limit is None:
        return [("requests", wanted)]
    present, most = parse_milli(str(request)) / unit, parse_milli(str(limit)) / unit
    if present == most:
        return [("requests", wanted), ("limits", wanted)] if wanted > most else []
    if wanted < most:
        return [("requests", wanted)]
    if raises:
        return [("requests", wanted), ("limits", wanted + 1)]
    capped = ceil(most) - 1
    return [("requests", capped)] if _worth(present, capped) and capped > 0 else []


def _told(name: str, before: Mapping[str, Any], new: Mapping[str, Mapping[str, str]]) -> str:
    resources = before.get("resources") or {}
    parts = (
        f"{resource} {part} {resources[part][resource]} -> {quantity}"
        for part, values in new.items()
        for resource, quantity in values.items()
    )
    return f"{name}: {', '.join(parts)}"
