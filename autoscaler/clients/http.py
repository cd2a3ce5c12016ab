"""HTTP as the daemon speaks it: bounded in time and size, with credentials for one host only."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from autoscaler.errors import AutoscalerError

MEBIBYTE = 1_048_576
MOST_CONNECTIONS = 8
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300

    @property
    def refusal(self) -> str:
        """What the status means for the one who configured the request."""
        if self.status in (401, 403):
            hint = "check the credentials and what they may do"
        elif self.status == 404:
            hint = "check the path of the URL"
        elif 300 <= self.status < 400:
            hint = "redirects are not followed, write the final URL"
        elif self.status == 429:
            hint = "it is asked too often"
        elif self.status >= 500:
            hint = "it cannot serve now, look at its log"
        else:
            hint = "it does not accept the request"
        return f"answered {self.status}: {hint}"


class HttpClient:
    """One session, opened when first used. `failure` is the error that it raises.

    It follows no redirect, so that credentials stay with the host they are for; keeps no cookies;
    asks for no compression, so that a small body cannot become a large one.
    """

    def __init__(
        self,
        timeout_seconds: float,
        failure: type[AutoscalerError],
        max_body_bytes: int = 4 * MEBIBYTE,
    ) -> None:
        self._failure = failure
        self._timeout_seconds = timeout_seconds
        self._max_body_bytes = max_body_bytes
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        login: tuple[str, str] | None = None,
        json: Any = None,
    ) -> Reply:
        """Ask once. login: user and password; those in the URL itself count for more.

        Raises `failure`, with a message that names no URL, when no whole answer came in time.
        """
        try:
            async with self._open().request(
                method,
                url,
                params=params,
                headers={**(headers or {}), **_login(url, login)},
                json=json,
                allow_redirects=False,
            ) as response:
                return Reply(response.status, await self._body(response))
        except TimeoutError as error:
            raise self._failure(f"no whole answer within {self._timeout_seconds:g} s") from error
        except ssl.SSLError as error:
            raise self._failure(f"no TLS connection that can be trusted: {error}") from error
        except (ValueError, aiohttp.NonHttpUrlClientError) as error:  # it would tell the secrets
            raise self._failure("the URL or a header in the config is malformed") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(f"no answer: {error or type(error).__name__}") from error

    async def aclose(self) -> None:
        """Close the session. May be called twice."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(_READ_BYTES):
            body += chunk
            if len(body) > self._max_body_bytes:
                raise self._failure(f"the answer is larger than {self._max_body_bytes} bytes")
        return bytes(body)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
                headers={"Accept-Encoding": "identity"},
                auto_decompress=False,
            )
        return self._session


def _login(url: str, login: tuple[str, str] | None) -> dict[str, str]:
    """The header of a login, unless the URL brings its own, which aiohttp sees to."""
    if login is None or urlsplit(url).username is not None:
        return {}
    return {"Authorization": f"Basic {b64encode(':'.join(login).encode()).decode()}"}
