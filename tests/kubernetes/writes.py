"""Requests that write: create, update, patch, apply and delete, with their parameters."""

from __future__ import annotations

import copy
from typing import Any

from tests.kubernetes import refusals
from tests.kubernetes.api import Api
from tests.kubernetes.calls import APPLY, Call
from tests.kubernetes.evictions import evict
from tests.kubernetes.kinds import Item, Key, Kind
from tests.kubernetes.ownership import APPLY as APPLYING
from tests.kubernetes.ownership import Author
from tests.kubernetes.patches import patched
from tests.kubernetes.refusals import Refused, invalid_patch
from tests.kubernetes.store import Rehearsal
from tests.kubernetes.validation import refuse_undeclared, refuse_unknown, without_unknown

MOST_OF_A_NAME = 128
_MODELS = {"scale": "V1Scale", "eviction": "V1Eviction"}


def written(api: Api, call: Call) -> tuple[int, Item]:
    """Status and body of the answer when it is done. Raises Refused."""
    kind = _kind(call)
    if len(call.manager) > MOST_OF_A_NAME:
        raise Refused(422, "metadata.fieldManager: Too long: may not be more than 128 bytes")
    api = _rehearsed(api, call)
    author, key = Author(call.manager, call.subresource), call.key
    if call.verb == "delete":
        gone = api.get(key)
        return 200, api.delete(key, _options(call)) or _deleted(kind, gone)
    if call.subresource == "eviction" and call.verb == "create":
        return 201, evict(api, key, _valid(call, _placed(call)))
    if call.verb == "create" and not call.subresource:
        return 201, _create(api, call, author)
    if call.verb == "patch" and call.content_type.startswith(APPLY):
        created = api.store.get(key) is None
        return 201 if created else 200, _apply(api, call, key, author)
    if call.verb not in ("update", "patch") or call.subresource == "eviction":
        raise Refused(405, "the server does not allow this method on the requested resource")
    if call.query.get("force"):
        raise _option("force: Forbidden: may not be specified for non-apply patch")
    scale = call.subresource == "scale"
    if call.verb == "patch":
        made = _patched(call, api.read_scale(key) if scale else api.get(key))
    elif kind.name == "Lease" and api.store.get(key) is None:  # the only one that PUT creates
        return 201, _create(api, call, author)
    else:
        made = _updated(api, call, key)
    return 200, api.write_scale(key, made, author) if scale else api.write(key, made, author)


def _kind(call: Call) -> Kind:
    assert call.kind is not None
    return call.kind


def _rehearsed(api: Api, call: Call) -> Api:
    """With dryRun=All everything is done but written."""
    body = call.body if isinstance(call.body, dict) else {}
    body = body.get("deleteOptions") or {} if call.subresource == "eviction" else body
    asked = call.query.get("dryRun") or "".join(body.get("dryRun") or ())
    if not asked:
        return api
    if asked != "All":
        raise _option(f'dryRun: Unsupported value: "{asked}": supported values: "All"')
    rehearsal = Api(Rehearsal(api.store))
    rehearsal.now = api.now
    return rehearsal


def _create(api: Api, call: Call, author: Author) -> Item:
    item = _valid(call, _placed(call))
    metadata = item["metadata"]
    if call.verb == "create" and metadata.get("resourceVersion"):
        raise Refused(500, "resourceVersion should not be set on objects to be created")
    if metadata.get("uid") and call.verb == "update":
        raise refusals.conflict(_kind(call), call.name, "Precondition failed: UID in precondition")
    return api.create(_kind(call), item, author)


def _updated(api: Api, call: Call, key: Key) -> Item:
    item = _valid(call, _placed(call))
    metadata, kind = item["metadata"], _kind(call)
    api.refuse_other_uid(key, metadata.get("uid"))
    if (kind.custom or kind.name == "Lease") and not metadata.get("resourceVersion"):
        why = "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"
        raise refusals.invalid(kind, call.name, why)
    return item


def _patched(call: Call, before: Item) -> Item:
    made = patched(_kind(call), before, call.body, call.content_type)
    if not isinstance(made, dict) or not isinstance(made.get("metadata"), dict):
        raise invalid_patch("no object")
    try:
        return _valid(call, made)
    except Refused as error:
        _, _, why = error.message.partition("as a ")
        raise invalid_patch(why) from error


def _apply(api: Api, call: Call, key: Key, author: Author) -> Item:
    kind = _kind(call)
    if not call.query.get("fieldManager"):
        raise _option("fieldManager: Required value: is required for apply patch")
    config = _placed(call)
    if config["metadata"].get("managedFields"):
        raise Refused(400, "metadata.managedFields must be nil")
    refuse_undeclared(kind, config, _model(call))
    author = Author(author.manager, author.subresource, APPLYING)
    force = call.query.get("force") in ("1", "true")
    applied = api.apply_scale if call.subresource == "scale" else api.apply
    return applied(key, config, author, force=force)


def _valid(call: Call, item: Item) -> Item:
    """Without unknown fields, which are refused or left out."""
    kind, model = _kind(call), _model(call)
    if call.query.get("fieldValidation", "Warn") == "Strict":
        refuse_unknown(kind, item, model)
        return item
    return without_unknown(item, model)


def _model(call: Call) -> str:
    return _MODELS.get(call.subresource, _kind(call).model)


def _placed(call: Call) -> Item:
    """The body, in the namespace that the path names."""
    item: Any = copy.deepcopy(call.body)
    kind = _kind(call)
    if not isinstance(item, dict) or not isinstance(item.get("metadata", {}), dict):
        raise Refused(400, "the object provided is unrecognized")
    metadata = item.setdefault("metadata", {})
    if kind.namespaced and metadata.setdefault("namespace", call.namespace) != call.namespace:
        raise Refused(400, "the namespace of the provided object does not match the namespace sent")
    if call.name and metadata.setdefault("name", call.name) != call.name:
        raise Refused(400, "the name of the object does not match the name on the URL")
    return item


def _options(call: Call) -> Item:
    options: Item = dict(call.body or {})
    if "gracePeriodSeconds" in call.query:
        options["gracePeriodSeconds"] = int(call.query["gracePeriodSeconds"])
    return options


def _option(why: str) -> Refused:
    return Refused(422, f'PatchOptions.meta.k8s.io "" is invalid: {why}')


def _deleted(kind: Kind, item: Item) -> Item:
    details = {"name": item["metadata"]["name"], "group": kind.group, "kind": kind.plural}
    details["uid"] = item["metadata"]["uid"]
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**status, "details": details}
