"""What the API server refuses, in its own words and codes."""

from __future__ import annotations

from tests.kubernetes.kinds import Item, Kind

MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}


class Refused(Exception):  # noqa: N818 - what it means, not that it is an error of ours
    """An answer that is not a success."""

    def __init__(self, code: int, message: str, reason: str = "", **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or _REASONS[code]
        self.details = details

    def status(self) -> Item:
        """The Status object that tells of it."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            **({"details": self.details} if self.details else {}),
            "code": self.code,
        }


def _details(kind: Kind, name: str) -> dict[str, object]:
    return {"name": name, "group": kind.group, "kind": kind.plural}


def not_found(kind: Kind, name: str) -> Refused:
    return Refused(404, f'{kind.resource} "{name}" not found', **_details(kind, name))


def conflict(kind: Kind, name: str, why: str = MODIFIED) -> Refused:
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return Refused(409, message, **_details(kind, name))


def exists(kind: Kind, name: str) -> Refused:
    message = f'{kind.resource} "{name}" already exists'
    return Refused(409, message, "AlreadyExists", **_details(kind, name))


def invalid(kind: Kind, name: str, why: str) -> Refused:
    what = f"{kind.name}.{kind.group}" if kind.group else kind.name
    return Refused(422, f'{what} "{name}" is invalid: {why}', **_details(kind, name))


def invalid_patch(why: str) -> Refused:
    """The server says this of a patch whose outcome it cannot decode."""
    return Refused(422, f' "" is invalid: patch: Invalid value: {why}')


def expired(version: int, oldest: int) -> Refused:
    return Refused(410, f"too old resource version: {version} ({oldest})")
