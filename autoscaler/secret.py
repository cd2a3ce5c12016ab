"""Secrets by reference: read when used, so a rotated file is live at once, and never printed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from stat import S_IROTH
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

MAX_SECRET_BYTES = 65_536
# Up to the last @: in who forgot to escape a / or @ of a password, it is no less secret.
_USERINFO = re.compile(r"(?<=://)\S*@")


class Secret:
    """A literal, `{env: NAME}` or `{file: PATH}`; `reveal()` reads it each time it is asked."""

    __slots__ = ("_kind", "_reference")

    def __init__(self, reference: str, kind: str = "literal") -> None:
        self._reference = reference
        self._kind = kind

    @property
    def literal(self) -> bool:
        """Whether the secret stands in the config itself, which `check` warns of."""
        return self._kind == "literal"

    def reveal(self) -> str:
        """The secret's text. Raises ValueError, without the secret, when it cannot be read."""
        if self._kind == "env":
            if self._reference not in os.environ:
                raise ValueError(f"environment variable {self._reference} is not set")
            return os.environ[self._reference]
        if self._kind == "file":
            return _read_file(Path(self._reference))
        return self._reference

    def exposure(self) -> str:
        """Why others can read it more easily than they should; empty when they cannot.

        A literal URL without user information, such as that of a local broker, hides nothing.
        """
        if self.literal and not ("://" in self._reference and "@" not in self._reference):
            return "a secret stands in the config; write {env: NAME} or {file: PATH}"
        if self._kind == "file":
            try:
                mode = Path(self._reference).stat().st_mode
            except OSError:
                return ""
            if mode & S_IROTH:
                return f"everybody on this machine can read {self._reference}; chmod it to 600"
        return ""

    def __repr__(self) -> str:
        return "Secret(***)" if self.literal else f"Secret({self._kind}: {self._reference})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._kind, self._reference) == (
            other._kind,
            other._reference,
        )

    def __hash__(self) -> int:
        return hash((self._kind, self._reference))

    @classmethod
    def _parse(cls, value: Any) -> Secret:
        if isinstance(value, Secret):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, dict) and len(value) == 1:
            kind, reference = next(iter(value.items()))
            if kind in ("env", "file") and isinstance(reference, str) and reference:
                secret = cls(reference, kind)
                secret.reveal()
                return secret
        raise ValueError("write a text, {env: NAME} or {file: PATH}")

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._parse,
            serialization=core_schema.plain_serializer_function_ser_schema(repr),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        def reference(key: str) -> dict[str, Any]:
            return {
                "type": "object",
                "properties": {key: {"type": "string"}},
                "required": [key],
                "additionalProperties": False,
            }

        return {"anyOf": [{"type": "string"}, reference("env"), reference("file")]}


def redact_url(url: str) -> str:
    """The URL without user, password and query, fit for logs and errors, however malformed."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "", url
    shown = rest.rpartition("@")[2]
    return scheme + mark + re.split("[?#]", shown, maxsplit=1)[0]


def redact(text: str) -> str:
    """The text with the user and password of any URL in it left out."""
    return _USERINFO.sub("", text)


def _read_file(path: Path) -> str:
    try:
        if not path.is_file():
            raise ValueError(f"secret file {path} is not a regular file")
        if path.stat().st_size > MAX_SECRET_BYTES:
            raise ValueError(f"secret file {path} is larger than {MAX_SECRET_BYTES} bytes")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"secret file {path} cannot be read: {type(error).__name__}") from error
