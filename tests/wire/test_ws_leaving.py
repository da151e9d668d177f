"""Peers that leave, half leave or stall in the middle of a session, and many that stay idle.

FLT-B1..B3, FLT-B5, FLT-B12..B14, FLT-B16, FLT-C20, O14, O16, ASGI-80. Memory is in tests/process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext

import pytest

from tests.apps import Gate, answers
from tests.clients.raw import RawConnection
from tests.clients.websocket import WebSocket, dial, handshake
from tests.clients.websocket_frames import BINARY, CLOSE, TEXT, close_payload, frame
from tests.websocket_apps import LOST, close, echo, opened, refused_by, text

MOMENT = 0.8  # seconds; the rule's 100 ms, on a machine that has other work


@pytest.fixture
def seen():
    return queue.Queue()


@pytest.fixture
def noting(seen):
    """An application that says that it is open, and notes the end."""

    async def app(scope, receive, send):
        await opened(receive, send)
        seen.put("open")
        while (message := await receive())["type"] == "websocket.receive":
            pass
        seen.put(message)
        seen.put(type(await refused_by(send, text("late"))).__name__)

    return app


PARTS = {
    "in silence": b"",
    "after a message": frame(TEXT, b"x"),
    "after a long message": frame(TEXT, b"x" * 100_000),
    "in a header": frame(TEXT, b"x")[:1],
    "in a mask": frame(TEXT, b"x")[:4],
    "in a payload": frame(TEXT, b"xyz")[:-1],
    "in a long payload": frame(BINARY, bytes(1000), claims=100_000),
    "between fragments": frame(TEXT, b"x", fin=False),
    "in a ping": frame(9, b"xyz")[:-1],
    "in a close": frame(CLOSE, close_payload(1000, b"bye"))[:-1],
}


@contextmanager
def held(loop) -> Iterator[None]:
    """The loop looks at no socket meanwhile: all that comes is there at once afterwards."""
    holding, release = threading.Event(), threading.Event()
    loop.call_soon_threadsafe(lambda: (holding.set(), release.wait(10)))
    assert holding.wait(10)
    try:
        yield
    finally:
        release.set()


@pytest.mark.parametrize("when", ["together", "later"])
@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_peer_leaves(serve, noting, seen, part, how, when) -> None:
    """FLT-B1, FLT-B2, O16: told in a moment, 1005 without a reason, and never half a message."""
    server = serve(noting, lifespan="off")
    with dial(server.address) as peer:
        assert seen.get(timeout=5) == "open"
        with held(server.loop) if when == "together" else nullcontext():
            peer.send(part)
            if when == "later":
                peer.expect_quiet(0.05)
            peer.half_close() if how == "fin" else peer.reset()
        since = time.monotonic()
        assert seen.get(timeout=5) == LOST
        assert time.monotonic() - since < MOMENT
        if how == "fin":
            assert peer.read_to_end() == b""
        assert seen.get(timeout=5) == "ClientDisconnected"
    assert server.logs.problems == []


def test_half_close_after_a_close_frame_is_the_usual_end(serve, noting, seen) -> None:
    """RFC 6455 7.1.1: clients that send their Close and shut their side down at once."""
    server = serve(noting, lifespan="off")
    with dial(server.address) as peer:
        peer.send_close(1000, b"bye")
        peer.half_close()
        assert peer.read_close() == (1000, "bye")
        peer.expect_end()
    assert seen.get(timeout=5) == "open"
    message = seen.get(timeout=5)
    assert (message["code"], message["reason"]) == (1000, "bye")


def test_peer_that_leaves_in_the_handshake(serve) -> None:
    """FLT-B7: half a head is no session."""
    calls = []

    async def app(scope, receive, send):
        calls.append(scope["type"])
        await answers()(scope, receive, send)

    server = serve(app, lifespan="off")
    for how in ("fin", "rst"):
        with WebSocket(server.address) as peer:
            peer.send(handshake()[:-2])
            peer.half_close() if how == "fin" else peer.reset()
    with RawConnection(server.address) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.read_response().status == 200
    assert calls == ["http"]


def test_connections_come_and_go(serve) -> None:
    """FLT-B16: in every stage of a session; nothing is said of it above INFO."""
    server = serve(echo, lifespan="off")
    for index in range(300):
        with WebSocket(server.address) as peer:
            if index % 4:
                peer.send(handshake() + frame(TEXT, b"a", fin=False) * (index % 3))
            if index % 4 > 1:
                peer.read_accepted()
            if index % 4 > 2:
                peer.send_close(1000)
            peer.abandon()
    state = server.server.server_state
    deadline = time.monotonic() + 5
    while state.connections or state.tasks:
        assert time.monotonic() < deadline
    assert server.logs.problems == []


# --- Many at once ---


@pytest.fixture
def crowd(serve):
    """`crowd(app, count)`: so many open sessions on one server."""
    with ExitStack() as leaving:

        def gather(app, count, **options):
            server = serve(app, lifespan="off", **options)
            peers = [dial(server.address, timeout=20) for _ in range(count)]
            for peer in peers:
                leaving.callback(peer.abandon)
            return server, peers

        yield gather


def test_many_sessions_each_say_something(crowd) -> None:
    """FLT-B14, in small: all at once, several rounds."""
    _, peers = crowd(echo, 300)
    for round_number in range(3):
        for index, peer in enumerate(peers):
            peer.send_text(f"{round_number} {index}")
        for index, peer in enumerate(peers):
            assert peer.read_message() == f"{round_number} {index}"


def test_many_idle_sessions_disturb_nobody(crowd) -> None:
    """FLT-B12, FLT-B13, in small: one talks, the others are still there afterwards."""
    server, peers = crowd(echo, 300, ws_ping_interval=None)
    for index in range(100):
        peers[0].send_text(str(index))
        assert peers[0].read_message() == str(index)
    assert len(server.server.server_state.connections) == 300
    for peer in peers[::50]:
        peer.send_text("still here")
        assert peer.read_message() == "still here"


def test_many_leave_at_once(crowd, seen) -> None:
    """FLT-C23: each application is told."""

    async def app(scope, receive, send):
        await opened(receive, send)
        seen.put(await receive())

    server, peers = crowd(app, 300)
    for peer in peers:
        peer.abandon()
    assert [seen.get(timeout=5) for _ in peers] == [LOST] * 300
    server.stop()
    assert not server.server.server_state.tasks


def test_broadcast_reaches_everybody(crowd) -> None:
    """From one task, to hundreds; those that do not read hold back nobody for long messages."""
    rooms = []

    async def app(scope, receive, send):
        rooms.append(send)
        await opened(receive, send)
        while (message := await receive())["type"] == "websocket.receive":
            for one in rooms:
                await one(text(message["text"]))
        rooms.remove(send)

    _, peers = crowd(app, 300)
    for index in range(5):
        peers[index].send_text(f"to all {index}")
        assert {peer.read_message() for peer in peers} == {f"to all {index}"}


def test_many_are_closed_by_the_application(crowd) -> None:
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        await send(close(code=4000, reason="all out"))

    _, peers = crowd(app, 300)
    gate.open()
    for peer in peers:
        peer.expect_close(4000, "all out")
