"""What a failure of the metadata database means, and what to do about it."""

from __future__ import annotations

import os
import ssl
from typing import Final

from sqlalchemy.exc import DBAPIError

from autoscaler.secret import redact

MAX_WORDS = 300
GRANTS = "run config/airflow-grants-postgresql.sql or config/airflow-grants-mysql.sql as its owner"
_LOGIN: Final = "the user or password is wrong, or may not come from here: correct it in `url`"
_NO_DATABASE: Final = "there is no database of this name: correct the end of `url`"
_FULL: Final = "it accepts no more connections: raise its max_connections, or go through PgBouncer"
_SLOW: Final = "a query took longer than timeout_seconds: it is overloaded, or wants VACUUM ANALYZE"
_RIGHTS: Final = f"this user may not read what it must: {GRANTS}"
_CHANGED: Final = "its tables have changed, as in a migration of Airflow: they are looked at anew"
_UNREACHABLE: Final = "it cannot be reached: is it running, and is its address right?"
_STARTING: Final = "it is starting up or shutting down: wait until that is done"
_BY_CODE: Final[dict[str | int, str]] = {
    "28P01": _LOGIN,
    "28000": _LOGIN,
    "3D000": _NO_DATABASE,
    "42501": _RIGHTS,
    "42P01": _CHANGED,
    "42703": _CHANGED,
    "53300": _FULL,
    "57014": _SLOW,
    "57P01": _STARTING,
    "57P02": _STARTING,
    "57P03": _STARTING,
    1040: _FULL,
    1044: _RIGHTS,
    1045: _LOGIN,
    1049: _NO_DATABASE,
    1053: _STARTING,
    1054: _CHANGED,
    1142: _RIGHTS,
    1143: _RIGHTS,
    1146: _CHANGED,
    1969: _SLOW,
    2002: _UNREACHABLE,
    2003: _UNREACHABLE,
    3024: _SLOW,
}
_LOST: Final = (2006, 2013)


def explain(error: BaseException) -> str:
    """One sentence on a failure of the database: what is wrong, and what to do. No secret."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    code = _code(cause)
    if code in _BY_CODE:
        return _BY_CODE[code]
    if isinstance(cause, TimeoutError):
        return "it did not answer in time: overloaded, frozen, or cut off by the network"
    said = redact(" ".join(str(cause).split()))[:MAX_WORDS] or type(cause).__name__
    if isinstance(cause, ssl.SSLError) or "SSL" in said:
        return f"TLS fails ({said}): see sslmode or ssl_ca in `url`"
    if isinstance(cause, OSError):
        number = cause.errno or 0
        reason = os.strerror(number) if number > 0 else said
        return f"it cannot be reached ({reason}): is it running, and is its address right?"
    if code in _LOST or "closed" in said or "connection" in said.lower():
        return f"the connection to it broke ({said}): it was restarted, or the network was cut"
    return f"it answered with an error: {said}"


def _code(error: BaseException) -> str | int | None:
    """MySQL's error number or PostgreSQL's SQLSTATE, if there is one."""
    number = error.args[0] if error.args else None
    if isinstance(number, int) and not isinstance(error, OSError):
        return number
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) else None
