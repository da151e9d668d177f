"""Options and counts of the server that concern sessions.

U1.2 (`--ws`), U2.4, U3.3, U3.4, U4.6; uvicorn.md 9.2 for bodies of refused upgrades.
"""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from tests.apps import Gate, answers, body, read_body, start
from tests.asgi.exchange import answer, pause
from tests.clients.websocket import WebSocket, dial, handshake
from tests.websocket_apps import close, echo, opened

UNSUPPORTED = "Unsupported upgrade request."
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def server_with(stage_with):
    return lambda app, **options: stage_with(app, lifespan="off", **options)


def wait_until(is_so):
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline


def counts(server):
    state = server.serving.server.server_state
    return len(state.connections), len(state.tasks), state.total_requests


# --- `ws` ---


@pytest.mark.parametrize("ws", ["auto", "websockets", "websockets-sansio", "wsproto"])
def test_every_implementations_name_is_the_one_there_is(server_with, ws):
    """U1.2."""
    with dial(server_with(echo, ws=ws).serving.address) as peer:
        peer.send_text("a")
        assert peer.read_message() == "a"


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_upgrade_is_plain_http_without_websockets(server_with, notes, method):
    """U3.4, uvicorn.md 9.2: with a warning, its body kept, and the connection usable."""

    async def app(scope, receive, send):
        notes((scope["type"], scope.get("method"), await read_body(receive)))
        await answer(send, b"plain")

    server = server_with(app, ws="none")
    with WebSocket(server.serving.address) as peer:
        for _ in range(2):
            peer.send(handshake(b"/", b"Content-Length: 4", method=method) + b"kept" + GET)
            assert peer.read_response().body == b"plain"
            assert notes.next() == ("http", method.decode(), b"kept")
            assert peer.read_response().body == b"plain"
            assert notes.next() == ("http", "GET", b"")
    warnings = server.logs.messages(logging.WARNING)
    assert warnings[0] == UNSUPPORTED
    assert server.errors == []


@pytest.mark.parametrize(
    "fields",
    [
        [b"Connection: Upgrade", b"Upgrade: h2c"],
        [b"Connection: Upgrade", b"Upgrade: websockets"],
        [b"Connection: keep-alive"],
        [b"Connection: close"],
        [b"Upgrade: x"],
    ],
    ids=repr,
)
def test_what_is_no_handshake_is_plain_http(server_with, notes, fields):
    """U3.4, RFC 9110 7.8: the body is kept."""

    async def app(scope, receive, send):
        notes((scope["type"], await read_body(receive)))
        await answer(send, b"plain")

    with WebSocket(server_with(app).serving.address) as peer:
        peer.send(handshake(b"/", *fields, b"Content-Length: 4", method=b"POST") + b"kept")
        assert peer.read_response().body == b"plain"
    assert notes.next() == ("http", b"kept")


# --- Counts ---


def test_sessions_are_counted_but_no_requests(server_with):
    """U2.4, U4.6."""
    server = server_with(echo)
    assert counts(server) == (0, 0, 0)
    with dial(server.serving.address) as first:
        first.send_text("a")
        first.read_message()
        assert counts(server) == (1, 1, 0)
        with dial(server.serving.address) as second:
            assert counts(server) == (2, 2, 0)
            second.send_close(1000)
            second.expect_close(1000)
        wait_until(lambda: counts(server) == (1, 1, 0))
    wait_until(lambda: counts(server) == (0, 0, 0))


def test_session_that_is_not_open_yet_counts(server_with):
    """U2.4: and so does an application that its peer has left."""
    gate = Gate()

    async def app(scope, receive, send):
        await receive()
        await gate.wait()
        await send(close())

    server = server_with(app)
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        gate.expect_reached()
        assert counts(server) == (1, 1, 0)
        peer.reset()
        wait_until(lambda: counts(server) == (0, 1, 0))
    gate.open()
    wait_until(lambda: counts(server) == (0, 0, 0))


def test_tasks_of_sessions_are_in_the_state(server_with, notes):
    """U2.4."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes(asyncio.current_task())
        await receive()

    server = server_with(app)
    state = server.serving.server.server_state

    async def look():
        return notes.next() in state.tasks

    with dial(server.serving.address):
        looking = asyncio.run_coroutine_threadsafe(look(), server.serving.loop)
        assert looking.result(10)


# --- Limits ---


def test_sessions_count_towards_the_concurrency_limit(server_with):
    """U3.3: plain requests beyond it get their 503."""
    server = server_with(echo, limit_concurrency=3)
    with dial(server.serving.address), dial(server.serving.address) as second:
        assert server.ask().status == 503
        second.reset()
        wait_until(lambda: counts(server)[:2] == (1, 1))
        assert server.ask().status == 200


def test_handshake_beyond_the_concurrency_limit_is_served(server_with):
    """U3.3: the limit refuses requests alone; WebSockets it only counts."""
    server = server_with(echo, limit_concurrency=1)
    with dial(server.serving.address) as peer:
        peer.send_text("a")
        assert peer.read_message() == "a"
        assert server.ask().status == 503


def test_handshake_may_follow_requests_on_a_connection(server_with):
    """RFC 9110 7.8: also one that was pipelined behind them."""
    gate = Gate()

    async def app(scope, receive, send):
        if scope["type"] == "websocket":
            await echo(scope, receive, send)
        elif scope["path"] == "/slow":
            await gate.wait()
            await send(start())
            await send(body(b"slow"))
        else:
            await answers(b"fast")(scope, receive, send)

    with WebSocket(server_with(app).serving.address) as peer:
        slow = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
        peer.send(GET + slow + handshake())
        assert peer.read_response().body == b"fast"
        gate.expect_reached()
        peer.expect_quiet(0.1)
        gate.open()
        assert peer.read_response().body == b"slow"
        peer.read_accepted()
        peer.send_text("a")
        assert peer.read_message() == "a"


def test_keep_alive_timeout_is_not_for_sessions(server_with):
    """U3.4: nor are those of requests."""
    options = {"timeout_keep_alive": 0, "timeout_request_header": 0.2, "timeout_request_body": 0.2}
    server = server_with(echo, **options)
    with dial(server.serving.address) as peer:
        peer.expect_quiet(0.6)
        peer.send_text("a")
        assert peer.read_message() == "a"


def test_maximum_of_requests_is_not_reached_by_sessions(server_with):
    """U4.6."""
    server = server_with(echo, limit_max_requests=2)
    for _ in range(3):
        with dial(server.serving.address) as peer:
            peer.send_text("a")
            assert peer.read_message() == "a"
    assert not server.serving.server.should_exit


def test_refused_handshakes_do_not_stop_the_server(server_with, notes):
    """FLT-A3: the application is not called, and the next session opens."""

    async def app(scope, receive, send):
        notes(scope["path"])
        await opened(receive, send)
        await pause()

    server = server_with(app)
    for _ in range(3):
        with WebSocket(server.serving.address) as peer:
            peer.send(handshake(b"/bad", b"Sec-WebSocket-Version: 8"))
            assert peer.read_response().status == 426
            peer.expect_end()
    with dial(server.serving.address, b"/good") as peer:
        peer.expect_close(1000)
    assert notes.next() == "/good"
    assert notes.rest() == []
