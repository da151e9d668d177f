"""Other sockets than IPv4: a Unix socket and IPv6, and what the scope says of them (ASGI-31)."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from tests.apps import answers
from tests.clients.raw import RawConnection

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def recorded(scopes: list):
    async def app(scope, receive, send):
        scopes.append(scope)
        await answers(b"ok")(scope, receive, send)

    return app


def test_ipv4_scope(wire) -> None:
    scopes: list = []
    connection = wire.ask(recorded(scopes), GET)
    assert connection.read_response().body == b"ok"
    assert scopes[0]["client"] == connection.socket.getsockname()
    assert scopes[0]["server"] == connection.socket.getpeername()


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_ipv6_is_served(wire_with) -> None:
    scopes: list = []
    wire = wire_with(host="::1")
    connection = wire.ask(recorded(scopes), GET + GET)
    for _ in range(2):
        assert connection.read_response().body == b"ok"
    assert scopes[0]["client"] == ("::1", connection.port)
    assert scopes[0]["server"] == ("::1", wire.serving.port)
    assert wire.logs.access[0].startswith(f"::1:{connection.port} - ")


@pytest.fixture
def unix_path(tmp_path):
    path = str(tmp_path / "s")
    assert len(path) < 100
    return path


def test_unix_socket_is_served(wire_with, unix_path) -> None:
    scopes: list = []
    wire = wire_with(uds=unix_path)
    connection = wire.ask(recorded(scopes), GET)
    assert connection.read_response().body == b"ok"
    connection.send(GET)
    assert connection.read_response().body == b"ok"
    assert scopes[0]["client"] is None
    assert scopes[0]["server"] == (unix_path, None)
    assert wire.logs.access == [' - "GET / HTTP/1.1" 200'] * 2


def test_unix_socket_is_open_to_everybody(wire_with, unix_path) -> None:
    wire_with(uds=unix_path)
    assert stat.S_IMODE(os.stat(unix_path).st_mode) == 0o666


def test_unix_socket_refusal_is_readable(wire_with, unix_path) -> None:
    wire = wire_with(uds=unix_path)
    connection = wire.ask(answers(), b"GET / HTTP/1.1\r\n\r\n")
    assert connection.read_response().status == 400
    connection.expect_end()


def test_unix_socket_pipelining_and_large_bodies(wire_with, unix_path) -> None:
    wire = wire_with(uds=unix_path)
    connection = wire.ask(answers(b"x" * 500_000), GET * 10)
    for _ in range(10):
        assert len(connection.read_response().body) == 500_000


def test_unix_socket_keep_alive_timeout(wire_with, unix_path) -> None:
    wire = wire_with(uds=unix_path, timeout_keep_alive=0.5)
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    connection.expect_end()


def test_unix_socket_drains(wire_with, unix_path) -> None:
    """O28: nothing connects afterwards."""
    wire = wire_with(uds=unix_path)
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    wire.serving.begin_stop()
    connection.expect_end()
    wire.serving.join()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        RawConnection(unix_path)


def test_two_listeners_at_once(wire_with, unix_path) -> None:
    tcp, unix = wire_with(), wire_with(uds=unix_path)
    for wire in (tcp, unix):
        assert wire.ask(answers(b"ok"), GET).read_response().body == b"ok"
