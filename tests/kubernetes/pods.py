"""The kubelet: runs what is in each pod, says how it is, and ends it within its grace period."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.kubernetes.api import Api
from tests.kubernetes.containers import Container, Pretended, Runner
from tests.kubernetes.kinds import Item, Key
from tests.kubernetes.ownership import Author
from tests.kubernetes.podstatus import crashed, creating, ended, running
from tests.kubernetes.refusals import Refused
from tests.kubernetes.store import Event
from tests.kubernetes.times import stamp

AUTHOR = Author("kubelet", "status")


@dataclass(frozen=True, slots=True)
class End:
    """How a pod ended. killed: its grace was over first. seconds: from SIGTERM on."""

    name: str
    killed: bool
    seconds: float


@dataclass(slots=True)
class _Life:
    bound: asyncio.Event = field(default_factory=asyncio.Event)
    told_to_end: asyncio.Event = field(default_factory=asyncio.Event)
    gone: bool = False
    container: Container | None = None


class Kubelet:
    """For all nodes. runner: what starts something for a pod; by default nothing real.

    start_seconds: how long a pod is Pending on its node. ready_seconds: how long it then takes to
    be ready. backoff_seconds: how long a container that ended waits for its next start. asleep:
    nothing is started nor ended any more, as if the nodes were gone.
    """

    def __init__(self, api: Api) -> None:
        self.runner: Runner = Pretended()
        self.start_seconds = 0.0
        self.ready_seconds = 0.0
        self.backoff_seconds = 10.0
        self.ends: list[End] = []
        self._api = api
        self._lives: dict[str, _Life] = {}
        self._tasks: asyncio.TaskGroup | None = None
        api.store.listeners.add(self._noticed)

    @property
    def killed(self) -> list[str]:
        """The pods whose grace was over before they had ended."""
        return [end.name for end in self.ends if end.killed]

    async def run(self) -> None:
        """Until cancelled; then everything that runs is killed."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await asyncio.Event().wait()
        finally:
            self._tasks = None
            containers = [life.container for life in self._lives.values() if life.container]
            for container in containers:
                container.kill()
            await asyncio.gather(*(container.ended() for container in containers))

    def container(self, name: str) -> Container:
        """What runs in a pod."""
        pod = next(p for p in self._api.store.list("pods") if p["metadata"]["name"] == name)
        found = self._lives[pod["metadata"]["uid"]].container
        assert found is not None, f"nothing runs in {name}"
        return found

    def set_ready(self, namespace: str, name: str, *, ready: bool) -> None:
        """What a readiness probe would find."""
        key, now = ("pods", namespace, name), stamp(self._api.now())
        self._write(key, lambda pod: running(pod, now, ready=ready))

    def _noticed(self, event: Event) -> None:
        if event.key[0] != "pods":
            return
        uid = event.item["metadata"]["uid"]
        life = self._lives.get(uid)
        if life is None:
            if self._tasks is None or event.type == "DELETED":
                return
            life = self._lives[uid] = _Life()
            self._tasks.create_task(self._live(event.key, uid, life))
        if event.item["spec"].get("nodeName"):
            life.bound.set()
        if event.type == "DELETED" or "deletionTimestamp" in event.item["metadata"]:
            life.gone = event.type == "DELETED"
            life.told_to_end.set()

    async def _live(self, key: Key, uid: str, life: _Life) -> None:
        """The whole life of one pod."""
        try:
            await _either(life.bound, life.told_to_end)
            await self._starts(key, life)
            await self._ends(key, life)
        finally:
            if life.container is not None:
                life.container.kill()
                await life.container.ended()
            self._lives.pop(uid, None)

    async def _starts(self, key: Key, life: _Life) -> None:
        """Returns when it is told to end, or has ended for good."""
        if life.told_to_end.is_set():
            return
        now = stamp(self._api.now())
        self._write(key, lambda pod: creating(pod, now))
        await _told(life, self.start_seconds)
        while not life.told_to_end.is_set():
            life.container = container = await self.runner.start(self._api.get(key))
            now = stamp(self._api.now())
            self._write(key, lambda pod, now=now: running(pod, now, ready=False))
            code = await self._works(key, life, container)
            if code is None:
                return
            if self._api.get(key)["spec"]["restartPolicy"] != "Always":
                self._write(key, lambda pod, code=code: ended(pod, code))
                return
            now = stamp(self._api.now())
            self._write(key, lambda pod, now=now, code=code: crashed(pod, now, code))
            await _told(life, self.backoff_seconds)

    async def _works(self, key: Key, life: _Life, container: Container) -> int | None:
        """Its exit code if it ends by itself; None when it is told to end."""
        async with asyncio.TaskGroup() as tasks:
            end = tasks.create_task(container.ended())
            told = tasks.create_task(life.told_to_end.wait())
            ready = tasks.create_task(self._gets_ready(key, container))
            await asyncio.wait((end, told), return_when=asyncio.FIRST_COMPLETED)
            code = end.result() if end.done() and not told.done() else None
            for task in (end, told, ready):
                task.cancel()
        return code

    async def _gets_ready(self, key: Key, container: Container) -> None:
        await asyncio.sleep(self.ready_seconds)
        await container.ready()
        now = stamp(self._api.now())
        self._write(key, lambda pod: running(pod, now, ready=True))

    async def _ends(self, key: Key, life: _Life) -> None:
        """SIGTERM, and SIGKILL when its grace is over; then the object goes."""
        await life.told_to_end.wait()
        loop = asyncio.get_running_loop()
        began, killed, container = loop.time(), False, life.container
        if container is not None:
            container.terminate()
            try:
                async with asyncio.timeout(0 if life.gone else self._grace(key)):
                    await container.ended()
            except TimeoutError:
                killed = True
                container.kill()
                await container.ended()
            self.ends.append(End(key[2], killed, loop.time() - began))
        if not life.gone:
            with contextlib.suppress(Refused):
                self._api.delete(key, {"gracePeriodSeconds": 0})

    def _grace(self, key: Key) -> float:
        return float(self._api.get(key)["metadata"]["deletionGracePeriodSeconds"])

    def _write(self, key: Key, change: Callable[[Item], None]) -> None:
        with contextlib.suppress(Refused):  # gone meanwhile
            self._api.change(key, change, AUTHOR)


async def _told(life: _Life, seconds: float) -> None:
    """Wait, but no longer than until it is told to end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await life.told_to_end.wait()


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
