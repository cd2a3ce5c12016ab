"""What a Redis failure means, and what to do about it."""

from __future__ import annotations

import os
import re
from typing import Final

from redis import exceptions as redis_errors

from autoscaler.secret import redact

MAX_WORDS = 300
_BY_TYPE: Final[dict[type[BaseException], str]] = {
    redis_errors.BusyLoadingError: "it is loading its data set: wait until that is done",
    redis_errors.MasterDownError: "it is a replica that lost its primary: see `url`",
    redis_errors.OutOfMemoryError: "it is out of memory and refuses writes: raise its maxmemory",
    redis_errors.ReadOnlyError: "it is a read-only replica: point `url` at the primary",
}
_BY_WORDS: Final = {
    "WRONGPASS": "the user or password is wrong: correct it in `url`",
    "invalid username-password": "the user or password is wrong: correct it in `url`",
    "NOAUTH": "it wants a password: write :PASSWORD@ before the host in `url`",
    "Authentication required": "it wants a password: write :PASSWORD@ before the host in `url`",
    "without any password": "it has no password: take the one in `url` out",
    "DB index is out of range": "it has no database of this number: correct the end of `url`",
    "MISCONF": "it refuses writes because it cannot save to disk: see its log and its disk",
    "BUSY ": "a script blocks it: end that with SCRIPT KILL",
    "CLUSTERDOWN": "it is a cluster, which Celery cannot use: take a single primary",
    "MOVED": "it is a cluster, which Celery cannot use: take a single primary",
    "max number of clients": "it accepts no more clients: raise its maxclients",
    "WRONGTYPE": "a key of this name holds something else: see `key_prefix`, and who uses it",
    "auth:AuthenticationError": "a Sentinel refuses the password: see `sentinel_password`",
    "No master found": "no Sentinel knows this primary, or none answers: see `master_name`",
}
_AUTHORITY: Final = "name its authority with ?ssl_ca_certs=FILE in `url`"
_DENIED: Final = re.compile(r"no permissions? to (.*)", re.IGNORECASE)
_UNVERIFIED: Final = re.compile(r"certificate verify failed: ([^(]*)")
_CONNECTING: Final = re.compile(r"Error (-?\d+) connecting to \S+ (.*)")


def explain(error: BaseException, *, tls: bool = False) -> str:
    """One sentence on a failure of Redis: what is wrong, and what to do. Holds no secret.

    tls: whether we spoke TLS.
    """
    known = _BY_TYPE.get(type(error))
    if known:
        return known
    whole = redact(" ".join((str(error) or type(error).__name__).split()))
    said = whole[:MAX_WORDS]
    if unverified := _UNVERIFIED.search(said):
        return f"its certificate does not verify ({unverified[1].strip()}): {_AUTHORITY}"
    if "SSL" in said:
        return f"TLS fails ({said}): if it has no TLS, write redis:// in `url`"
    if denied := _DENIED.search(said):
        return f"its ACL forbids this user to {denied[1]}: allow it with ACL SETUSER"
    for sign, advice in _BY_WORDS.items():
        if sign in whole:
            return advice
    return _silence(error, said, tls=tls)


def _silence(error: BaseException, said: str, *, tls: bool) -> str:
    """Nothing said, or the connection broken: either may be TLS spoken by one side only."""
    other = "if it has no TLS, write redis://" if tls else "if it has TLS, write rediss://"
    if isinstance(error, TimeoutError | redis_errors.TimeoutError):
        reason = "it did not answer in time: overloaded, frozen, or cut off by the network"
        return f"{reason}; {other}" if tls else reason
    if isinstance(error, redis_errors.ConnectionError | OSError):
        reason = (
            f"it cannot be reached ({_network(said)}): is it running, and is its address right?"
        )
        return f"{reason} {other[0].upper()}{other[1:]}" if "closed" in said else reason
    return f"it answered with an error: {said}"


def _network(said: str) -> str:
    """What the system says of the network, without redis-py's words around it."""
    failed = _CONNECTING.match(said)
    if failed is None:
        return said.rstrip(".")
    number = int(failed[1])
    return os.strerror(number) if number > 0 else failed[2].rstrip(".")
