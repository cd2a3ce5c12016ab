"""The objects of one query, kept as they are by one list and a watch that goes on from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from autoscaler.clients.kubernetes.connection import Connection, Object, Params
from autoscaler.clients.kubernetes.faults import ApiError, Gone, Throttled
from autoscaler.clients.kubernetes.resource import Request, Resource

T = TypeVar("T")
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0


class Reflector(Generic[T]):
    """Objects by name, as `parse` makes them; it may raise ApiError.

    A broken watch leaves them as they were and grows old: `age_seconds` says how old. Nothing is
    ever taken for gone because the server could not be asked.
    """

    def __init__(
        self,
        connection: Connection,
        resource: Resource,
        selectors: Params,
        parse: Callable[[Object], T],
    ) -> None:
        self.objects: dict[str, T] = {}
        self.fault = ""
        self._connection = connection
        self._list = Request("list", resource)
        self._watch = Request("watch", resource)
        self._selectors = selectors
        self._parse = parse
        self._versions: dict[str, str] = {}
        self._version = ""
        self._confirmed_at: float | None = None
        self._streaming = False
        self._turn = asyncio.Lock()

    def age_seconds(self) -> float | None:
        """How long ago the server last confirmed what is here; None if it never did."""
        if self._confirmed_at is None:
            return None
        return 0.0 if self._streaming else _now() - self._confirmed_at

    async def refresh(self) -> None:
        """List once. Raises ApiError, and then everything is as it was."""
        async with self._turn:
            await self._read()

    async def begin(self) -> None:
        """List unless somebody else has just done so. Raises ApiError."""
        async with self._turn:
            if not self._version:
                await self._read()

    async def run(self, changed: Callable[[], None]) -> None:
        """List and watch until cancelled; `changed` is called after each change."""
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                if not self._version:
                    await self.begin()
                    changed()
                await self._follow(changed)
                wait = FIRST_WAIT_SECONDS
                continue  # the server ends each watch after a while
            except Gone:
                self._version = ""
                pause = 0.0
            except Throttled as fault:
                self.fault, pause = str(fault), fault.retry_after_seconds
            except ApiError as fault:
                self.fault, pause = str(fault), wait
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            await asyncio.sleep(pause)

    def put(self, item: Object) -> T:
        """Take in an object that a request gave, unless it is older than the one that is here."""
        name, made = _name(item), self._parse(item)
        if _newer(_version(item), self._versions.get(name)):
            self.objects[name] = made
            self._versions[name] = _version(item)
        return made

    async def _read(self) -> None:
        items, version = await self._connection.pages(self._list, self._selectors)
        fresh = {_name(item): item for item in items}
        self.objects = {name: self._parse(item) for name, item in fresh.items()}
        self._versions = {name: _version(item) for name, item in fresh.items()}
        self._version = version
        self._confirmed_at = _now()

    async def _follow(self, changed: Callable[[], None]) -> None:
        watch = self._connection.watch(self._watch, self._selectors, self._version)
        try:
            async for kind, item in watch:
                self._confirmed_at, self._streaming, self.fault = _now(), True, ""
                if kind != "OPENED":
                    self._take(kind, item)
                if kind in ("ADDED", "MODIFIED", "DELETED"):
                    changed()
        finally:
            self._streaming = False
            await watch.aclose()

    def _take(self, kind: str, item: Object) -> None:
        if kind == "DELETED":
            self.objects.pop(_name(item), None)
            self._versions.pop(_name(item), None)
        elif kind in ("ADDED", "MODIFIED"):
            self.put(item)
        self._version = _version(item)


def _newer(version: str, than: str | None) -> bool:
    """Versions are numbers that grow; where they are not, the later arrival counts."""
    if than is None or not (version.isdecimal() and than.isdecimal()):
        return True
    return int(version) >= int(than)


def _name(item: Object) -> str:
    return str(_metadata(item)["name"])


def _version(item: Object) -> str:
    return str(_metadata(item)["resourceVersion"])


def _metadata(item: Object) -> Mapping[str, object]:
    metadata = item.get("metadata")
    if not isinstance(metadata, dict) or "resourceVersion" not in metadata:
        raise ApiError("an object without metadata came")
    return metadata


def _now() -> float:
    return asyncio.get_running_loop().time()
