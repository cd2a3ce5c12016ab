"""What client commands say when something is in the way, and with which exit code."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from autoscaler.cli import main
from tests.cli.conftest import Daemon
from tests.servers import free_port

Capture = pytest.CaptureFixture[str]


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that gives this answer to whoever connects; yields its URL."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.request.sendall(answer)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_what_cannot_be_is_said(daemon: Daemon, capsys: Capture) -> None:
    assert main(["scale", "default", "99", "--reason", "r"]) == 2
    assert capsys.readouterr().err == (
        "error: default has from 1 to 10 replicas, so it cannot be scaled to 99: "
        "replicas: must be from 1 to 10\n"
        "hint: change min_replicas or max_replicas in the config\n"
    )
    assert main(["drain", "default", "default-9", "--reason", "r"]) == 1
    assert "hint: there are: default-0" in capsys.readouterr().err
    assert main(["drain", "default", "default-0", "--reason", "r"]) == 1


def test_without_the_token_it_is_5(
    daemon: Daemon, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("wrong", ""):
        monkeypatch.setenv("AUTOSCALER_TOKEN", token)
        assert main(["pause", "default", "--reason", "r"]) == 5
        assert "hint: set AUTOSCALER_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("AUTOSCALER_TOKEN", "gr\N{SNOWMAN}n")
    assert main(["pause", "default", "--reason", "r"]) == 2
    daemon.api.backend.token = None
    monkeypatch.setenv("AUTOSCALER_TOKEN", "any")
    assert main(["resume", "default"]) == 5
    assert "set `http: {token: {env: AUTOSCALER_TOKEN}}` in the config" in capsys.readouterr().err


def test_a_daemon_that_cannot_be_reached_is_4(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("AUTOSCALER_URL", raising=False)
    url = f"http://127.0.0.1:{free_port()}/"
    assert main(["status", "--url", url]) == 4
    said = capsys.readouterr().err
    assert f"error: cannot reach the daemon at {url[:-1]}: Connection refused" in said
    assert "hint: start it with `autoscaler run --config FILE`" in said


def test_a_daemon_that_knows_nothing_yet_is_4(daemon: Daemon, capsys: Capture) -> None:
    daemon.api.backend.recent.tick = None
    assert main(["status"]) == 4
    assert "the first tick is not over" in capsys.readouterr().err


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
)
def test_something_else_that_answers_is_4(answer: bytes, capsys: Capture) -> None:
    with answering(answer) as url:
        assert main(["status", "--url", url]) == 4
    assert "hint:" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["ftp://x", "localhost:9180", "http://u:canary@x", "http://"])
def test_a_url_that_cannot_be_used_is_2(url: str, capsys: Capture) -> None:
    assert main(["status", "--url", url]) == 2
    said = capsys.readouterr().err
    assert "the daemon's URL cannot be used" in said
    assert "canary" not in said


def test_the_token_is_sent_with_changes_only(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            requests.append(self.request.recv(65_536))
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    monkeypatch.setenv("AUTOSCALER_TOKEN", "canary")
    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for words in (["explain", "default", "--json"], ["resume", "default", "--json"]):
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            assert main([*words, "--url", url]) == 0
            thread.join()
    assert [b"Bearer canary" in request for request in requests] == [False, True]
    assert "canary" not in capsys.readouterr().out


def test_fleets_complete_from_the_daemon(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    from autoscaler.cli.client import _fleet_names  # noqa: PLC0415 - private on purpose

    assert _fleet_names(prefix="") == ["default"]
    monkeypatch.setenv("AUTOSCALER_URL", f"http://127.0.0.1:{free_port()}")
    assert _fleet_names(prefix="") == []
