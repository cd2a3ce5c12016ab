"""Opening a connection to RabbitMQ, and what its failures mean."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import amqp

from autoscaler.clients.amqp.address import AmqpAddress

HEARTBEAT_SECONDS = 10
READ_BYTES = 16_384
# py-amqp falls over its own closed sockets with AttributeError.
LOST = (amqp.AMQPError, amqp.exceptions.MessageNacked, OSError, AttributeError)

_MEANINGS: dict[type[BaseException], str] = {
    amqp.AccessRefused: "refused, check the user, the password and the user's permissions",
    amqp.NotAllowed: "refused, check that the virtual host exists and may be used",
    amqp.exceptions.MessageNacked: "the broker did not take a message",
    amqp.AMQPError: "the broker ended the connection",
    ssl.SSLError: "no TLS connection that can be trusted",
    TimeoutError: "no answer in time",
    OSError: "no connection",
}


def connect(addresses: Sequence[AmqpAddress], timeout_seconds: float) -> amqp.Connection:
    """A connection to the first server that accepts one. Blocks; each step has the timeout.

    Raises ConnectionError with what is wrong with every server.
    """
    faults = []
    for address in addresses:
        try:
            return _connect(address, timeout_seconds)
        except LOST as error:
            faults.append(f"{address}: {explain(error)}")
    raise ConnectionError("; ".join(faults))


def explain(error: BaseException) -> str:
    """What a failure of py-amqp means, and what to do about it. Ours, without errno, say it all."""
    if isinstance(error, ConnectionError) and error.errno is None:
        return str(error)
    for kind, meaning in _MEANINGS.items():
        if isinstance(error, kind):
            return f"{meaning}: {error or type(error).__name__}"
    return f"the connection was lost: {error!r}"


def _connect(address: AmqpAddress, timeout_seconds: float) -> amqp.Connection:
    connection = amqp.Connection(
        host=f"{address.host}:{address.port}",
        userid=address.user,
        password=address.password,
        virtual_host=address.virtual_host,
        ssl=address.tls or False,
        connect_timeout=timeout_seconds,
        heartbeat=HEARTBEAT_SECONDS,
    )
    try:
        connection.connect()
    except amqp.AMQPError:
        connection.collect()
        raise
    sock = connection.sock
    sock.settimeout(timeout_seconds)
    # py-amqp asks for each frame in three small pieces, and keeps what it gets beyond them:
    # more at once costs a worker event 70 us instead of 130.
    connection.transport._quick_recv = lambda size: sock.recv(max(size, READ_BYTES))
    return connection
