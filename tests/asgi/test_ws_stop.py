"""The server stops while sessions are open, opening, or closing.

U4.5, U6.3, FLT-F25, FLT-E5, FLT-C22, ASGI-95: 1012 to each, and time for the application.
"""

from __future__ import annotations

import asyncio

import pytest

from rsgi_bridge.exceptions import ClientDisconnected
from tests.apps import Gate
from tests.clients.websocket import WebSocket, dial, handshake
from tests.clients.websocket_frames import TEXT, frame
from tests.websocket_apps import REFUSED, binary, close, denial, opened, payload, refused_by, text

CANCELLED = "Task cancelled, timeout graceful shutdown exceeded"


@pytest.fixture
def server_with(stage_with):
    return lambda app, **options: stage_with(app, lifespan="off", **options)


def noting(notes):
    """An application that notes what it receives until the end."""

    async def app(scope, receive, send):
        await opened(receive, send)
        while True:
            message = await receive()
            notes(message)
            if message["type"] == "websocket.disconnect":
                break
        notes(await refused_by(send, text("late")))

    return app


def test_open_sessions_are_closed_with_1012(server_with, notes):
    """U4.5, FLT-F25: the peer and the application are both told; sending is then too late."""
    server = server_with(noting(notes))
    with dial(server.serving.address) as first, dial(server.serving.address) as second:
        server.serving.begin_stop()
        for peer in (first, second):
            peer.expect_close(1012)
        for message in (one for one in [notes.next() for _ in range(4)] if isinstance(one, dict)):
            assert message["type"] == "websocket.disconnect"
            assert (message["code"], message.get("reason", "")) == (1012, "")
    server.serving.join()
    assert server.errors == []


def test_send_after_1012_finds_nobody(server_with, notes):
    """U4.4."""
    server = server_with(noting(notes))
    with dial(server.serving.address) as peer:
        server.serving.begin_stop()
        peer.expect_close(1012)
    assert notes.next()["code"] == 1012
    assert type(notes.next()) is ClientDisconnected
    server.serving.join()


def test_application_has_time_to_finish(server_with, notes):
    """U6.3, ASGI-95: the stop waits for it, also when its peer has gone."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        notes((await receive())["code"])
        await gate.wait()
        notes("finished")

    server = server_with(app)
    with dial(server.serving.address) as peer:
        server.serving.begin_stop()
        peer.expect_close(1012)
    assert notes.next() == 1012
    gate.expect_reached()
    assert server.serving.server.server_state.tasks
    gate.open()
    assert notes.next() == "finished"
    server.serving.join()


@pytest.mark.parametrize("swallows", [False, True])
def test_application_is_cancelled_when_the_time_is_over(server_with, notes, swallows):
    """FLT-E5, FLT-C20, FLT-C22: with uvicorn's message; a swallowed cancellation delays no exit."""

    async def app(scope, receive, send):
        await opened(receive, send)
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            notes(error.args)
            if not swallows:
                raise

    server = server_with(app, timeout_graceful_shutdown=0.2)
    with dial(server.serving.address) as peer:
        server.serving.begin_stop()
        peer.expect_close(1012)
        assert notes.next() == (CANCELLED,)
    server.serving.join()
    server.logs.wait("Cancel 1 running task(s), timeout graceful shutdown exceeded")


def test_messages_before_the_stop_are_received_first(server_with, notes):
    """U4.5."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        notes(payload(await receive()))
        notes((await receive())["code"])

    server = server_with(app)
    with dial(server.serving.address) as peer:
        peer.send(frame(TEXT, b"a") + frame(9, b""))
        assert peer.read_pong() == b""
        server.serving.begin_stop()
        peer.expect_close(1012)
        gate.open()
        assert [notes.next(), notes.next()] == ["a", 1012]
    server.serving.join()


@pytest.mark.parametrize("begun", [False, True], ids=["connecting", "refusing"])
def test_sessions_that_are_not_open_get_a_500(server_with, notes, begun):
    """U4.5."""

    async def app(scope, receive, send):
        await receive()
        if begun:
            await send(denial(401, [(b"x-denied", b"1")]))
        notes("waits")
        notes(await receive())

    server = server_with(app)
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        assert notes.next() == "waits"
        server.serving.begin_stop()
        response = peer.read_response()
        assert (response.status, response.body) == (500, b"Internal Server Error")
        assert response.one("x-denied") is None
        peer.expect_end()
    assert notes.next() == REFUSED
    server.serving.join()


def test_peer_that_ignores_the_close_delays_nothing(server_with, notes):
    """U4.5: TCP ends with it."""
    server = server_with(noting(notes))
    with dial(server.serving.address, timeout=4):
        server.serving.begin_stop()
        server.serving.join(4)


def test_peer_that_does_not_read_delays_nothing(server_with, notes):
    """FLT-F22, FLT-F25: what it never took is given up."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes("open")
        notes(type(await refused_by(send, binary(b"x" * 30_000_000))))
        notes(type(await refused_by(send, text("more"))))
        notes((await receive())["type"])

    server = server_with(app, timeout_graceful_shutdown=1)
    with dial(server.serving.address, SO_RCVBUF=65536):
        assert notes.next() == "open"
        server.serving.begin_stop()
        server.serving.join(8)


def test_session_that_is_closing_ends(server_with, notes):
    """U6.3: its peer has not answered our Close; a stop does not wait for it."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await send(close(code=4000))
        notes((await receive())["code"])

    server = server_with(app)
    with dial(server.serving.address) as peer:
        assert notes.next() == 4000
        server.serving.begin_stop()
        assert peer.read_close() == (4000, "")
        assert peer.read_to_end() == b""
        server.serving.join(4)


def test_forced_stop_waits_for_nobody(server_with, notes):
    """O22: TCP ends, with or without a Close."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes("open")
        await asyncio.get_running_loop().create_future()

    server = server_with(app)
    with dial(server.serving.address) as peer:
        assert notes.next() == "open"
        server.serving.force_stop()
        peer.read_to_end()
        server.serving.join(5)
