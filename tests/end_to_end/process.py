"""A daemon process with its config in a directory, and all that can be read from outside."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.servers import TESTS, Process, eventually, free_port

AT_ONCE = {
    "behavior": {
        "scale_up": {"stabilization_window_seconds": 0},
        "scale_down": {"stabilization_window_seconds": 0},
    },
    "drain": {"max_draining": 4, "max_percent_per_cycle": 100, "max_percent_per_hour": 1000},
}


class DaemonProcess(Process):
    """`autoscaler run`, with everything that it writes below one directory."""

    def __init__(
        self, directory: Path, config: Mapping[str, Any], env: Mapping[str, str] | None = None
    ) -> None:
        self.config = directory / "autoscaler.json"
        self.url = f"http://127.0.0.1:{free_port()}"
        own = {
            "interval_seconds": 0.5,
            "journal": {"path": str(directory / "journal.db")},
            "state_directory": str(directory / "state"),
            "log": {"format": "json", "level": "debug"},
        }
        http = {"listen": self.url.removeprefix("http://"), **config.get("http", {})}
        self.config.write_text(json.dumps({**own, **config, "http": http}))
        command = [sys.executable, "-m", "autoscaler", "run", "--config", str(self.config)]
        super().__init__(command, directory / "daemon.log", env, TESTS.parent)

    def events(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The lines of the log that tell of this event, with these fields."""
        lines = map(json.loads, self.output.splitlines())
        wanted = {"event": event, **fields}
        return [line for line in lines if wanted.items() <= line.items()]

    async def text(self, path: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return await answer.text()

    async def get(self, path: str) -> Any:
        return json.loads(await self.text(path))

    async def sources(self) -> dict[str, str]:
        """Source -> why it cannot be read, empty for one that can; none before the first tick."""
        assert self.running, f"the daemon ended: {self.output}"
        try:
            health = await self.get("/api/v1/health")
        except aiohttp.ClientError:
            return {}
        return {source["name"]: source["why"] for source in health.get("sources", ())}

    async def source_up(self) -> dict[str, float]:
        """`autoscaler_source_up` by source."""
        families = text_string_to_metric_families(await self.text("/metrics"))
        samples = [sample for family in families for sample in family.samples]
        return {
            sample.labels["source"]: sample.value
            for sample in samples
            if sample.name == "autoscaler_source_up"
        }

    async def fleets(self) -> dict[str, dict[str, Any]]:
        return {fleet["name"]: fleet for fleet in (await self.get("/api/v1/fleets"))["fleets"]}

    async def ticked(self, times: int) -> None:
        """Wait until so many more ticks are over."""

        async def number() -> float:
            families = text_string_to_metric_families(await self.text("/metrics"))
            return sum(
                sample.value
                for family in families
                for sample in family.samples
                if sample.name == "autoscaler_reconcile_duration_seconds_count"
            )

        enough = await number() + times

        async def reached() -> bool:
            return await number() >= enough

        await eventually(reached, f"{times} ticks", every_seconds=0.1)


@contextlib.asynccontextmanager
async def daemon(
    directory: Path, config: Mapping[str, Any], env: Mapping[str, str] | None = None
) -> AsyncIterator[DaemonProcess]:
    """A daemon whose every source was tried once; it is killed in the end."""
    process = DaemonProcess(directory, config, env)
    await process.launch()
    try:
        await eventually(process.sources, f"the first tick\n{process.output}", 30)
        yield process
    except BaseException:
        sys.stderr.write(process.output[-6000:])
        raise
    finally:
        await process.kill()
