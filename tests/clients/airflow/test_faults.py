"""What failures of the metadata database are told as; the servers' own are in tests/sources."""

import ssl

import pytest
from pymysql import OperationalError
from sqlalchemy.exc import DBAPIError

from autoscaler.clients.airflow.faults import explain


class RefusedError(Exception):
    sqlstate = "28000"


def wrapped(error):
    return DBAPIError("SELECT secret", {"secret": 1}, error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (wrapped(RefusedError("no pg_hba.conf entry")), "the user or password is wrong"),
        (RefusedError("no"), "the user or password is wrong"),
        (wrapped(OperationalError(1045, "Access denied")), "the user or password is wrong"),
        (wrapped(OperationalError(2013, "Lost connection")), "the connection to it broke"),
        (wrapped(OperationalError(9999, "Strange")), "it answered with an error"),
        (wrapped(Exception("connection is closed")), "the connection to it broke"),
        (wrapped(Exception("postgresql://u:secret@h/d is odd")), "postgresql://h/d is odd"),
        (TimeoutError(), "it did not answer in time"),
        (ConnectionRefusedError(111, "x"), "it cannot be reached (Connection refused)"),
        (OSError("Multiple exceptions"), "it cannot be reached (Multiple exceptions)"),
        (ssl.SSLError(1, "wrong version number"), "TLS fails"),
        (Exception(), "it answered with an error: Exception"),
    ],
)
def test_what_is_wrong(error, words):
    told = explain(error)
    assert words in told
    assert "secret" not in told
