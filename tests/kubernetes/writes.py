"""Requests that write: create, update, patch and delete, with their parameters."""

from __future__ import annotations

import copy
from typing import Any

from tests.kubernetes.api import Api
from tests.kubernetes.calls import Call
from tests.kubernetes.kinds import Item, Kind
from tests.kubernetes.ownership import Author
from tests.kubernetes.patches import patched
from tests.kubernetes.refusals import Refused, invalid_patch
from tests.kubernetes.validation import refuse_unknown

MOST_OF_A_NAME = 128


def written(api: Api, call: Call, user_agent: str) -> Item:
    """What the server answers when it is done. Raises Refused."""
    assert call.kind is not None
    manager = call.query.get("fieldManager") or user_agent
    if len(manager) > MOST_OF_A_NAME:
        raise Refused(422, "metadata.fieldManager: Too long: may not be more than 128 bytes")
    author = Author(manager, call.subresource)
    key = (call.plural, call.namespace, call.name)
    if call.verb == "delete":
        gone = api.get(key)
        return api.delete(key, _options(call)) or _deleted(call.kind, gone)
    if call.verb == "create":
        item = _placed(call)
        _strict(call, item)
        return api.create(call.kind, item, author)
    if call.verb not in ("update", "patch"):
        raise Refused(405, "the server does not allow this method on the requested resource")
    scale = call.subresource == "scale"
    before = api.read_scale(key) if scale else api.get(key)
    made = _made(call, before)
    return api.write_scale(key, made, author) if scale else api.write(key, made, author)


def _made(call: Call, before: Item) -> Item:
    """What the object shall be."""
    assert call.kind is not None
    if call.verb == "update":
        item = _placed(call)
        _strict(call, item)
        return item
    made = patched(call.kind, before, call.body, call.content_type)
    if not isinstance(made, dict) or not isinstance(made.get("metadata"), dict):
        raise invalid_patch("no object")
    try:
        _strict(call, made)
    except Refused as error:
        _, _, why = error.message.partition("as a ")
        raise invalid_patch(why) from error
    return made


def _strict(call: Call, item: Item) -> None:
    assert call.kind is not None
    if call.query.get("fieldValidation", "Warn") == "Strict":
        refuse_unknown(call.kind, item, "V1Scale" if call.subresource == "scale" else "")


def _placed(call: Call) -> Item:
    """The body, in the namespace that the path names."""
    item: Any = copy.deepcopy(call.body)
    assert call.kind is not None
    if not isinstance(item, dict) or not isinstance(item.get("metadata", {}), dict):
        raise Refused(400, "the object provided is unrecognized")
    metadata = item.setdefault("metadata", {})
    if call.kind.namespaced and metadata.setdefault("namespace", call.namespace) != call.namespace:
        raise Refused(400, "the namespace of the provided object does not match the namespace sent")
    if call.name and metadata.setdefault("name", call.name) != call.name:
        raise Refused(400, "the name of the object does not match the name on the URL")
    return item


def _options(call: Call) -> Item:
    options: Item = dict(call.body or {})
    if "gracePeriodSeconds" in call.query:
        options["gracePeriodSeconds"] = int(call.query["gracePeriodSeconds"])
    return options


def _deleted(kind: Kind, item: Item) -> Item:
    details = {"name": item["metadata"]["name"], "group": kind.group, "kind": kind.plural}
    details["uid"] = item["metadata"]["uid"]
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**status, "details": details}
