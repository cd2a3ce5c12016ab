"""Addresses of the metadata database, in all of Airflow's own spellings."""

import pytest

from autoscaler.clients.airflow.address import parse_address

LOGIN = "user:p%40ss/word"


@pytest.mark.parametrize(
    ("url", "system", "shown"),
    [
        ("postgresql://u:p@db/airflow", "postgresql", "postgresql://db:5432/airflow"),
        ("postgresql+psycopg2://u:p@db:6432/a", "postgresql", "postgresql://db:6432/a"),
        ("postgresql+asyncpg://u@db/a?sslmode=require", "postgresql", "postgresql://db:5432/a"),
        ("postgres://u:p@db/a", "postgresql", "postgresql://db:5432/a"),
        ("postgresql:///a?host=/run/pg", "postgresql", "postgresql:///run/pg:5432/a"),
        ("postgresql:///a?host=h1:1&host=h2:2", "postgresql", "postgresql://h2:2:5432/a"),
        ("postgresql:///a", "postgresql", "postgresql://localhost:5432/a"),
        ("mysql://u:p@db/a", "mysql", "mysql://db:3306/a"),
        ("mysql+mysqldb://u:p@db/a?charset=utf8mb4", "mysql", "mysql://db:3306/a"),
        ("MySQL+PyMySQL://u:p@db/a", "mysql", "mysql://db:3306/a"),
        ("mariadb+mysqldb://u:p@[::1]:3307/a", "mysql", "mysql://::1:3307/a"),
        ("mysql://u:p@/a?unix_socket=/run/my", "mysql", "mysql:///run/my:3306/a"),
    ],
)
def test_every_spelling(url, system, shown):
    address = parse_address(url)
    assert (address.system, str(address)) == (system, shown)


def test_the_password_is_unescaped_and_never_shown():
    address = parse_address("postgresql://me:p%40ss%2F@db/airflow?sslmode=require")
    assert address.url.password == "p@ss/"
    assert "p@ss" not in str(address) + repr(address)
    assert "me" not in str(address)


def test_the_last_of_options_given_twice_counts():
    address = parse_address("postgresql://db/a?sslmode=disable&sslmode=require")
    assert address.option("sslmode") == "require"
    assert address.option("sslcert", "sslmode") == "require"
    assert address.option("sslcert") is None


@pytest.mark.parametrize(
    "url",
    ["", "postgresql", "//db/a", "postgresql://db:port-p4ss/a", "sqlite:////a.db", "mysql://db"],
)
def test_what_is_no_address_of_such_a_database(url):
    with pytest.raises(ValueError, match="postgresql://user:password@host:5432/airflow") as raised:
        parse_address(url)
    assert "p4ss" not in str(raised.value)
