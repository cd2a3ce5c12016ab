"""Broker URLs in Celery's spelling: what they mean, and what is said of malformed ones."""

import re

import pytest

from autoscaler.clients.redis.address import RedisAddress, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", RedisAddress()),
        ("redis://host", RedisAddress("host")),
        ("redis://host:7000/3", RedisAddress("host", 7000, database=3)),
        ("redis://host/?db=4", RedisAddress("host", database=4)),
        ("valkey://host", RedisAddress("host")),
        (
            "redis://:p%40ss%2F@[::1]:7000/1",
            RedisAddress("::1", 7000, database=1, password="p@ss/"),
        ),
        ("redis://joe:pw@host", RedisAddress("host", username="joe", password="pw")),
        ("rediss://host", RedisAddress("host", tls={"ssl_cert_reqs": "required"})),
        (
            "rediss://host/2?ssl_cert_reqs=CERT_NONE&ssl_ca_certs=/ca.pem",
            RedisAddress(
                "host", database=2, tls={"ssl_cert_reqs": "none", "ssl_ca_certs": "/ca.pem"}
            ),
        ),
        ("unix:///run/redis.sock?db=2", RedisAddress(path="/run/redis.sock", database=2)),
        (
            "redis+socket:///run/redis.sock?virtual_host=/5",
            RedisAddress(path="/run/redis.sock", database=5),
        ),
        ("sentinel://a", RedisAddress(sentinels=(("a", 26379),))),
        (
            "sentinel://:pw@a:1;b:2;c/7",
            RedisAddress(sentinels=(("a", 1), ("b", 2), ("c", 26379)), database=7, password="pw"),
        ),
        (
            "sentinel://a:1;sentinel://:pw@b:2/0",
            RedisAddress(sentinels=(("a", 1), ("b", 2)), password="pw"),
        ),
        (
            "sentinel://a:1/0?ssl_cert_reqs=required",
            RedisAddress(sentinels=(("a", 1),), tls={"ssl_cert_reqs": "required"}),
        ),
    ],
)
def test_an_address(url, address):
    assert parse_address(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "write the broker's address as redis://, rediss://"),
        ("localhost:6379", "write the broker's address as redis://"),
        ("http://host", "http:// is no address of a Redis broker"),
        ("redis://:sec/ret@host", "in a password write / as %2F"),
        ("redis://host:sixty", "port is not a number"),
        ("redis://host:99999", "port is not a number up to 65535"),
        ("redis://[::1", "malformed host"),
        ("redis://host/zero", "database is not a number"),
        ("redis://host/-1", "database is not a number"),
        ("redis://host/99999999999", "database is not a number"),
        ("rediss://host?ssl_cert_reqs=maybe", "none of required, optional, none"),
        ("sentinel://", "write every Sentinel as"),
        ("sentinel://a;:1/0", "write every Sentinel as"),
    ],
)
def test_a_malformed_address_is_told_without_its_secret(url, said):
    with pytest.raises(ValueError, match=re.escape(said)) as raised:
        parse_address(url)
    assert "sec" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:pw@host:1/2", "redis://host:1/2"),
        ("rediss://:pw@host", "rediss://host:6379/0"),
        ("unix://:pw@/run/x?db=1", "unix:///run/x?db=1"),
        ("sentinel://:pw@a:1;b:2/3", "sentinel://a:1;b:2/3"),
    ],
)
def test_it_is_shown_without_secrets(url, shown):
    address = parse_address(url)
    assert str(address) == shown
    assert "pw" not in repr(address)
