"""AMQP URLs in Celery's spelling."""

import ssl

import pytest

from autoscaler.clients.amqp.address import AmqpAddress, parse_addresses

VERIFIED = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": "h"}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("amqp://h", AmqpAddress("h", 5672)),
        ("pyamqp://h:1/", AmqpAddress("h", 1)),
        ("amqp:///x", AmqpAddress("127.0.0.1", 5672, "x")),
        ("amqp://h//", AmqpAddress("h", 5672, "/")),
        ("amqp://h/%2Fx", AmqpAddress("h", 5672, "/x")),
        ("amqp://ann:p%40%2F@h/x", AmqpAddress("h", 5672, "x", "ann", "p@/")),
        ("amqp://[::1]:9/x", AmqpAddress("::1", 9, "x")),
        ("amqps://h/x", AmqpAddress("h", 5671, "x", tls=VERIFIED)),
        (
            "pyamqps://h/x?ssl_ca_certs=/ca.pem&ssl_certfile=/c.pem&heartbeat=5",
            AmqpAddress(
                "h", 5671, "x", tls={**VERIFIED, "ca_certs": "/ca.pem", "certfile": "/c.pem"}
            ),
        ),
        (
            "amqps://h/x?ssl_cert_reqs=CERT_NONE",
            AmqpAddress("h", 5671, "x", tls={"cert_reqs": ssl.CERT_NONE}),
        ),
    ],
)
def test_one_address(url, address):
    assert parse_addresses(url) == (address,)


def test_several_servers_and_a_virtual_host_of_ones_own():
    first, second = parse_addresses("amqp://h1/a; amqp://h2:7/b", "/mine")
    assert (first.host, first.port, first.virtual_host) == ("h1", 5672, "/mine")
    assert (second.host, second.port, second.virtual_host) == ("h2", 7, "/mine")


@pytest.mark.parametrize("url", ["redis://s3cret@h", "amqp://s3cret@h:port", "amqp://[s3cret", ""])
def test_what_is_no_address_is_not_shown(url):
    with pytest.raises(ValueError, match="address") as caught:
        parse_addresses(url)
    assert "s3cret" not in str(caught.value)


def test_an_address_is_shown_without_its_login():
    plain, encrypted = parse_addresses("amqp://ann:s3cret@h/x;amqps://ann:s3cret@h//")
    assert (str(plain), str(encrypted)) == ("amqp://h:5672/x", "amqps://h:5671/")
    assert "s3cret" not in repr(plain)
