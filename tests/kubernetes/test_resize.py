"""Pods resized in place on a whole fake cluster: strictly validated, one at a time, by opt-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from autoscaler.targets.kubernetes import InPlace
from tests.clients.kubernetes.test_resizing import advice
from tests.kubernetes.authorization import Rule
from tests.kubernetes.cluster import TOKEN, Cluster
from tests.kubernetes.manifests import pod_template
from tests.kubernetes.test_target import LEAST
from tests.servers import eventually
from tests.targets.kubernetes_rig import running, target_of, units

RESIZE = Rule([""], ["pods/resize"], ["patch"])
SMALL = {"cpu": "500m", "memory": "500Mi"}
IN_PLACE = {"max_cpu": 4, "max_memory": "2Gi", "every_seconds": 10}


@pytest.fixture
async def target(made: Cluster, tmp_path: Path):
    template = pod_template("worker", 30, (), (), {}, {})
    template["spec"]["containers"][0]["resources"] = {"requests": SMALL}
    made.deployment("worker", 2, spec={"template": template})
    made.users.allow(TOKEN, *LEAST, RESIZE)
    one = target_of(made, tmp_path, in_place=IN_PLACE)
    yield one
    await one.aclose()


def requests(cluster: Cluster, name: str) -> Any:
    [container] = cluster.get("pods", name)["spec"]["containers"]
    return container["resources"]["requests"]


async def test_one_running_pod_gets_what_it_needs(made: Cluster, target: Any) -> None:
    first, second = await running(target, 2)
    changed = await target.resize([advice()])
    assert changed == (
        first,
        "worker: cpu requests 500m -> 1000m, memory requests 500Mi -> 1000Mi",
    )
    assert requests(made, first) == {"cpu": "1000m", "memory": "1000Mi"}
    assert requests(made, second) == SMALL
    assert await target.resize([advice()]) is None
    assert sorted(await units(target)) == [first, second]
    patches = [call for call in made.asked("patch") if "resize" in call]
    assert patches == [f"patch pods/resize {first}"]
    assert made.asked("delete", "create") == []


async def test_a_pod_that_waits_for_room_holds_up_the_next(
    made: Cluster, target: Any, tmp_path: Path
) -> None:
    made.resizer.refusal = "Deferred"
    first, second = await running(target, 2)
    assert await target.resize([advice()]) is not None

    async def seen() -> bool:
        conditions = made.get("pods", first)["status"]["conditions"]
        return "PodResizePending" in {one["type"] for one in conditions}

    await eventually(seen, "the condition")
    again = target_of(made, tmp_path, in_place=IN_PLACE)  # a restarted daemon has forgotten it
    await units(again)
    with capture_logs() as logs:
        assert await again.resize([advice()]) is None
    assert logs[0]["why"] == f"{first} is being resized: Deferred"
    await again.aclose()
    assert requests(made, second) == SMALL


async def test_a_pod_that_changes_meanwhile_is_left_for_another_time(
    made: Cluster, target: Any
) -> None:
    first, _ = await running(target, 2)
    made.faults.conflict("patch pods/resize", times=1)
    assert await target.resize([advice()]) is None
    assert requests(made, first) == SMALL


async def test_a_missing_rule_changes_nothing_and_is_named(made: Cluster, target: Any) -> None:
    made.users.allow(TOKEN, *LEAST)
    first, _ = await running(target, 2)
    with capture_logs() as logs:
        assert await target.resize([advice()]) is None
    assert requests(made, first) == SMALL
    assert 'resources: ["pods/resize"], verbs: ["patch"]' in logs[0]["why"]


async def test_a_cluster_without_the_subresource_is_left_alone(made: Cluster, target: Any) -> None:
    made.server.without = {"pods/resize"}
    await running(target, 2)
    with capture_logs() as logs:
        assert await target.resize([advice()]) is None
        assert await target.resize([advice()]) is None
    [told] = logs
    assert "does not serve pods/resize" in told["why"]
    assert [call for call in made.asked("patch") if "resize" in call] == []


async def test_without_consent_nothing_is_resized(made: Cluster, tmp_path: Path) -> None:
    made.deployment("worker", 1)
    target = target_of(made, tmp_path)
    await running(target, 1)
    assert await target.resize([advice()]) is None
    await target.aclose()


@pytest.mark.parametrize("memory", ["much", "0", "-1Gi"])
def test_bounds_that_make_no_sense(memory: str) -> None:
    with pytest.raises(ValidationError, match="such as"):
        InPlace(max_cpu=1, max_memory=memory)
