"""The status of a pod in each part of its life, as a kubelet writes it."""

from __future__ import annotations

from typing import Any

from tests.kubernetes.kinds import Item


def creating(pod: Item, now: str) -> None:
    """On its node; the image comes."""
    containers = [
        {**_container(pod, one), "ready": False, "started": False}
        | {"state": {"waiting": {"reason": "ContainerCreating"}}}
        for one in pod["spec"]["containers"]
    ]
    _tell(pod, now, "Pending", containers, ready=False)
    pod["status"]["startTime"] = now


def running(pod: Item, now: str, *, ready: bool) -> None:
    """Its containers run."""
    containers = [
        {**_container(pod, one), "ready": ready, "started": True}
        | {"state": {"running": {"startedAt": now}}}
        for one in pod["spec"]["containers"]
    ]
    _tell(pod, now, "Running", containers, ready=ready)
    pod["status"]["podIP"] = pod["status"].get("podIP", "127.0.0.1")


def crashed(pod: Item, now: str, code: int) -> None:
    """Its containers ended, and wait for another start."""
    wait = {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}
    containers = []
    for one in pod["spec"]["containers"]:
        was = _container(pod, one)
        facts = {"ready": False, "started": False, "restartCount": was["restartCount"] + 1}
        states = {"state": {"waiting": wait}, "lastState": {"terminated": {"exitCode": code}}}
        containers.append({**was, **facts, **states})
    _tell(pod, now, "Running", containers, ready=False)


def ended(pod: Item, code: int) -> None:
    """It is not started again."""
    pod["status"]["phase"] = "Failed" if code else "Succeeded"
    for one in pod["status"].get("containerStatuses") or ():
        one |= {"ready": False, "state": {"terminated": {"exitCode": code}}}


def _container(pod: Item, one: Item) -> dict[str, Any]:
    before = pod["status"].get("containerStatuses") or ()
    was = next((status for status in before if status["name"] == one["name"]), {})
    facts = {"name": one["name"], "image": one.get("image", ""), "imageID": ""}
    kept = {name: was[name] for name in ("lastState",) if name in was}
    return {**facts, **kept, "restartCount": was.get("restartCount", 0)}


def _tell(pod: Item, now: str, phase: str, containers: list[Item], *, ready: bool) -> None:
    status = pod["status"]
    status |= {"phase": phase, "containerStatuses": containers}
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    for name, holds in (("Initialized", True), ("ContainersReady", ready), ("Ready", ready)):
        said = "True" if holds else "False"
        if (conditions.get(name) or {}).get("status") != said:
            conditions[name] = {"type": name, "status": said, "lastTransitionTime": now}
    status["conditions"] = [*conditions.values()]
