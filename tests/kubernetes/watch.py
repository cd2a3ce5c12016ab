"""Watches: every change after a version, bookmarks, and an end that the server chooses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from aiohttp import web

from tests.kubernetes.calls import Call
from tests.kubernetes.kinds import Item
from tests.kubernetes.refusals import Refused
from tests.kubernetes.selectors import Selector, parse
from tests.kubernetes.store import Event, Store

MOST_SECONDS = 1800.0
LAST_BOOKMARK_SECONDS = 2.0


class Watches:
    """bookmark_seconds: how often one is sent to who wants them.

    gone_as_status: expired versions are answered with 410, and not with an ERROR event.
    """

    def __init__(self, store: Store) -> None:
        self.bookmark_seconds = 60.0
        self.gone_as_status = False
        self._store = store
        self._open: dict[web.StreamResponse, asyncio.Event] = {}
        self._paused = False
        store.listeners.add(lambda _: self._wake())

    def __len__(self) -> int:
        return len(self._open)

    def cut(self) -> None:
        """Break every connection that watches."""
        for response in tuple(self._open):
            if response._req is not None and response._req.transport is not None:
                response._req.transport.abort()

    async def garble(self) -> None:
        """Send half an event to all that watch, and break their connections."""
        for response in tuple(self._open):
            await response.write(b'{"type": "MODIFIED", "object": {"metada')
        self.cut()

    def pause(self) -> None:
        """Hold all events back; the connections stay."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._wake()

    def expire(self) -> None:
        """Forget all history, and let those that watch know of it."""
        self._store.compact()
        self._wake()

    def _wake(self) -> None:
        for event in self._open.values():
            event.set()

    async def serve(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Raises Refused before anything is sent."""
        assert call.kind is not None
        stream = _Stream(call, self._store, parse(call.kind, call.query))
        if self.gone_as_status and not stream.from_now:
            self._store.since(stream.version)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        self._open[response] = woken = asyncio.Event()
        woken.set()
        try:
            async with asyncio.timeout(_seconds(call)):
                await self._stream(response, stream, woken)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            del self._open[response]
        return response

    async def _stream(
        self, response: web.StreamResponse, stream: _Stream, woken: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        bookmark_at = loop.time() + self.bookmark_seconds
        last_at = loop.time() + max(0.0, _seconds(stream.call) - LAST_BOOKMARK_SECONDS)
        while True:
            if woken.is_set() and not self._paused:
                woken.clear()
                try:
                    lines = b"".join(_line(*event) for event in stream.news())
                except Refused as error:
                    await response.write(_line("ERROR", error.status()))
                    return
                if lines:
                    await response.write(lines)
            wait = min(bookmark_at, last_at) - loop.time()
            if wait <= 0:
                if stream.bookmarks and not self._paused:
                    await response.write(_line("BOOKMARK", stream.bookmark()))
                past_last = loop.time() >= last_at
                bookmark_at = loop.time() + self.bookmark_seconds
                last_at = float("inf") if past_last else last_at
                continue
            try:
                async with asyncio.timeout(None if wait == float("inf") else wait):
                    await woken.wait() if not self._paused else await asyncio.sleep(0.01)
            except TimeoutError:
                continue


class _Stream:
    """What one watcher has been told of: everything up to `version`."""

    def __init__(self, call: Call, store: Store, fits: Selector) -> None:
        asked = call.query.get("resourceVersion", "")
        if asked and not asked.isdecimal():
            raise Refused(400, f"invalid resource version {asked!r}")
        self.call = call
        self.from_now = asked in ("", "0")
        self.version = int(asked or "0")
        self.bookmarks = call.query.get("allowWatchBookmarks") in ("1", "true")
        self._store = store
        self._fits = fits

    def news(self) -> Iterator[tuple[str, Item]]:
        """What happened since the last call. Raises Refused (410)."""
        if self.from_now:
            self.from_now, self.version = False, self._store.version
            items = self._store.list(self.call.key[0], self.call.namespace)
            return ((("ADDED"), item) for item in items if self._fits(item))
        events = list(self._store.since(self.version))
        self.version = max(self.version, self._store.version)
        return (told for event in events if (told := self._told(event)))

    def bookmark(self) -> Item:
        kind = self.call.kind
        assert kind is not None
        metadata = {"resourceVersion": str(self.version), "creationTimestamp": None}
        return {"kind": kind.name, "apiVersion": kind.api_version, "metadata": metadata}

    def _told(self, event: Event) -> tuple[str, Item] | None:
        """What begins or ends to fit the selectors is as if it came or went."""
        if event.key[0] != self.call.key[0] or self.call.namespace not in ("", event.key[1]):
            return None
        fitted = event.before is not None and self._fits(event.before)
        fits = event.type != "DELETED" and self._fits(event.item)
        if not fitted and not fits:
            return None
        return ("MODIFIED" if fitted and fits else "ADDED" if fits else "DELETED"), event.item


def _seconds(call: Call) -> float:
    return float(call.query.get("timeoutSeconds") or MOST_SECONDS)


def _line(kind: str, item: Item) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"
