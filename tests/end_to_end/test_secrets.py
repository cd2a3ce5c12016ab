"""What is secret, and what tasks are called with, is in nothing that a run writes or answers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import aiohttp
from celery import Celery

from tests.end_to_end.process import AT_ONCE, DaemonProcess, daemon
from tests.servers import TESTS, celery_worker, eventually, valkey

BROKER = "canary-broker-7d21"
TOKEN = "canary-token-93be"
HOOK = "canary-hook-5aa0"
WRONG = "canary-wrong-c4f8"
ARGUMENT = "canary-argument-18e6"
CANARIES = (BROKER, TOKEN, HOOK, WRONG, ARGUMENT)
ROUTES = (
    "/metrics",
    "/readyz",
    "/api/v1/fleets",
    "/api/v1/fleets/default",
    "/api/v1/fleets/default/decisions",
    "/api/v1/fleets/default/explain",
    "/api/v1/health",
    "/api/v1/alerts",
    "/api/v1/openapi.json",
)


def leaks(text: str, where: str) -> list[str]:
    return [f"{canary} in {where}" for canary in CANARIES if canary in text]


def configuration(port: int, reference: Any, token: Path) -> dict[str, Any]:
    """Two good sources, one with the wrong password, and a webhook that nobody answers."""
    return {
        "http": {"token": {"file": str(token)}},
        "sources": {
            "broker": {"kind": "redis_broker", "url": {"env": "CANARY_URL"}},
            "workers": {"kind": "celery_workers", "url": reference},
            "wrong": {"kind": "redis_broker", "url": f"redis://u:{WRONG}@127.0.0.1:{port}/0"},
            "nobody": {"kind": "redis_broker", "url": f"redis://:{WRONG}@127.0.0.1:1/0?x={WRONG}"},
        },
        "checks": {"source_down": {"for_seconds": 0}},
        "notifiers": [{"kind": "webhook", "url": f"http://u:{HOOK}@127.0.0.1:1/{HOOK}?t={HOOK}"}],
        "fleets": [
            {
                "name": "default",
                "queues": ["default"],
                "slots_per_replica": 1,
                "max_replicas": 3,
                "target": {"kind": "simulated"},
                **AT_ONCE,
            }
        ],
    }


async def said(*arguments: str, env: dict[str, str]) -> str:
    """All that a command of ours prints, with an error of its own or without."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "autoscaler", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | env,
        cwd=TESTS.parent,
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    return output.decode()


async def answers(running: DaemonProcess) -> dict[str, str]:
    """What every route says, and what is said to writers with a wrong token and the right one."""
    found = {route: await running.text(route) for route in ROUTES}
    async with aiohttp.ClientSession() as session:
        for token in (TOKEN + "x", TOKEN):
            headers = {"Authorization": f"Bearer {token}"}
            body = {"reason": f"see redis://u:{BROKER}@h/0", "actor": "test"}
            url = f"{running.url}/api/v1/fleets/default/pause"
            async with session.post(url, json=body, headers=headers) as answer:
                found[f"pause, {answer.status}"] = await answer.text()
    return found


def send(broker_url: str) -> None:
    """Tasks with a canary as argument: one runs for long, the others wait."""
    app = Celery(broker=broker_url)
    with app.connection_for_write() as connection:
        for _ in range(3):
            app.send_task("nap", (30, ARGUMENT), queue="default", connection=connection)


async def test_no_secret_and_no_argument_of_a_task_leaves_the_daemon(tmp_path):
    async with valkey(password=BROKER) as broker, celery_worker(broker.url):
        token, url = tmp_path.parent / "token", tmp_path.parent / "url"
        for path, text in ((token, TOKEN), (url, broker.url)):
            path.write_text(text)
            path.chmod(0o600)
        env = {"CANARY_URL": broker.url, "AUTOSCALER_TOKEN": TOKEN}
        config = configuration(broker.port, {"file": str(url)}, token)
        send(broker.url)
        async with daemon(tmp_path, config, env) as running:
            found = await exercised(running, env)
            broken = tmp_path / "broken.json"
            broken.write_text(json.dumps(config | {"interval_seconds": "soon"}))
            found["check of a wrong file"] = await said("check", str(broken), env=env)
            assert await running.terminate() == 0
        broken.unlink()
        running.config.unlink()
        leaked = [leak for name, text in found.items() for leak in leaks(text, name)]
        for path in filter(Path.is_file, tmp_path.rglob("*")):
            leaked += leaks(path.read_bytes().decode(errors="replace"), str(path))
        assert leaked == []
        assert {"daemon.log", "journal.db"} <= {path.name for path in tmp_path.iterdir()}


async def exercised(running: DaemonProcess, env: dict[str, str]) -> dict[str, str]:
    """All that is said while tasks run, sources are down and an alert cannot be delivered."""

    async def busy() -> bool:
        return (await running.fleets())["default"]["waiting_tasks"] is not None

    await eventually(busy, "demand is known")
    await eventually(lambda: "notif" in running.output, "an alert that is not delivered", 15)
    found = await answers(running)
    assert {"pause, 200", "pause, 401"} <= found.keys()
    sources = await running.sources()
    assert (bool(sources["wrong"]), bool(sources["nobody"])) == (True, True)
    config, at = str(running.config), ("--url", running.url)
    commands = {
        "check": ("check", config, "--live"),
        "status": ("status", "default", *at),
        "explain": ("explain", "default", *at, "-o", "json"),
    }
    told = await asyncio.gather(*(said(*command, env=env) for command in commands.values()))
    found |= dict(zip(commands, told, strict=True))
    assert "broker" in found["check"]
    return found
