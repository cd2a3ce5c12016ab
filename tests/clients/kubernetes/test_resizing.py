"""Which pod is resized in place, and to what: bounded, one at a time, never below its use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from autoscaler.clients.kubernetes.faults import ApiError
from autoscaler.clients.kubernetes.resizing import ResizeRules, Resizing, resize_of
from autoscaler.model import Sizing
from tests.clients.kubernetes.manifests import pod, pod_manifest

MIB = 2**20
RULES = ResizeRules(most_cores=4.0, most_bytes=2048 * MIB, every_seconds=60)
PENDING = {"type": "PodResizePending", "status": "True", "reason": "Deferred"}
READY = {"type": "Ready", "status": "True"}


def advice(cores: float = 1.0, mebibytes: int = 1000, **changes: Any) -> Sizing:
    facts: dict[str, Any] = {
        "container": "worker",
        "request_cores": cores,
        "memory_bytes": mebibytes * MIB,
        "used_cores": cores,
        "peak_bytes": mebibytes * MIB / 1.15,
        "busy": 1,
        "idle_bytes": 100.0 * MIB,
        "task_bytes": None,
        "full_bytes": mebibytes * MIB / 1.15,
        "slots": None,
        "measured_seconds": 90_000.0,
        "sure": True,
    }
    return Sizing(**{**facts, **changes})


def spec(requests: Any = None, limits: Any = None, **container: Any) -> dict[str, Any]:
    resources = {"requests": requests or {"cpu": "500m", "memory": "500Mi"}}
    resources |= {"limits": limits} if limits else {}
    return {"containers": [{"name": "worker", "resources": resources, **container}]}


def changes(sizing: Sizing, requests: Any = None, limits: Any = None, **container: Any) -> Any:
    made = resize_of(pod_manifest(spec=spec(requests, limits, **container)), [sizing], RULES)
    return made and made.containers["worker"]


@pytest.mark.parametrize(
    ("sizing", "requests", "limits", "expected"),
    [
        (advice(), None, None, {"requests": {"cpu": "1000m", "memory": "1000Mi"}}),
        (advice(0.25, 300), None, None, {"requests": {"cpu": "250m", "memory": "300Mi"}}),
        (advice(0.52, 520), None, None, None),
        (advice(9.0, 1000), None, None, {"requests": {"cpu": "4000m", "memory": "1000Mi"}}),
        (advice(0.5, 9000), None, None, None),
        (advice(), {"ephemeral-storage": "1Gi"}, None, None),
        # Limits that are in the way: memory's is raised, CPU's caps the request.
        (
            advice(),
            None,
            {"cpu": "800m", "memory": "800Mi"},
            {
                "requests": {"cpu": "799m", "memory": "1000Mi"},
                "limits": {"memory": "1001Mi"},
            },
        ),
        (advice(1.0, 500), None, {"cpu": "510m"}, None),
        (
            advice(),
            None,
            {"cpu": "2", "memory": "2Gi"},
            {"requests": {"cpu": "1000m", "memory": "1000Mi"}},
        ),
        # What is guaranteed stays so, and is never lowered.
        (
            advice(),
            None,
            {"cpu": "500m", "memory": "500Mi"},
            {
                "requests": {"cpu": "1000m", "memory": "1000Mi"},
                "limits": {"cpu": "1000m", "memory": "1000Mi"},
            },
        ),
        (advice(0.1, 100), None, {"cpu": "500m", "memory": "500Mi"}, None),
        (replace(advice(), sure=False), None, None, None),
        (replace(advice(), container="logs"), None, None, None),
    ],
)
def test_what_changes(sizing: Sizing, requests: Any, limits: Any, expected: Any) -> None:
    assert changes(sizing, requests, limits) == expected


def test_memory_is_never_asked_for_below_its_peak() -> None:
    high = advice(0.5, 3000)
    assert changes(high, {"cpu": "500m", "memory": "4Gi"}) is None
    within = replace(advice(0.5, 2300), peak_bytes=2000.0 * MIB)
    assert changes(within, {"cpu": "500m", "memory": "4Gi"}) == {"requests": {"memory": "2048Mi"}}


def test_a_container_that_a_resize_would_restart_is_left_alone() -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    assert changes(advice(), resizePolicy=policy) is None
    kept = [{"resourceName": "memory", "restartPolicy": "NotRequired"}]
    assert changes(advice(), resizePolicy=kept) is not None


def test_it_is_told_and_sent() -> None:
    limits = {"memory": "500Mi"}
    made = resize_of(pod_manifest(spec=spec(limits=limits)), [advice(0.5)], RULES)
    assert made is not None
    assert made.told == ("worker: memory requests 500Mi -> 1000Mi, memory limits 500Mi -> 1000Mi")
    resources = {"requests": {"memory": "1000Mi"}, "limits": {"memory": "1000Mi"}}
    assert made.body == {"spec": {"containers": [{"name": "worker", "resources": resources}]}}


def test_a_pod_that_cannot_be_understood_is_refused() -> None:
    with pytest.raises(ApiError, match="cannot be understood"):
        resize_of({"spec": {}}, [advice()], RULES)


def small(name: str, **facts: Any) -> Any:
    return pod(name, spec=spec(), **facts)


def test_one_pod_at_a_time_and_each_at_most_once_an_hour() -> None:
    resizing, pods = Resizing(RULES), [small("b"), small("a")]
    due = [resizing.due(pods, [advice()], at) for at in (0.0, 59.0, 60.0, 120.0, 3600.0)]
    assert [getattr(found, "name", found) for found in due] == ["a", "", "b", "", "a"]


def test_a_resize_that_is_not_done_holds_up_the_next() -> None:
    waiting = small("b", conditions=[READY, PENDING])
    done = small("c", conditions=[READY, {**PENDING, "status": "False"}])
    assert Resizing(RULES).due([small("a"), waiting], [advice()], 0.0) == (
        "b is being resized: Deferred"
    )
    under_way = small("b", conditions=[READY, {"type": "PodResizeInProgress", "status": "True"}])
    assert "in progress" in str(Resizing(RULES).due([under_way], [advice()], 0.0))
    assert Resizing(RULES).due([done], [advice()], 0.0) == done


@pytest.mark.parametrize(
    "sizing",
    [advice(0.5, 500), replace(advice(), sure=False), advice(0.5, 9000), advice(0.52, 520)],
)
def test_who_is_about_right_or_not_measured_for_a_day_is_left_alone(sizing: Sizing) -> None:
    pods = [small("a")]
    assert Resizing(RULES).due(pods, [sizing], 0.0) == ""


def test_who_leaves_or_is_not_ready_is_left_alone() -> None:
    leaving = small("a", annotations={"autoscaler/drain": '{"since": 1, "queues": []}'})
    pods = [leaving, small("b", ready=False), small("c", deletionTimestamp="2026-11-22T10:00:00Z")]
    assert leaving.drain is not None
    assert Resizing(RULES).due(pods, [advice()], 0.0) == ""
