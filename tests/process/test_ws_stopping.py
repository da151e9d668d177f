"""A server process is stopped while sessions are open: FLT-F25, FLT-E4, E5, FLT-C11, C20, C22.

U4.5, U6.3, O21, O22: 1012 to each peer, time for the applications, uvicorn's lines and exit codes.
"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack

import pytest

from tests.clients.websocket import WebSocket, dial, handshake
from tests.process.command import server_arguments

CANCELLED = "Task cancelled, timeout graceful shutdown exceeded"

pytestmark = [pytest.mark.usefixtures("loop_name"), pytest.mark.life_cycle]


@pytest.fixture
def serve(command, loop_name):
    """Starts the application of `served_ws.py` on the loop under test; its address beside it."""

    def serve(*options):
        server = command(server_arguments("served_ws:app", "--loop", loop_name, *options))
        return server, ("127.0.0.1", server.port)

    return serve


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)]
)
def test_every_session_is_closed_with_1012(serve, number, code):
    # FLT-F25, O21
    server, address = serve()
    with ExitStack() as peers:
        opened = [peers.enter_context(dial(address)) for _ in range(20)]
        server.err.wait("connection open", times=20)
        begin = time.monotonic()
        server.send_signal(number)
        for peer in opened:
            peer.expect_close(1012)
        assert server.wait() == code
        assert time.monotonic() - begin < 5
    lines = server.err.rest()
    assert lines.count("INFO:     session ended with 1012") == 20
    assert lines[-2:] == [
        "INFO:     Application shutdown complete.",
        f"INFO:     Finished server process [{server.pid}]",
    ]
    assert not [line for line in lines if line.startswith(("WARNING", "ERROR"))]


def test_lines_of_a_session_reach_standard_error(serve):
    # U4.2: and standard output, where access lines go, gets none.
    server, address = serve("--lifespan", "off")
    with dial(address, b"/?q=%20") as peer:
        peer.send_text("a")
        assert peer.read_message() == "a"
        peer.send_close(1001)
        peer.expect_close(1001)
    server.err.wait("session ended")
    server.stop()
    lines = server.err.rest()
    start = lines.index(f'INFO:     127.0.0.1:{peer.port} - "WebSocket /?q=%20" [accepted]')
    assert lines[start + 1 : start + 4] == [
        "INFO:     connection open",
        "INFO:     session ended with 1001",
        "INFO:     Shutting down",
    ]
    assert server.out.rest() == []


def test_application_finishes_before_the_process_ends(serve):
    # FLT-E4, ASGI-95
    server, address = serve()
    with dial(address, b"/farewell") as peer:
        server.err.wait("session entered")
        server.send_signal(signal.SIGTERM)
        peer.expect_close(1012)
        assert server.wait() == -signal.SIGTERM
    lines = server.err.rest()
    finished = lines.index("INFO:     session finished")
    assert lines.index("INFO:     session ended with 1012") < finished
    assert finished < lines.index("INFO:     Waiting for application shutdown.")


@pytest.mark.parametrize("path", [b"/hang", b"/stubborn"])
def test_application_that_hangs_is_cancelled_in_time(serve, path):
    # FLT-C20, FLT-C22, FLT-E5
    server, address = serve("--timeout-graceful-shutdown", "1")
    with dial(address, path) as peer:
        server.err.wait("session entered")
        begin = time.monotonic()
        server.send_signal(signal.SIGTERM)
        peer.expect_close(1012)
        assert server.wait() == -signal.SIGTERM
        assert 0.9 < time.monotonic() - begin < 5
    lines = server.err.rest()
    assert "ERROR:    Cancel 1 running task(s), timeout graceful shutdown exceeded" in lines
    if path == b"/hang":
        assert f"INFO:     cancelled: {CANCELLED}" in lines


@pytest.mark.parametrize("path", [b"/hang", b"/stubborn"])
def test_second_interrupt_waits_for_nobody(serve, path):
    # O22, FLT-E6
    server, address = serve()
    with dial(address, path):
        server.err.wait("session entered")
        server.send_signal(signal.SIGINT)
        server.err.wait("(CTRL+C to force quit)")
        begin = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - begin < 5


def test_peers_that_neither_read_nor_answer_delay_nothing(serve):
    # FLT-F22, FLT-F25
    server, address = serve()
    with dial(address, b"/flood", SO_RCVBUF=65536), dial(address) as silent:
        silent.send_text("a")
        server.err.wait("connection open", times=2)
        begin = time.monotonic()
        assert server.stop(signal.SIGTERM) == -signal.SIGTERM
        assert time.monotonic() - begin < 8
    assert "INFO:     flood ended" in server.err.rest()


def test_session_that_is_not_accepted_gets_a_500(serve):
    # U4.5
    server, address = serve()
    with WebSocket(address) as peer:
        peer.send(handshake("/unaccepted"))
        server.err.wait("session entered")
        server.send_signal(signal.SIGTERM)
        assert peer.read_response().status == 500
        peer.expect_end()
        assert server.wait() == -signal.SIGTERM
    assert "INFO:     session refused with 1006" in server.err.rest()


def test_application_that_exits_ends_its_session_only(serve):
    # FLT-C11
    server, address = serve()
    for _ in range(2):
        with dial(address, b"/exits") as peer:
            peer.expect_close(1011)
    with dial(address) as peer:
        peer.send_text("alive")
        assert peer.read_message() == "alive"
        server.stop()
    assert "SystemExit: 3" in server.err.rest()


# --- Options on the command line ---


def test_websockets_may_be_switched_off(serve):
    # U1.2, U3.4
    server, address = serve("--ws", "none")
    with WebSocket(address) as peer:
        peer.send(handshake())
        response = peer.read_response()
        assert (response.status, response.body) == (200, b"plain")
    server.stop()
    assert "WARNING:  Unsupported upgrade request." in server.err.rest()


def test_options_reach_the_sessions(serve):
    # U1.2, U4.6
    options = ("--ws-max-size", "100", "--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.1")
    _, address = serve(*options, "--ws-per-message-deflate", "false")
    with dial(address, b"/", b"Sec-WebSocket-Extensions: permessage-deflate") as peer:
        assert peer.deflate is None
        peer.read_ping()
        peer.expect_closed_by_server(1011, "keepalive ping timeout")
    with dial(address) as peer:
        peer.send_bytes(b"x" * 101)
        peer.expect_closed_by_server(1009, "frame with 101 bytes exceeds limit of 100 bytes")


def test_accept_timeout_is_an_option(serve):
    # uvicorn.md 9.6
    server, address = serve("--ws-accept-timeout", "0.2")
    with WebSocket(address) as peer:
        peer.send(handshake("/unaccepted"))
        assert peer.read_response().status == 500
        peer.expect_end()
    server.err.wait("session refused with 1006")
