"""Daemon processes that share a lease and the units of one machine."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from autoscaler.clock import elapsed
from tests.end_to_end.process import AT_ONCE, DaemonProcess
from tests.servers import eventually

TOKEN = "let-me-in"
SLEEPERS = {
    "name": "sleepers",
    "queues": [],
    "min_replicas": 0,
    "max_replicas": 6,
    "policies": [{"kind": "expression", "expression": "0"}],
    "target": {"kind": "local", "command": ["sleep", "1000"]},
    **AT_ONCE,
}


class Member(DaemonProcess):
    """One of the daemons, as its HTTP interface shows it."""

    async def ready(self) -> bool:
        assert self.running, f"the daemon ended: {self.output}"
        try:
            return await self.status("/readyz") == 200
        except aiohttp.ClientError:
            return False

    async def leads(self) -> bool:
        try:
            return bool((await self.get("/api/v1/fleets")).get("leader"))
        except aiohttp.ClientError:
            return False

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        asked = {"reason": "a test", "actor": "tests", **body}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(self.url + path, json=asked) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def hold_at(self, replicas: int, fleet: str = "sleepers") -> None:
        """Be told to have so many replicas, as an operator does; the state directory is shared."""
        status, answer = await self.post(f"/api/v1/fleets/{fleet}/scale", replicas=replicas)
        assert status == 200, answer

    async def status(self, path: str) -> int:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status

    async def of_fleet(self, fleet: str = "sleepers") -> dict[str, Any]:
        return (await self.fleets())[fleet]

    async def size(self, fleet: str = "sleepers") -> int:
        return int((await self.of_fleet(fleet))["current"])


class Members:
    """Daemons with one config and one state directory, each with a journal of its own."""

    def __init__(self, directory: Path, state: Path, config: Mapping[str, Any]) -> None:
        self._directory = directory
        self._config = {"state_directory": str(state), **config}
        self.all: list[Member] = []

    async def start(self) -> Member:
        place = self._directory / f"daemon-{len(self.all)}"
        place.mkdir()
        journal = {"path": str(place / "journal.db")}
        http = {"token": TOKEN}
        member = Member(place, {**self._config, "journal": journal, "http": http})
        self.all.append(member)
        await member.launch()
        await eventually(member.ready, "the first tick", 30)
        return member

    async def start_two(self) -> tuple[Member, Member]:
        """The one that leads, and the one that follows it."""
        first = await self.start()
        await eventually(first.leads, "the first leader", 20)
        return first, await self.start()

    async def follow(self, old: Member, new: Member, number: signal.Signals) -> float:
        """End the leader by a signal; how many seconds until the other leads."""
        assert await old.leads()
        assert not await new.leads()
        began = elapsed()
        old.signal(number)
        await eventually(new.leads, f"a new leader\n{new.output[-3000:]}", 30)
        return elapsed() - began

    def started(self) -> Counter[str]:
        """How often each unit was started, by whomever."""
        return Counter(
            line["unit"] for member in self.all for line in member.events("unit started")
        )

    def acted(self, member: Member) -> list[str]:
        """What a daemon started or told to stop, in order."""
        lines = map(json.loads, member.output.splitlines())
        told = ("unit started", "unit told to stop")
        return [f"{line['event']}: {line['unit']}" for line in lines if line["event"] in told]

    async def kill(self) -> None:
        await asyncio.gather(*(member.kill() for member in self.all))
