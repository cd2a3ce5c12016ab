"""Secrets by reference, and that none is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from autoscaler.secret import MAX_SECRET_BYTES, Secret, redact, redact_url

ADAPTER: TypeAdapter[Secret] = TypeAdapter(Secret)


def test_a_literal_is_never_shown() -> None:
    secret = ADAPTER.validate_python("hunter2")
    assert (secret.reveal(), secret.literal) == ("hunter2", True)
    assert (repr(secret), str(secret), f"{secret}") == ("Secret(***)",) * 3
    assert ADAPTER.dump_json(secret) == b'"Secret(***)"'


def test_a_variable_is_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SECRET", "one")
    secret = ADAPTER.validate_python({"env": "SOME_SECRET"})
    monkeypatch.setenv("SOME_SECRET", "two")
    assert (secret.reveal(), secret.literal) == ("two", False)
    assert str(secret) == "Secret(env: SOME_SECRET)"
    monkeypatch.delenv("SOME_SECRET")
    with pytest.raises(ValueError, match="environment variable SOME_SECRET is not set"):
        secret.reveal()


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("one\n")
    secret = ADAPTER.validate_python({"file": str(path)})
    path.write_text("two\n")
    assert secret.reveal() == "two"
    assert str(secret) == f"Secret(file: {path})"


def test_files_that_are_no_secrets(tmp_path: Path) -> None:
    def fault(content: bytes) -> str:
        (tmp_path / "secret").write_bytes(content)
        with pytest.raises(ValidationError) as caught:
            ADAPTER.validate_python({"file": str(tmp_path / "secret")})
        return caught.value.errors()[0]["msg"]

    assert f"larger than {MAX_SECRET_BYTES} bytes" in fault(b"x" * (MAX_SECRET_BYTES + 1))
    assert "cannot be read: UnicodeDecodeError" in fault(b"\xff")
    (tmp_path / "secret").unlink()
    (tmp_path / "secret").mkdir()
    with pytest.raises(ValidationError, match="not a regular file"):
        ADAPTER.validate_python({"file": str(tmp_path / "secret")})


@pytest.mark.parametrize("value", [5, None, {}, {"env": ""}, {"env": 5}, {"env": "A", "file": "B"}])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="write a text, "):
        ADAPTER.validate_python(value)


def test_equal_references_are_one_secret() -> None:
    assert Secret("A", "env") == Secret("A", "env")
    assert len({Secret("A", "env"), Secret("A", "env"), Secret("A"), Secret("B", "env")}) == 3
    assert Secret("A") != "A"


def test_exposure(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o604)
    assert "stands in the config" in Secret("hunter2").exposure()
    assert "stands in the config" in Secret("redis://:hunter2@host").exposure()
    assert Secret("redis://host:6379/0").exposure() == ""
    assert "everybody on this machine can read" in Secret(str(path), "file").exposure()
    path.chmod(0o600)
    assert Secret(str(path), "file").exposure() == ""
    assert Secret(str(tmp_path / "gone"), "file").exposure() == ""
    assert Secret("A", "env").exposure() == ""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:pw@host:6379/1?password=x#y", "redis://host:6379/1"),
        ("amqp://host//", "amqp://host//"),
        ("http://[::1", "http://[::1"),
        ("http://user:pw@[::1?token=x", "http://[::1"),
        ("", ""),
        ("redis://:p@s/s?w#d w@host:6379/1", "redis://host:6379/1"),
        ("sentinel://:pw@a:1;sentinel://:pw@b:2", "sentinel://b:2"),
        ("user:pw@host:6379?x=y", "host:6379"),
    ],
)
def test_urls_are_shown_without_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_texts_are_shown_without_the_secrets_of_their_urls() -> None:
    text = "cannot reach redis://:pw@a:1/0 or amqp://u:p@b"
    assert redact(text) == "cannot reach redis://a:1/0 or amqp://b"
    assert (
        redact("cannot reach 'redis://:p@s/s?w#d@a:1/0', b@c")
        == "cannot reach 'redis://a:1/0', b@c"
    )
