"""The last gate before anything is written or sent: no user, no password, no token leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoscaler.secret import redact

SECRET_WORDS = ("password", "passwd", "secret", "token", "authorization", "api_key")
HIDDEN = "***"


def without_secrets(value: Any) -> Any:
    """The value as JSON can have it: users and passwords of URLs, and what a key calls a secret,
    are left out; what JSON does not know becomes its text.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {str(key): _of_key(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_secrets(item) for item in value]
    return redact(str(value))


def _of_key(key: str, value: Any) -> Any:
    if any(word in key.lower() for word in SECRET_WORDS):
        return HIDDEN
    return without_secrets(value)
