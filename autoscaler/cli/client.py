"""Talks to a running daemon with the standard library only, so that commands start at once."""

from __future__ import annotations

import argparse
import getpass
import http.client
import json
import os
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from autoscaler.cli.failure import Exit, Failure

DEFAULT_URL = "http://127.0.0.1:9180"
TIMEOUT_SECONDS = 10.0
COMPLETION_SECONDS = 1.0
NOT_STARTED = (
    "start it with `autoscaler run --config FILE`, or say where it is with --url or AUTOSCALER_URL"
)
Document = dict[str, Any]


def add_client_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command that talks to the daemon can be told."""
    parser.add_argument("--url", help=f"where the daemon answers (default: {DEFAULT_URL})")
    add_output_arguments(parser)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """How the answer is printed; sets `output` to `table` or `json`."""
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    parser.add_argument(
        "--json", action="store_const", const="json", dest="output", help="the same as -o json"
    )


def add_fleet_argument(parser: argparse.ArgumentParser, **options: Any) -> None:
    """The fleet that the command is about; a shell completes it from the daemon's answer."""
    argument = parser.add_argument("fleet", metavar="FLEET", help="name of the fleet", **options)
    argument.completer = _fleet_names  # type: ignore[attr-defined] # argcomplete's way


class Client:
    """One daemon. Every method raises Failure with what to do and the right exit code."""

    def __init__(self, url: str | None = None, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = (url or os.environ.get("AUTOSCALER_URL") or DEFAULT_URL).rstrip("/")
        self._timeout_seconds = timeout_seconds
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            hint = f"write it like {DEFAULT_URL}; the token goes into AUTOSCALER_TOKEN"
            raise Failure("the daemon's URL cannot be used", hint, Exit.USAGE)
        secure = parts.scheme == "https"
        self._connection_type = (
            http.client.HTTPSConnection if secure else http.client.HTTPConnection
        )
        self._address, self._prefix = parts.netloc, parts.path

    def get(self, path: str, **query: object) -> Document:
        """The document at a path below /api/v1."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path + (f"?{urlencode(asked)}" if asked else ""))

    def change(self, fleet: str, action: str, body: Mapping[str, object]) -> Document:
        """Ask for a change of a fleet, in the name of whoever runs the command."""
        return self._ask("POST", f"{fleet_path(fleet)}/{action}", {"actor": _user(), **body})

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Document:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        token = os.environ.get("AUTOSCALER_TOKEN")
        if token and body is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body)
        status, answer = self._exchange(method, f"{self._prefix}/api/v1{path}", data, headers)
        try:
            document = json.loads(answer)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            hint = "is something else listening there? see --url and AUTOSCALER_URL"
            raise Failure(f"{self.url} does not answer as a daemon", hint, Exit.UNREACHABLE)
        if status != http.client.OK:
            raise _refusal(status, document)
        return document

    def _exchange(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        patience = self._timeout_seconds
        try:
            with closing(self._connection_type(self._address, timeout=patience)) as connection:
                connection.request(method, path, body, headers)
                with connection.getresponse() as response:
                    return response.status, response.read()
        except UnicodeEncodeError:
            hint = "look at AUTOSCALER_TOKEN"
            raise Failure("the token holds what no header can", hint, Exit.USAGE) from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            message = f"cannot reach the daemon at {self.url}: {why}"
            raise Failure(message, NOT_STARTED, Exit.UNREACHABLE) from error


def fleet_path(fleet: str) -> str:
    """The path of a fleet below /api/v1."""
    return f"/fleets/{quote(fleet, safe='')}"


def _refusal(status: int, problem: Document) -> Failure:
    detail = str(problem.get("detail") or problem.get("title") or f"HTTP {status}")
    faults = [f"{each['field']}: {each['detail']}" for each in problem.get("errors", ())]
    if faults and status == http.client.UNPROCESSABLE_ENTITY:
        detail = f"{detail}: {'; '.join(faults)}"
    codes = {400: Exit.USAGE, 401: Exit.DENIED, 403: Exit.DENIED, 422: Exit.USAGE}
    codes |= {500: Exit.UNREACHABLE, 502: Exit.UNREACHABLE, 503: Exit.UNREACHABLE}
    hint = str(problem.get("hint", ""))
    if status == http.client.UNAUTHORIZED:
        hint = "set AUTOSCALER_TOKEN to the token in the daemon's config"
    return Failure(detail, hint, codes.get(status, Exit.NOT_SO))


def _fleet_names(**_: object) -> list[str]:
    """What a shell offers for FLEET; nothing when the daemon does not answer quickly."""
    try:
        document = Client(timeout_seconds=COMPLETION_SECONDS).get("/fleets")
    except Failure:
        return []
    return [fleet["name"] for fleet in document["fleets"]]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
