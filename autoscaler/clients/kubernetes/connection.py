"""Requests to the API server: bounded in time and size, and no more of them than it asks for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import aiohttp

from autoscaler.clients.kubernetes.faults import (
    ApiError,
    Throttled,
    fault_in_watch,
    fault_of,
)
from autoscaler.clients.kubernetes.login import Login
from autoscaler.clients.kubernetes.resource import Request

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient

FIELD_MANAGER = "autoscaler"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
MEBIBYTE = 1_048_576
MOST_BYTES = 64 * MEBIBYTE
MOST_AT_ONCE = 16
PAGE = 500
WATCH_SECONDS = 300
OPENING_SECONDS = 30.0
SILENT_SECONDS = 90.0  # servers send a bookmark about once a minute
UNAUTHORIZED = 401
_METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
_WRITING = ("create", "update", "patch")

Params = Sequence[tuple[str, str]]
Object = Mapping[str, Any]


class Connection:
    """One session with one API server, opened when first used.

    Every method raises ApiError. After an answer of 429 nothing is asked before the server's time
    is over; after one of 401 the credentials are read anew.
    """

    def __init__(self, login: Login, timeout_seconds: float) -> None:
        self._login = login
        self._timeout_seconds = timeout_seconds
        self._client: ApiClient | None = None
        self._opening = asyncio.Lock()
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._quiet_until = 0.0

    async def ask(
        self,
        request: Request,
        *,
        params: Params = (),
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """The object that one request gives; what is written is validated strictly and is ours."""
        if request.verb in _WRITING:
            params = (*params, ("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"))
        async with self._turns:
            client = await self._opened()
            async with self._in_time(request):
                response = await self._send(client, request, params, body, content_type)
                async with response:
                    content = await _whole(response, request)
            await self._refuse(response, content, request)
        return _object(content, request)

    async def patch(self, request: Request, body: Object) -> Object:
        """Merge `body` into the object; a resourceVersion or uid in it is a precondition."""
        return await self.ask(request, body=body, content_type=MERGE_PATCH)

    async def pages(self, request: Request, selectors: Params) -> tuple[list[Object], str]:
        """Every object that the selectors choose, in pages, and the version they are of."""
        found: list[Object] = []
        next_page = ""
        while True:
            page = (("limit", str(PAGE)), *((("continue", next_page),) if next_page else ()))
            answer = await self.ask(request, params=(*selectors, *page))
            items, metadata = answer.get("items"), answer.get("metadata")
            if not isinstance(items, list) or not isinstance(metadata, dict):
                raise ApiError(f"{request}: what came is not a list")
            found += items
            next_page = metadata.get("continue") or ""
            version = metadata.get("resourceVersion")
            if not isinstance(version, str) or not version:
                raise ApiError(f"{request}: the list has no version")
            if not next_page:
                return found, version

    async def watch(
        self, request: Request, selectors: Params, version: str
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Each event after `version`: its type and object. Ends when the server ends it.

        The first is an OPENED of our own. Raises Gone when the version has expired.
        """
        params = (
            *selectors,
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(WATCH_SECONDS)),
        )
        client = await self._opened()
        async with self._in_time(request):
            response = await self._send(client, request, params, None, lasting=True)
        async with response:
            if response.status != 200:
                async with self._in_time(request):
                    content = await _whole(response, request)
                await self._refuse(response, content, request)
            yield "OPENED", {}
            async for line in _lines(response, request):
                kind, what = _event(line, request)
                if kind == "ERROR":
                    raise fault_in_watch(what, request)
                yield kind, what

    async def aclose(self) -> None:
        """Close the session; the next request opens a new one."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _send(
        self,
        client: ApiClient,
        request: Request,
        params: Params,
        body: Object | None,
        content_type: str = "application/json",
        *,
        lasting: bool = False,
    ) -> aiohttp.ClientResponse:
        wait = self._quiet_until - asyncio.get_running_loop().time()
        if wait > 0:
            message = f"{request}: not asked: the API server wants another {wait:.0f} s of rest"
            raise Throttled(message, 429, wait)
        silent = SILENT_SECONDS if lasting else self._timeout_seconds
        total = WATCH_SECONDS + SILENT_SECONDS if lasting else self._timeout_seconds
        response: aiohttp.ClientResponse = await client.call_api(
            request.path,
            _METHODS.get(request.verb, "GET"),
            query_params=list(params),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=aiohttp.ClientTimeout(total=total, sock_read=silent),
        )
        return response

    async def _opened(self) -> ApiClient:
        """The client; the first import of it takes longer than a request may."""
        try:
            async with self._opening, asyncio.timeout(OPENING_SECONDS):
                if self._client is None:
                    self._client = await _client(self._login)
                return self._client
        except TimeoutError as error:
            raise ApiError(f"no login by {self._login} within {OPENING_SECONDS:g} s") from error

    async def _refuse(
        self, response: aiohttp.ClientResponse, content: bytes, request: Request
    ) -> None:
        """Raise the error that an answer means, unless it is a success."""
        if 200 <= response.status < 300:
            return
        retry_after = response.headers.get("Retry-After")
        fault = fault_of(response.status, content, request, retry_after)
        if isinstance(fault, Throttled):
            now = asyncio.get_running_loop().time()
            self._quiet_until = max(self._quiet_until, now + fault.retry_after_seconds)
        if response.status == UNAUTHORIZED:
            await self.aclose()
        raise fault

    @contextlib.asynccontextmanager
    async def _in_time(self, request: Request) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                with _reached(request):
                    yield
        except TimeoutError as error:
            raise ApiError(f"{request}: no answer within {self._timeout_seconds:g} s") from error


async def _client(login: Login) -> ApiClient:
    """In a thread, as the import takes a second or two."""
    try:
        official = await asyncio.to_thread(import_module, "autoscaler.clients.kubernetes.official")
    except ImportError as error:
        raise ApiError(f"pip install 'autoscaler[kubernetes]': {error}") from error
    return await official.open_client(login)


@contextlib.contextmanager
def _reached(request: Request) -> Iterator[None]:
    """Raise ApiError for whatever goes wrong between us and the server."""
    try:
        yield
    except ssl.SSLError as error:
        raise ApiError(f"{request}: no TLS connection that can be trusted: {error}") from error
    except TimeoutError:
        raise
    except (aiohttp.ClientError, OSError, RuntimeError) as error:  # the last: a closed session
        why = str(error) or type(error).__name__
        raise ApiError(f"{request}: the API server cannot be reached: {why}") from error


async def _whole(response: aiohttp.ClientResponse, request: Request) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MOST_BYTES:
            raise ApiError(f"{request}: the answer is larger than {MOST_BYTES} bytes")
    return bytes(content)


async def _lines(response: aiohttp.ClientResponse, request: Request) -> AsyncIterator[bytes]:
    """The events of a watch; it ends in good order when the server closes between two of them."""
    while True:
        with _reached(request):
            try:
                line = await response.content.readline()
            except TimeoutError as error:
                raise ApiError(f"{request}: no sign of life for {SILENT_SECONDS:g} s") from error
            except ValueError as error:
                raise ApiError(f"{request}: an event is too long: {error}") from error
        if not line:
            return
        yield line


def _event(line: bytes, request: Request) -> tuple[str, Object]:
    event = _object(line, request)
    kind, what = event.get("type"), event.get("object")
    if not isinstance(kind, str) or not isinstance(what, dict):
        raise ApiError(f"{request}: an event without type or object came")
    return kind, what


def _object(content: bytes, request: Request) -> Object:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ApiError(f"{request}: the answer was cut off, or is no JSON") from error
    if not isinstance(found, dict):
        raise ApiError(f"{request}: the answer is no object")
    return found
