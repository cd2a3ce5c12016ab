"""Where a Redis broker is, read from a URL in the spelling that Celery uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

DEFAULT_PORT = 6379
SENTINEL_PORT = 26379
MAX_DATABASE = 1_000_000
SCHEMES = "redis://, rediss://, unix://, redis+socket:// or sentinel://"
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_VERIFICATION = {
    "required": "required",
    "cert_required": "required",
    "optional": "optional",
    "cert_optional": "optional",
    "none": "none",
    "cert_none": "none",
}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One database of one server: by host and port, by socket path, or behind Sentinels.

    tls: what redis-py calls `ssl_*`; None means plain text.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    path: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Mapping[str, str] | None = None

    def __str__(self) -> str:
        """The address for people: no user, no password."""
        if self.sentinels:
            hosts = ";".join(f"{host}:{port}" for host, port in self.sentinels)
            return f"sentinel://{hosts}/{self.database}"
        if self.path:
            return f"unix://{self.path}?db={self.database}"
        scheme = "redis" if self.tls is None else "rediss"
        return f"{scheme}://{self.host}:{self.port}/{self.database}"


def parse_address(url: str) -> RedisAddress:
    """The address that a URL names. Raises ValueError, without the URL's secrets."""
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise ValueError(f"write the broker's address as {SCHEMES}")
    if scheme == "sentinel":
        return _sentinels(url)
    if scheme in ("unix", "redis+socket", "socket"):
        return _socket(_split(url))
    if scheme in ("redis", "rediss", "valkey", "valkeys"):
        return _server(_split(url))
    raise ValueError(f"{scheme[:40]}:// is no address of a Redis broker; write {SCHEMES}")


def _server(parts: SplitResult) -> RedisAddress:
    query = _query(parts)
    return RedisAddress(
        host=parts.hostname or "127.0.0.1",
        port=_port(parts) or DEFAULT_PORT,
        database=_database(query.get("db") or parts.path.strip("/")),
        username=_unquoted(parts.username),
        password=_unquoted(parts.password),
        tls=_tls(query, on=parts.scheme in ("rediss", "valkeys")),
    )


def _socket(parts: SplitResult) -> RedisAddress:
    query = _query(parts)
    return RedisAddress(
        path=unquote(parts.path),
        database=_database(query.get("db") or query.get("virtual_host", "").strip("/")),
        username=_unquoted(parts.username),
        password=_unquoted(parts.password),
    )


def _sentinels(url: str) -> RedisAddress:
    """`sentinel://[user:password@]host:port;host:port/db`, each host with or without the scheme."""
    pieces = [piece for piece in url.replace("sentinel://", "").split(";") if piece]
    parts = [_split(f"sentinel://{piece}") for piece in pieces]
    hosts = tuple((part.hostname or "", _port(part) or SENTINEL_PORT) for part in parts)
    if not hosts or not all(host for host, _ in hosts):
        raise ValueError("write every Sentinel as sentinel://host:port;host:port/0")
    user = next((part for part in parts if part.password or part.username), parts[0])
    query = _query(parts[-1])
    return RedisAddress(
        sentinels=hosts,
        database=_database(query.get("db") or parts[-1].path.strip("/")),
        username=_unquoted(user.username),
        password=_unquoted(user.password),
        tls=_tls(query, on=any(key.startswith("ssl") for key in query)),
    )


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError("the broker's address has a malformed host") from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError(
            "the broker's port is not a number up to 65535;"
            " in a password write / as %2F, # as %23, ? as %3F and @ as %40"
        ) from None


def _query(parts: SplitResult) -> dict[str, str]:
    return {key: values[-1] for key, values in parse_qs(parts.query).items()}


def _database(text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or int(text) > MAX_DATABASE:
        raise ValueError("the broker's database is not a number, as in redis://host:6379/0")
    return int(text)


def _tls(query: Mapping[str, str], *, on: bool) -> Mapping[str, str] | None:
    if not on:
        return None
    wanted = query.get("ssl_cert_reqs", "required").lower()
    if wanted not in _VERIFICATION:
        raise ValueError("ssl_cert_reqs is none of required, optional, none")
    files = {key: query[key] for key in _TLS_FILES if key in query}
    return {"ssl_cert_reqs": _VERIFICATION[wanted], **files}


def _unquoted(text: str | None) -> str | None:
    return unquote(text) if text else None
