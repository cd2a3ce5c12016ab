"""What the fake API server does that only it can be made to do: faults, expiry, rights."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from tests.kubernetes.authorization import Rule
from tests.kubernetes.cluster import TOKEN, Cluster
from tests.kubernetes.test_cluster import ready
from tests.servers import eventually

WORKER = "/apis/apps/v1/namespaces/airflow/deployments/worker"
PODS = "/api/v1/namespaces/airflow/pods"
MERGE = {"Content-Type": "application/merge-patch+json"}
Ask = Callable[..., Any]


@pytest.fixture
async def session(made: Cluster) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(made.url, headers=headers) as opened:
        made.deployment("worker", 2)
        await ready(made, 2)
        yield opened


async def scale(session: aiohttp.ClientSession, replicas: int) -> tuple[int, Any]:
    body = json.dumps({"spec": {"replicas": replicas}})
    async with session.patch(f"{WORKER}/scale", data=body, headers=MERGE) as answer:
        return answer.status, await answer.json()


async def lines(response: aiohttp.ClientResponse) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in response.content]


async def test_faults_strike_the_requests_that_are_named(
    made: Cluster, session: aiohttp.ClientSession
) -> None:
    made.faults.conflict("patch deployments/scale", times=1)
    async with session.get(WORKER) as answer:
        assert answer.status == 200
    assert (await scale(session, 1))[0] == 409
    assert made.replicas() == 2
    assert (await scale(session, 1))[0] == 200
    assert made.asked("patch") == ["patch deployments/scale worker"] * 2
    assert [call.status for call in made.requests] == [200, 409, 200]


async def test_a_throttled_request_is_told_for_how_long(
    made: Cluster, session: aiohttp.ClientSession
) -> None:
    fault = made.faults.throttle(3)
    with made.faults.during(fault):
        async with session.get(PODS) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    async with session.get(PODS) as answer:
        assert answer.status == 200


async def test_a_reset_comes_after_the_deed(made: Cluster, session: aiohttp.ClientSession) -> None:
    made.faults.reset("patch")
    with pytest.raises(aiohttp.ClientError):
        await scale(session, 1)
    assert made.replicas() == 1


async def test_an_answer_may_be_cut_or_never_come(
    made: Cluster, session: aiohttp.ClientSession
) -> None:
    made.faults.cut("list pods", times=1)
    async with session.get(PODS) as answer:
        with pytest.raises(json.JSONDecodeError):
            json.loads(await answer.read())
    made.faults.hang("list pods")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), session.get(PODS):
            pass


async def test_a_server_that_was_stopped_comes_back_at_its_port(
    made: Cluster, session: aiohttp.ClientSession
) -> None:
    await made.server.stop()
    with pytest.raises(aiohttp.ClientError):
        await session.get(PODS)
    await made.server.start()
    async with session.get(PODS) as answer:
        assert answer.status == 200


async def test_tokens_and_rules_are_checked(made: Cluster, session: aiohttp.ClientSession) -> None:
    made.users.allow(TOKEN, Rule(["apps"], ["deployments"], ["get"], ["worker"]))
    async with session.get(WORKER) as answer:
        assert answer.status == 200
    status, body = await scale(session, 1)
    assert (status, body["reason"]) == (403, "Forbidden")
    assert body["message"] == (
        'deployments.apps "worker" is forbidden: User "system:serviceaccount:airflow:token-1" '
        'cannot patch resource "deployments/scale" in API group "apps" in the namespace "airflow"'
    )
    made.users.revoke(TOKEN)
    assert (await scale(session, 1))[0] == 401


@pytest.mark.parametrize("as_status", [True, False])
async def test_an_expired_version_is_gone(
    made: Cluster, session: aiohttp.ClientSession, as_status: bool
) -> None:
    made.watches.gone_as_status = as_status
    version = made.store.version
    made.watches.expire()
    async with session.get(PODS, params={"watch": "1", "resourceVersion": version}) as answer:
        told = await lines(answer)
    assert answer.status == (410 if as_status else 200)
    status = told[0] if as_status else told[0]["object"]
    assert (status["code"], status["reason"]) == (410, "Expired")


async def test_bookmarks_come_to_those_that_want_them(
    made: Cluster, session: aiohttp.ClientSession
) -> None:
    made.watches.bookmark_seconds = 0.05
    params = {"watch": "1", "resourceVersion": made.store.version, "timeoutSeconds": "1"}
    wanted = session.get(PODS, params={**params, "allowWatchBookmarks": "true"})
    async with wanted as with_them, session.get(PODS, params=params) as without:
        told = await lines(with_them)
        assert {event["type"] for event in told} == {"BOOKMARK"}
        assert told[-1]["object"]["metadata"]["resourceVersion"] == str(made.store.version)
        assert await lines(without) == []


async def test_watches_are_paused_cut_and_garbled(
    made: Cluster, session: aiohttp.ClientSession
) -> None:
    params = {"watch": "1", "resourceVersion": made.store.version}
    async with session.get(PODS, params=params) as answer:
        made.watches.pause()
        made.annotate("pods", made.live()[0], a="1")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await answer.content.readline()
        made.watches.resume()
        assert json.loads(await answer.content.readline())["type"] == "MODIFIED"
        await made.watches.garble()
        with pytest.raises(aiohttp.ClientError):
            await lines(answer)
    await eventually(lambda: len(made.watches) == 0)


async def test_a_rollout_replaces_all_pods(made: Cluster, session: aiohttp.ClientSession) -> None:
    before = set(made.live())
    template = {"spec": {"containers": [{"name": "worker", "image": "airflow:3.2"}]}}
    body = json.dumps({"spec": {"template": template}})
    kind = {"Content-Type": "application/strategic-merge-patch+json"}
    async with session.patch(WORKER, data=body, headers=kind) as answer:
        assert answer.status == 200
    await eventually(lambda: not before & {pod["metadata"]["name"] for pod in made.pods()})
    after = await ready(made, 2)
    assert len({name.rpartition("-")[0] for name in after}) == 1


async def test_what_owned_pods_take_them_along(
    made: Cluster, session: aiohttp.ClientSession
) -> None:
    async with session.delete(WORKER) as answer:
        assert (answer.status, (await answer.json())["status"]) == (200, "Success")
    await eventually(lambda: made.pods() == [], "no pods")
    assert made.store.list("replicasets") == []
