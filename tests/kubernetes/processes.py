"""Runs the first container of each pod as a real process, as a container runtime would."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.kubernetes.containers import Container
from tests.kubernetes.kinds import Item
from tests.servers import TESTS, Process, eventually

LONG_SECONDS = 86_400.0
_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


class Processes:
    """Command, args and env are the container's; $(NAME) in them stands for a variable.

    HOSTNAME is the pod's name. env: for all of them. ready: whether one is, by its process; at once
    if there is none. Logs are in `directory`, one for each pod.
    """

    def __init__(
        self,
        directory: Path,
        env: Mapping[str, str] | None = None,
        ready: Callable[[Process], bool] = lambda _: True,
    ) -> None:
        self.running: dict[str, Process] = {}
        self._directory = directory
        self._env = dict(env or {})
        self._ready = ready

    async def start(self, pod: Item) -> Container:
        name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]
        env = {**self._env, "HOSTNAME": name, **_variables(pod, container)}
        words = (*container.get("command", ()), *container.get("args", ()))
        command = [_VARIABLE.sub(lambda found: env.get(found[1], found[0]), word) for word in words]
        process = Process(command, self._directory / f"{name}.log", env, TESTS.parent)
        await process.launch()
        self.running[name] = process
        return _Running(process, self._ready)

    def pids(self) -> dict[str, int]:
        """Pod -> process id of those that run."""
        return {name: one.pid for name, one in self.running.items() if one.running}


class _Running:
    def __init__(self, process: Process, ready: Callable[[Process], bool]) -> None:
        self._process = process
        self._ready = ready

    async def ready(self) -> None:
        await eventually(lambda: self._ready(self._process), "a ready container", 120, 0.1)

    async def ended(self) -> int:
        """What its main process left behind is killed, as it is with a container."""
        code = await self._process.exited(LONG_SECONDS)
        self.kill()
        return code

    def terminate(self) -> None:
        """Only the main process is told, as it is in a container."""
        self._process.signal(signal.SIGTERM)

    def kill(self) -> None:
        self._process.signal(signal.SIGKILL, group=True)


def _variables(pod: Item, container: Item) -> dict[str, str]:
    """The container's env: values, and fields of the pod."""
    fields = {f"metadata.{name}": pod["metadata"].get(name, "") for name in ("name", "namespace")}
    fields["spec.nodeName"] = pod["spec"].get("nodeName", "")
    found = {}
    for one in container.get("env") or ():
        reference = (one.get("valueFrom") or {}).get("fieldRef") or {}
        found[one["name"]] = one.get("value", fields.get(reference.get("fieldPath"), ""))
    return found
