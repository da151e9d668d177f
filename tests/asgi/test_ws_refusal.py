"""Sessions that are never opened: closed, failed, forgotten, or left before the accept.

ASGI-75, ASGI-76, ASGI-80, ASGI-82, ASGI-N5, U4.3, U4.5, FLT-C1, C2, C10, C11.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.apps import Gate
from tests.asgi.exchange import pause
from tests.clients.websocket import WebSocket, handshake
from tests.websocket_apps import CONNECT, REFUSED, accept, close, denial, refused_by
from tests.websocket_apps import shared_server as shared_server

EXCEPTION = "Exception in ASGI application\n"
NOT_COMPLETED = "ASGI callable returned without completing handshake."
ERRORS = [
    ValueError("v"),
    OSError(32, "Broken pipe"),
    asyncio.CancelledError(),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    RecursionError("deep"),
]


@pytest.fixture
def knock(stage):
    """`knock(app)`: the whole answer to a handshake that is not accepted; the connection ends."""

    def knock(app, *fields):
        with WebSocket(stage(app).serving.address) as peer:
            peer.send(handshake(b"/x", *fields))
            response = peer.read_response()
            peer.expect_end()
            return response

    return knock


def assert_internal_server_error(response):
    assert (response.status, response.phrase) == (500, "Internal Server Error")
    assert response.body == b"Internal Server Error"
    assert response.one("content-type") == "text/plain; charset=utf-8"
    assert response.one("content-length") == "21"
    assert response.closes


@pytest.mark.parametrize(
    "keys", [{}, {"code": 4000, "reason": "no"}, {"code": 1006}, {"reason": None}], ids=repr
)
def test_close_before_accept_is_a_403(knock, notes, keys):
    """ASGI-75, U4.3: code and reason are for nobody; the application gets 1006."""

    async def app(scope, receive, send):
        await receive()
        await send(close(**keys))
        notes(await receive())

    response = knock(app)
    assert (response.status, response.phrase, response.body) == (403, "Forbidden", b"")
    assert response.closes
    assert response.one("sec-websocket-accept") is None
    assert response.one("upgrade") is None
    assert notes.next() == REFUSED


def test_close_before_anything_is_received(knock, notes):
    """ASGI-75, U4.2: the connect comes first all the same, then the end."""

    async def app(scope, receive, send):
        await send(close())
        notes([await receive() for _ in range(3)])

    assert knock(app).status == 403
    assert notes.next() == [CONNECT, REFUSED, REFUSED]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("when", ["at once", "after waiting"])
def test_exception_before_accept_is_a_500(stage, knock, error, when):
    """ASGI-76, FLT-C1, FLT-C10, FLT-C11: logged once with its traceback; the server lives."""

    async def app(scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            if when == "after waiting":
                await pause()
            raise error

    server = stage(app)
    assert_internal_server_error(knock(app))
    record = server.logs.wait(EXCEPTION)
    assert (record.name, record.levelno) == ("uvicorn.error", logging.ERROR)
    assert record.exc_info[1] is error
    assert server.errors == [EXCEPTION]


@pytest.mark.parametrize("result", [None, 5], ids=["none", "something"])
def test_return_before_accept_is_a_500(stage, knock, result):
    """ASGI-76, ASGI-N5, FLT-C2."""

    async def app(scope, receive, send):
        await receive()
        return result

    server = stage(app)
    assert_internal_server_error(knock(app))
    server.logs.wait(NOT_COMPLETED)
    assert server.errors[0] == NOT_COMPLETED


@pytest.mark.parametrize("where", ["receive", "event"])
def test_application_that_never_accepts_is_answered_for(stage_with, notes, where):
    """`ws_accept_timeout`: a 500, and the application is told; accepting is then too late."""
    gate = Gate()

    async def app(scope, receive, send):
        await receive()
        if where == "event":
            await gate.wait()
        notes(await receive())
        notes(await refused_by(send, accept()))

    server = stage_with(app, lifespan="off", ws_accept_timeout=0.2)
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        assert_internal_server_error(peer.read_response())
        peer.expect_end()
    gate.open()
    assert notes.next() == REFUSED
    error = notes.next()
    assert isinstance(error, OSError)
    assert str(error) == ""


@pytest.mark.parametrize("seconds", [0.1, 0])
def test_accept_timeout_ends_with_the_accept(stage_with, seconds):
    """And 0 turns it off."""

    async def app(scope, receive, send):
        await receive()
        if seconds == 0:
            await pause(0.3)
        await send(accept())
        await receive()

    server = stage_with(app, lifespan="off", ws_accept_timeout=seconds)
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        peer.read_accepted()
        peer.expect_quiet(0.3)


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("begun", [False, True], ids=["connecting", "refusing"])
def test_peer_that_leaves_before_accept(stage, notes, how, begun):
    """ASGI-80, U4.5, FLT-B1, FLT-B2: 1006, again and again; a late accept finds nobody."""

    async def app(scope, receive, send):
        await receive()
        if begun:
            await send(denial())
        notes("waits")
        notes(await receive())
        notes(await receive())
        notes(await refused_by(send, accept()))

    server = stage(app)
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        assert notes.next() == "waits"
        peer.half_close() if how == "fin" else peer.reset()
        assert [notes.next(), notes.next()] == [REFUSED, REFUSED]
        error = notes.next()
    assert isinstance(error, OSError if not begun else (OSError, RuntimeError))
    assert server.errors == []


def test_lost_peer_may_escape_before_accept(stage, notes):
    """ASGI-9, ASGI-82: caught without a word."""

    async def app(scope, receive, send):
        asyncio.current_task().add_done_callback(lambda _: notes("done"))
        await receive()
        notes("waits")
        notes(await receive())
        await send(accept())

    server = stage(app)
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        assert notes.next() == "waits"
        peer.reset()
        assert [notes.next(), notes.next()] == [REFUSED, "done"]
    assert server.errors == []


def test_refused_session_leaves_the_task_alone(knock, notes):
    """O30: the application goes on after its close, and is not cancelled."""

    async def app(scope, receive, send):
        await receive()
        await send(close())
        await pause(0.05)
        notes("alive")

    assert knock(app).status == 403
    assert notes.next() == "alive"
