"""A WSGI application by the command: its lines, its streams, and an exit that no thread delays."""

from __future__ import annotations

import signal

import pytest

from tests.process.command import server_arguments
from tests.process.peer import answer, request


@pytest.fixture
def server(command):
    return command(server_arguments("served_wsgi:app", "--interface", "wsgi"))


def test_lines_and_streams(server):
    """U1.3, WSGI-1, WSGI-12: `wsgi.errors` is standard error."""
    with server.connect() as peer:
        request(peer, "/")
        assert b"served" in answer(peer)
    assert server.stop() == 0
    said = [line.removeprefix("INFO:     ") for line in server.err.all]
    assert said[1:4] == [
        "Waiting for application startup.",
        "ASGI 'lifespan' protocol appears unsupported.",
        "Application startup complete.",
    ]
    assert said[5:] == [
        "request entered",
        "said on wsgi.errors",
        "Shutting down",
        said[-1],
    ]
    (line,) = server.out.rest()
    assert line.endswith('"GET / HTTP/1.1" 200 OK')


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_request_that_hangs_does_not_delay_the_exit(server, number):
    """WSGI-11, O22: a second SIGINT ends the process at once, though the thread never will."""
    with server.connect() as peer:
        request(peer, "/hang")
        server.err.wait("request entered")
        server.send_signal(number)
        server.err.wait("Waiting for connections")
        code = server.stop(signal.SIGINT)
    assert code == (0 if number == signal.SIGINT else -signal.SIGTERM)


def test_request_that_hangs_and_a_limit_of_patience(command):
    """WSGI-11, U6.3."""
    options = ("--interface", "wsgi", "--timeout-graceful-shutdown", "1")
    server = command(server_arguments("served_wsgi:app", *options))
    with server.connect() as peer:
        request(peer, "/hang")
        server.err.wait("request entered")
        assert server.stop() == 0
    assert any("timeout graceful shutdown exceeded" in line for line in server.err.all)
