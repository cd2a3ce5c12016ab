"""The parts of the config that concern the daemon itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from autoscaler.interfaces import Options
from autoscaler.secret import Secret

_LISTEN = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})")
_MAX_PORT = 65_535


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT` or `[IPV6]:PORT`. Raises ValueError with what to write."""
    found = _LISTEN.fullmatch(listen)
    if found is None or int(found.group(2)) > _MAX_PORT:
        raise ValueError(f"must be HOST:PORT such as 127.0.0.1:9180, not {listen[:80]!r}")
    return found.group(1).strip("[]"), int(found.group(2))


def _checked_listen(listen: str) -> str:
    split_listen(listen)
    return listen


def _checked_token(token: Secret) -> Secret:
    if not token.reveal():
        raise ValueError("is empty, which anybody could guess; leave it out to refuse all writes")
    return token


def _checked_file(path: Path) -> Path:
    if not path.name:
        raise ValueError("must name a file; write null to go without")
    return path


class HttpConfig(Options):
    """Where the daemon answers."""

    listen: Annotated[str, AfterValidator(_checked_listen)] = Field(
        default="127.0.0.1:9180",
        description="HOST:PORT to answer on; port 0 takes a free one",
    )
    token: Annotated[Secret, AfterValidator(_checked_token)] | None = Field(
        default=None,
        description="bearer token that every change needs; needed to listen beyond this machine",
    )

    @property
    def host(self) -> str:
        """The host to listen on, without the brackets of an IPv6 address."""
        return split_listen(self.listen)[0]

    @property
    def port(self) -> int:
        """The port to listen on; 0 takes a free one."""
        return split_listen(self.listen)[1]


class JournalConfig(Options):
    """The daemon's own record of what it saw, decided and did."""

    path: Annotated[Path, AfterValidator(_checked_file)] | None = Field(
        default=Path("autoscaler.db"), description="SQLite file; null keeps no journal"
    )
    keep_days: float = Field(default=30, gt=0, description="age at which records are deleted")
    max_megabytes: float = Field(default=512, ge=1, description="size the file may grow to")


class LogConfig(Options):
    """What is logged, and how."""

    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto is console on a terminal and json elsewhere"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged"
    )
