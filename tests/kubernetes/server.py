"""The API server: requests in, objects, Status and watches out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.kubernetes.api import Api
from tests.kubernetes.authorization import Users
from tests.kubernetes.calls import Call, call_of
from tests.kubernetes.discovery import discovered
from tests.kubernetes.faults import Fault, Faults, Harm
from tests.kubernetes.lists import Lists
from tests.kubernetes.refusals import Refused
from tests.kubernetes.watch import Watches
from tests.kubernetes.writes import written


class Server:
    """One API server on 127.0.0.1. It may be stopped and started again on its port.

    without: what it says that it does not serve, as older ones do not.
    """

    def __init__(self, api: Api) -> None:
        self.api = api
        self.users = Users()
        self.faults = Faults()
        self.watches = Watches(api.store)
        self.calls: list[Call] = []
        self.port = 0
        self.without: set[str] = set()
        self._lists = Lists(api.store)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Connections are refused from now on; those that are there break."""
        self.watches.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = Call("", request.path, self.api.now())
        try:
            call = await call_of(request, call.at)
            self.calls.append(call)
            fault = self.faults.on(call)
            if fault is not None:
                return await self._harmed(request, call, fault)
            return await self._answer(request, call)
        except Refused as error:
            return _refusal(call, error)

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        authorization = request.headers.get("Authorization", "")
        self.users.check(authorization, call)
        call.user = self.users.user(authorization)
        if call.verb == "watch":
            call.status = 200
            return await self.watches.serve(request, call)
        if call.kind is None:
            return _json(call, discovered(call.path, self.without))
        if call.verb == "list":
            return _json(call, self._lists.page(call))
        if call.verb == "get":
            read = self.api.read_scale if call.subresource == "scale" else self.api.get
            return _json(call, read(call.key))
        status, body = written(self.api, call)
        return _json(call, body, status)

    async def _harmed(self, request: web.Request, call: Call, fault: Fault) -> web.StreamResponse:
        if fault.harm is Harm.ANSWER:
            refused = Refused(fault.status, f"fault: {call}", "")
            response = _refusal(call, refused)
            if fault.seconds:
                response.headers["Retry-After"] = f"{fault.seconds:g}"
            return response
        if fault.harm is Harm.HANG:
            await asyncio.Event().wait()
        if fault.harm is Harm.SLOW:
            await asyncio.sleep(fault.seconds)
            return await self._answer(request, call)
        response = await self._answer(request, call)
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            half = response.body[: len(response.body) // 2]
            if fault.harm is Harm.CUT:
                return web.Response(body=half, headers={"Content-Type": "application/json"})
        assert request.transport is not None
        request.transport.abort()
        return response


def _refusal(call: Call, error: Refused) -> web.Response:
    return _json(call, error.status(), error.code)


def _json(call: Call, body: Any, status: int = 200) -> web.Response:
    call.status = status
    return web.Response(
        body=json.dumps(body).encode(), status=status, content_type="application/json"
    )
