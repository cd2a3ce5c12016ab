"""Where Airflow's metadata database is, read from a URL as it stands in `sql_alchemy_conn`."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

EXAMPLES = "postgresql://user:password@host:5432/airflow or mysql://user:password@host:3306/airflow"
_SYSTEMS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_PORTS = {"postgresql": 5432, "mysql": 3306}


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """One database. system: `postgresql` or `mysql`, which MariaDB also is; url: as written."""

    system: str
    url: URL

    def __str__(self) -> str:
        """The address for people: no user, no password, no parameters."""
        host = self.url.host or self.option("host", "unix_socket") or "localhost"
        port = self.url.port or _PORTS[self.system]
        return f"{self.system}://{host}:{port}/{self.url.database or ''}"

    def option(self, *names: str) -> str | None:
        """The first of these parameters that the URL has."""
        for name in names:
            value = self.url.query.get(name)
            if value:
                return value if isinstance(value, str) else value[-1]
        return None


def parse_address(url: str) -> DatabaseAddress:
    """The database that a URL names, whatever driver it asks for.

    Raises ValueError, without the URL's secrets.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(
            f"write the database's address as {EXAMPLES};"
            " in a password write / as %2F, # as %23, ? as %3F and @ as %40"
        ) from None
    name = parsed.drivername.partition("+")[0].lower()
    if name not in _SYSTEMS:
        raise ValueError(f"{name[:40]}:// is no database that can be read; write {EXAMPLES}")
    if not parsed.database:
        raise ValueError(f"the address names no database at its end; write {EXAMPLES}")
    return DatabaseAddress(_SYSTEMS[name], parsed)
