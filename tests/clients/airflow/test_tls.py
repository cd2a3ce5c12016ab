"""TLS of the two databases as parameters of the URL ask for it."""

import ssl

import pytest

from autoscaler.clients.airflow.address import parse_address
from autoscaler.clients.airflow.mysql import MySQL
from autoscaler.clients.airflow.postgresql import PostgreSQL
from tests.servers import CERTIFICATE


def of_postgresql(query):
    return PostgreSQL(parse_address(f"postgresql://db/a?{query}"), 1.0).arguments().get("ssl")


def of_mysql(query):
    return MySQL(parse_address(f"mysql://db/a?{query}"), 1.0).arguments().get("ssl")


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_modes_that_verify_nothing_are_the_drivers_own(mode):
    assert of_postgresql(f"sslmode={mode}") == mode
    assert of_postgresql("") is None


@pytest.mark.parametrize(
    ("query", "verifies", "checks_host"),
    [
        ("sslmode=verify-full", True, True),
        ("sslmode=verify-ca", True, False),
        (f"sslmode=verify-full&sslrootcert={CERTIFICATE}", True, True),
        (f"sslmode=require&sslrootcert={CERTIFICATE}", True, False),
        (f"sslmode=require&sslcert={CERTIFICATE}&sslkey={CERTIFICATE}", False, False),
    ],
)
def test_modes_of_postgresql(query, verifies, checks_host):
    made = of_postgresql(query)
    assert made.verify_mode == (ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE)
    assert made.check_hostname == checks_host


@pytest.mark.parametrize(
    ("query", "verifies", "checks_host"),
    [
        (f"ssl_ca={CERTIFICATE}", True, False),
        (f"ssl_ca={CERTIFICATE}&ssl_mode=VERIFY_IDENTITY", True, True),
        ("ssl_mode=REQUIRED", False, False),
        ("ssl_mode=VERIFY_CA", True, False),
        ("ssl_mode=VERIFY_IDENTITY", True, True),
        ("ssl=true", False, False),
        (f"ssl_cert={CERTIFICATE}&ssl_key={CERTIFICATE}", False, False),
    ],
)
def test_modes_of_mysql(query, verifies, checks_host):
    made = of_mysql(query)
    assert made.verify_mode == (ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE)
    assert made.check_hostname == checks_host


def test_mysql_without_tls_and_over_a_socket():
    arguments = MySQL(parse_address("mysql:///a?unix_socket=/run/my"), 1.0).arguments()
    assert "ssl" not in arguments
    assert arguments["unix_socket"] == "/run/my"


@pytest.mark.parametrize("query", ["sslmode=perhaps", "sslmode=verify-ca&sslrootcert=/nowhere"])
def test_what_cannot_be_used(query):
    with pytest.raises(ValueError, match=r"sslmode is none of|No such file"):
        of_postgresql(query)


def test_what_libpq_is_told_beside_that():
    url = "postgresql://db/a?options=-csearch_path%3Dairflow&connect_timeout=10&keepalives=1"
    dialect = PostgreSQL(parse_address(url), 1.0)
    assert dialect.arguments()["server_settings"] == {"options": "-csearch_path=airflow"}
    assert dialect.url.query == {}
    several = PostgreSQL(parse_address("postgresql:///a?host=h1:1&host=h2:2"), 1.0)
    assert several.url.query == {"host": ("h1:1", "h2:2")}
