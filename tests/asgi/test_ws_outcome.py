"""How a call of the application ends after its accept, and what of it the peer sees.

ASGI-8, ASGI-9, ASGI-81, ASGI-82, O17, O30, FLT-B3, FLT-C9..C11, FLT-C20..C22.
"""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from rsgi_bridge.exceptions import ClientDisconnected
from tests.apps import Gate, answers
from tests.asgi.exchange import pause
from tests.clients.websocket import dial
from tests.clients.websocket_frames import TEXT
from tests.websocket_apps import LOST, binary, close, echo, opened, refused_by, text
from tests.websocket_apps import shared_server as shared_server

EXCEPTION = "Exception in ASGI application\n"
RETURNED = "ASGI callable should return None, but returned '%s'."


class Odd(BaseException):
    """Neither an Exception nor one that anybody knows."""


ERRORS = [
    ValueError("secret"),
    OSError(32, "Broken pipe"),
    ConnectionResetError(),
    asyncio.CancelledError(),
    asyncio.TimeoutError(),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    StopAsyncIteration(),
    RecursionError("deep"),
    Odd("odd"),
]


def note_end(notes):
    """Notes "done" when the application's task is done: what it logs has been logged then."""
    asyncio.current_task().add_done_callback(lambda _: notes("done"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after waiting"])
def test_exception_closes_with_1011(stage, error, waits):
    """ASGI-8, ASGI-81, O17, FLT-C10, FLT-C11: logged once; nothing of it is told; we live on."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await send(text("before"))
        if waits:
            await pause()
        raise error

    server = stage(app)
    with dial(server.serving.address) as peer:
        assert peer.read_message() == "before"
        assert "secret" not in peer.expect_close(1011)
    record = server.logs.wait(EXCEPTION)
    assert (record.name, record.levelno) == ("uvicorn.error", logging.ERROR)
    assert record.exc_info[1] is error
    assert server.errors == [EXCEPTION]


def test_return_closes_with_1000(stage):
    """ASGI-81, O17: after what was sent; not an error."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await send(binary(b"x" * 500_000))

    server = stage(app)
    with dial(server.serving.address, SO_RCVBUF=65536) as peer:
        assert len(peer.read_message()) == 500_000
        peer.expect_close(1000, "")
    assert server.logs.problems == []


def test_return_of_something_is_logged(stage):
    """U4.5."""

    async def app(scope, receive, send):
        await opened(receive, send)
        return 5

    server = stage(app)
    with dial(server.serving.address) as peer:
        peer.expect_close(1000)
    assert server.logs.wait("should return None").getMessage() == RETURNED % 5
    assert len(server.errors) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_end_after_our_close_sends_no_second(stage, notes, fails):
    """U4.4: the session is closed already; an exception is still logged."""

    async def app(scope, receive, send):
        note_end(notes)
        await opened(receive, send)
        await send(close(code=4000, reason="first"))
        if fails:
            raise ValueError

    server = stage(app)
    with dial(server.serving.address) as peer:
        assert notes.next() == "done"
        peer.expect_close(4000, "first")
    assert server.errors == [EXCEPTION] * fails


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize("fails", [False, True], ids=["returns", "raises"])
def test_end_after_the_peer_left(stage, notes, how, fails):
    """ASGI-81: silent, or logged."""

    async def app(scope, receive, send):
        note_end(notes)
        await opened(receive, send)
        await receive()
        if fails:
            raise ValueError

    server = stage(app)
    with dial(server.serving.address) as peer:
        if how == "closes":
            peer.send_close(4000)
            peer.expect_close(4000)
        else:
            peer.reset()
        assert notes.next() == "done"
    assert server.errors == [EXCEPTION] * fails


@pytest.mark.parametrize("how", ["closes", "resets"])
@pytest.mark.parametrize("message", [text("x"), close(), close(code=4000)], ids=["x", "c", "c4"])
def test_send_after_the_peer_left_raises(stage, notes, how, message):
    """ASGI-82, U4.4: an OSError without words, every time."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await receive()
        notes([await refused_by(send, message) for _ in range(3)])

    with dial(stage(app).serving.address) as peer:
        peer.send_close() if how == "closes" else peer.reset()
        for error in notes.next():
            assert type(error) is ClientDisconnected
            assert (isinstance(error, OSError), str(error), error.args) == (True, "", ())


def test_sender_that_never_receives_is_told(stage, notes):
    """ASGI-51, ASGI-82, FLT-B3: an error within few sends, though nobody received the end."""

    async def app(scope, receive, send):
        note_end(notes)
        await opened(receive, send)
        notes("open")
        while True:
            await send(text("x" * 1000))
            await pause()

    server = stage(app)
    with dial(server.serving.address) as peer:
        assert notes.next() == "open"
        assert len(peer.read_message()) == 1000
        peer.reset()
        assert notes.next() == "done"
    assert server.errors == []


def test_lost_peer_may_escape(stage, notes):
    """ASGI-9, ASGI-82: not logged, also with a context of another exception."""

    async def app(scope, receive, send):
        note_end(notes)
        await opened(receive, send)
        try:
            raise LookupError
        except LookupError:
            assert await receive() == LOST
            await send(text("late"))

    server = stage(app)
    with dial(server.serving.address) as peer:
        peer.reset()
        assert notes.next() == "done"
    assert server.errors == []


def test_applications_own_lost_peer_is_logged(stage, notes):
    """ASGI-8: an OSError that the server did not raise, the peer being there or not."""

    async def app(scope, receive, send):
        note_end(notes)
        await opened(receive, send)
        await receive()
        raise OSError("a file of the application's")

    server = stage(app)
    with dial(server.serving.address) as peer:
        peer.reset()
        assert notes.next() == "done"
    assert server.errors == [EXCEPTION]


def test_application_is_not_cancelled_when_the_peer_leaves(stage, notes):
    """O30."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        try:
            await gate.wait()
        except asyncio.CancelledError:
            notes("cancelled")
        notes(await receive())

    with dial(stage(app).serving.address) as peer:
        gate.expect_reached()
        peer.reset()
    gate.open()
    assert notes.next() == LOST


def test_application_that_cancels_itself(stage):
    """FLT-C10: uncaught, it is an exception as any other."""

    async def app(scope, receive, send):
        await opened(receive, send)
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        await receive()

    server = stage(app)
    with dial(server.serving.address) as peer:
        peer.expect_close(1011)
    assert server.logs.wait(EXCEPTION).exc_info[0] is asyncio.CancelledError


def test_cancelled_application_may_go_on(stage):
    """FLT-C22."""

    async def app(scope, receive, send):
        await opened(receive, send)
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        try:
            await receive()
        except asyncio.CancelledError:
            await send(text("recovered"))

    server = stage(app)
    with dial(server.serving.address) as peer:
        assert peer.read_message() == "recovered"
        peer.expect_close(1000)
    assert server.errors == []


def test_exception_in_the_middle_of_a_peers_message(stage):
    """FLT-C1: a message that has come in part changes nothing."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await receive()
        raise ValueError

    server = stage(app)
    with dial(server.serving.address) as peer:
        peer.send_text("go")
        peer.send_frame(TEXT, b"half", fin=False)
        peer.expect_close(1011)
    server.logs.wait(EXCEPTION)


def test_application_that_hangs_keeps_nobody_waiting(stage, notes):
    """FLT-C20: neither other sessions nor requests."""
    gate = Gate()

    async def app(scope, receive, send):
        if scope["path"] == "/hang":
            await opened(receive, send)
            await gate.wait()
        else:
            await echo(scope, receive, send)

    server = stage(app)
    with dial(server.serving.address, b"/hang"), dial(server.serving.address) as other:
        other.send_text("a")
        assert other.read_message() == "a"
        assert server.ask("/").body == b"ok"
    gate.open()


def test_application_that_blocks_the_loop(stage):
    """FLT-C21: what came meanwhile is served when it lets go."""
    release, blocked = threading.Event(), threading.Event()

    async def app(scope, receive, send):
        if scope["path"] != "/block":
            await echo(scope, receive, send)
            return
        await opened(receive, send)
        await receive()
        blocked.set()
        release.wait(10)
        await send(text("released"))
        await receive()

    server = stage(app)
    with dial(server.serving.address, b"/block") as peer, dial(server.serving.address) as other:
        peer.send_text("go")
        assert blocked.wait(10)
        for index in range(20):
            other.send_text(str(index))
        other.expect_quiet(0.1)
        release.set()
        assert peer.read_message() == "released"
        assert [other.read_message() for _ in range(20)] == [str(index) for index in range(20)]


def test_awaitables_need_not_be_coroutines(stage):
    """ASGI-1: an application may return any awaitable."""

    def app(scope, receive, send):
        future = asyncio.ensure_future(echo(scope, receive, send))
        return future if scope["type"] == "websocket" else answers()(scope, receive, send)

    with dial(stage(app).serving.address) as peer:
        peer.send_text("a")
        assert peer.read_message() == "a"
