"""Where a RabbitMQ broker is, read from a URL in the spelling that Celery uses."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

PLAIN_PORT = 5672
TLS_PORT = 5671
TLS_SCHEMES = ("amqps", "pyamqps")
SCHEMES = ("amqp", "pyamqp", *TLS_SCHEMES)
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_UNVERIFIED = ("none", "cert_none")


@dataclass(frozen=True, slots=True)
class AmqpAddress:
    """One virtual host of one server. tls: options of py-amqp; None means plain text."""

    host: str
    port: int
    virtual_host: str = "/"
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    tls: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """The address for people: no user, no password."""
        scheme = "amqp" if self.tls is None else "amqps"
        return f"{scheme}://{self.host}:{self.port}/{self.virtual_host.removeprefix('/')}"


def parse_addresses(url: str, virtual_host: str | None = None) -> tuple[AmqpAddress, ...]:
    """The servers that a URL names, `;` between them, in the order to try them.

    virtual_host: in place of the URL's own. Raises ValueError, without the URL's secrets.
    """
    addresses = tuple(_parse(one) for one in url.split(";"))
    if virtual_host is None:
        return addresses
    return tuple(replace(address, virtual_host=virtual_host) for address in addresses)


def _parse(url: str) -> AmqpAddress:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("the broker's address is malformed") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("write the broker's address as amqp://, or amqps:// for TLS")
    host = parts.hostname or "127.0.0.1"
    encrypted = parts.scheme in TLS_SCHEMES
    return AmqpAddress(
        host=host,
        port=port or (TLS_PORT if encrypted else PLAIN_PORT),
        virtual_host=unquote(parts.path[1:]) or "/",
        user=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        tls=_tls(parts, host) if encrypted else None,
    )


def _tls(parts: SplitResult, host: str) -> dict[str, Any]:
    """Certificates are verified unless the URL says `ssl_cert_reqs=none`."""
    query = dict(parse_qsl(parts.query))
    files = {key.removeprefix("ssl_"): query[key] for key in _TLS_FILES if key in query}
    if query.get("ssl_cert_reqs", "").lower() in _UNVERIFIED:
        return {"cert_reqs": ssl.CERT_NONE, **files}
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host, **files}
