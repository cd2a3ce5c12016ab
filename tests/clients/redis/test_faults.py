"""What is said of each failure of Redis; with real servers they are in test_redis_broker."""

import pytest
from redis import exceptions as redis_errors

from autoscaler.clients.redis.faults import explain


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            redis_errors.ConnectionError(
                "Error 1 connecting to h:1. [SSL: WRONG_VERSION_NUMBER] wrong version number"
            ),
            "TLS fails",
        ),
        (
            redis_errors.ConnectionError(
                "Error 1 connecting to h:1. [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify"
                " failed: Hostname mismatch, certificate is not valid for 'h'. (_ssl.c:1006)."
            ),
            "its certificate does not verify (Hostname mismatch, certificate is not valid",
        ),
        (
            redis_errors.ConnectionError("Error 111 connecting to h:1. Connect call failed (...)."),
            "it cannot be reached (Connection refused): is it running, and is its address right?",
        ),
        (
            redis_errors.ConnectionError("Error -2 connecting to h:1. Name or service not known."),
            "it cannot be reached (Name or service not known)",
        ),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (redis_errors.TimeoutError("Timeout connecting"), "it did not answer in time"),
        (redis_errors.BusyLoadingError("x"), "loading its data set"),
        (redis_errors.MasterDownError("x"), "a replica that lost its primary"),
        (redis_errors.ReadOnlyError("x"), "read-only replica"),
        (redis_errors.OutOfMemoryError("x"), "raise its maxmemory"),
        (redis_errors.ResponseError("MISCONF Errors writing to disk"), "cannot save to disk"),
        (redis_errors.ResponseError("BUSY Redis is busy"), "SCRIPT KILL"),
        (redis_errors.ResponseError("MOVED 1 h:1"), "a cluster, which Celery cannot use"),
        (redis_errors.ResponseError("ERR odd"), "it answered with an error: ERR odd"),
        (redis_errors.RedisError(), "it answered with an error: RedisError"),
    ],
)
def test_explanations(error, said):
    assert said in explain(error)


def test_a_frozen_connection_may_be_a_matter_of_tls():
    assert "redis://" not in explain(TimeoutError())
    assert "if it has no TLS, write redis://" in explain(TimeoutError(), tls=True)
    closed = redis_errors.ConnectionError("Connection closed by server.")
    assert explain(closed).endswith("If it has TLS, write rediss://")
    assert explain(closed, tls=True).endswith("If it has no TLS, write redis://")


def test_it_is_short_and_holds_no_secret():
    error = redis_errors.ResponseError("redis://joe:sesame@h\n" + "x" * 1000)
    assert "sesame" not in explain(error)
    assert len(explain(error)) < 400
    assert "\n" not in explain(error)
