"""TLS as libpq's and mysqlclient's parameters in a URL ask for it."""

from __future__ import annotations

import ssl


def context(
    authority: str | None,
    certificate: str | None,
    key: str | None,
    *,
    verify: bool,
    verify_host: bool,
) -> ssl.SSLContext:
    """A client's TLS settings. Raises ValueError when a file cannot be used."""
    made = ssl.create_default_context()
    made.check_hostname = verify_host
    made.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    try:
        if authority:
            made.load_verify_locations(cafile=authority)
        if certificate:
            made.load_cert_chain(certificate, key)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(f"the TLS files of `url` cannot be used: {reason}") from error
    return made
