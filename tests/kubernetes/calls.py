"""One request, in the words of RBAC and of the audit log."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

from tests.kubernetes.kinds import BY_PATH, Key, Kind
from tests.kubernetes.refusals import Refused

APPLY = "application/apply-patch+yaml"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(slots=True)
class Call:
    """kind None: discovery. at: Unix seconds. status: of the answer, 0 until there is one."""

    verb: str
    path: str
    at: float
    kind: Kind | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    user_agent: str = ""
    body: Any = None
    user: str = ""
    status: int = 0

    @property
    def plural(self) -> str:
        return self.kind.plural if self.kind else ""

    @property
    def key(self) -> Key:
        """Of the object that is meant."""
        return (self.kind.table if self.kind else "", self.namespace, self.name)

    @property
    def manager(self) -> str:
        """Who writes, in managedFields."""
        return self.query.get("fieldManager") or self.user_agent.partition("/")[0]

    @property
    def resource(self) -> str:
        """Such as pods or deployments/scale."""
        return "/".join(part for part in (self.plural, self.subresource) if part)

    @property
    def object_name(self) -> str:
        """The one object that is meant, which lists and watches may name by a field selector."""
        field, _, value = self.query.get("fieldSelector", "").partition("=")
        return self.name or (value.removeprefix("=") if field == "metadata.name" else "")

    def __str__(self) -> str:
        return " ".join(part for part in (self.verb, self.resource, self.name) if part)


async def call_of(request: web.Request, now: float) -> Call:
    """What a request asks for. Raises Refused (400, 404)."""
    call = _addressed(request, now)
    if call.kind and call.kind.read_only and call.verb not in ("get", "list"):
        raise Refused(405, "the server does not allow this method on the requested resource")
    if call.subresource and (not call.kind or call.subresource not in call.kind.subresources):
        raise Refused(404, "the server could not find the requested resource")
    if call.verb in ("create", "update", "patch", "delete") and request.can_read_body:
        try:
            read = yaml.safe_load if call.content_type.startswith(APPLY) else json.loads
            call.body = read(await request.text())
        except (ValueError, yaml.YAMLError) as error:
            raise Refused(400, f"the object provided is unrecognized: {error}") from error
    return call


def _addressed(request: web.Request, now: float) -> Call:
    query, path = dict(request.query), request.path
    parts = path.strip("/").split("/")
    core = parts[0] == "api"
    group, version = ("", parts[1:2]) if core else ("/".join(parts[1:2]), parts[2:3])
    rest = parts[2:] if core else parts[3:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = (*rest, "", "", "")[:3]
    if not plural:
        return Call("get", path, now, query=query)
    kind = BY_PATH.get((group, "".join(version), plural))
    if kind is None:
        raise Refused(404, "the server could not find the requested resource")
    verb = _VERBS.get(request.method, "get" if name else "list")
    if verb == "delete" and not name:
        verb = "deletecollection"
    if verb in ("list", "get") and query.get("watch") in ("1", "true"):
        verb = "watch"
    content_type = request.headers.get("Content-Type", "")
    agent = request.headers.get("User-Agent", "unknown")
    return Call(verb, path, now, kind, namespace, name, subresource, query, content_type, agent)
