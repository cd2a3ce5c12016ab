"""Who may change something: the holder of the bearer token, and nobody if there is none."""

from __future__ import annotations

import hmac
from hashlib import sha256
from http import HTTPStatus

from aiohttp import hdrs, web

from autoscaler.secret import Secret
from autoscaler.web.problems import Problem

HOW_TO_SET = "set `http: {token: {env: AUTOSCALER_TOKEN}}` in the config"


def authorize(request: web.Request, token: Secret | None) -> None:
    """Let the request change something, or raise the Problem that says why it may not.

    The token is read anew each time, so that a rotated file is live at once.
    """
    expected = _reveal(token)
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise _unauthorized("this changes something, so it needs the bearer token", "")
    if not hmac.compare_digest(_digest(given.strip()), _digest(expected)):
        raise _unauthorized("the bearer token is not the right one", 'error="invalid_token"')


def _reveal(token: Secret | None) -> str:
    if token is None:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "no token is configured, so nothing can be changed",
            hint=HOW_TO_SET,
        )
    try:
        expected = token.reveal()
    except ValueError as error:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE, f"the token cannot be read: {error}"
        ) from error
    if not expected:
        raise Problem(
            HTTPStatus.FORBIDDEN, "the configured token is empty, so nothing can be changed"
        )
    return expected


def _unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        detail,
        hint="send `Authorization: Bearer TOKEN`; the command line takes it from AUTOSCALER_TOKEN",
        headers={hdrs.WWW_AUTHENTICATE: f"Bearer {challenge}".rstrip()},
    )


def _digest(text: str) -> bytes:
    """Of one length whatever the text's, so that comparing takes one time."""
    return sha256(text.encode(errors="surrogateescape")).digest()
