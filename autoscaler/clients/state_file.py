"""Small records in files that are written whole or not at all, and checked when they are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from autoscaler.errors import StateError

MAX_BYTES = 4_194_304
T = TypeVar("T")


class _Envelope(BaseModel, Generic[T]):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    version: Literal[1]
    content: T


class StateFormat(Generic[T]):
    """How records of one type are kept. `remedy` tells people what to do with a damaged file."""

    def __init__(self, content: type[T], remedy: str) -> None:
        self._envelope = _Envelope[content]  # type: ignore[valid-type]
        self._remedy = remedy

    def read(self, path: Path) -> T | None:
        """The record, or None when there is no such file. Raises StateError for any other fault."""
        try:
            with path.open("rb") as file:
                text = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{path} cannot be read: {error.strerror}") from error
        if len(text) > MAX_BYTES:
            raise self._damaged(path, f"it is larger than {MAX_BYTES} bytes")
        try:
            return self._envelope.model_validate_json(text).content
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise self._damaged(path, f"{where}: {fault['msg']}".removeprefix(": ")) from error

    def write(self, path: Path, record: T) -> None:
        """Replace the file; after a crash at any point it holds the old record or the new one."""
        text = self._envelope(version=1, content=record).model_dump_json(indent=1)
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(fresh, "w", encoding="utf-8", opener=_private) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
            sync_directory(path.parent)
        except OSError as error:
            raise StateError(f"{path} cannot be written: {error.strerror}") from error

    def _damaged(self, path: Path, fault: str) -> StateError:
        return StateError(f"{path} is damaged or not ours ({fault}): {self._remedy}")


def delete(path: Path) -> None:
    """Delete the file for good. Raises StateError."""
    try:
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
    except OSError as error:
        raise StateError(f"{path} cannot be deleted: {error.strerror}") from error


def sync_directory(path: Path) -> None:
    """Make what was created, renamed or deleted in the directory outlive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
