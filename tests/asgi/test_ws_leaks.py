"""After a session is over, nothing of it is left: no task, no scope, no object of the server.

FLT-C23, FLT-B1..B3, ASGI-9. Counted as for requests.
"""

from __future__ import annotations

import asyncio
import gc

import pytest

from tests.asgi.exchange import pause
from tests.asgi.test_leaks import Census, assert_nothing_is_left
from tests.clients.websocket import WebSocket, dial, dial_deflated, handshake
from tests.clients.websocket_frames import TEXT, frame
from tests.websocket_apps import close, denial, denial_body, echo, opened, text
from tests.websocket_apps import shared_server as shared_server

ROUNDS = 60

ENDS = ["closes", "resets", "breaks a rule", "is closed", "is left", "sees it fail", "deflated"]


@pytest.mark.parametrize("end", ENDS)
def test_finished_sessions_leave_nothing(stage, monkeypatch, end):
    """FLT-C23: whatever the application did, cycles and tracebacks included."""

    async def app(scope, receive, send):
        cycle = [scope, receive, send]
        cycle.append(cycle)
        if end == "is closed":
            await opened(receive, send)
            await send(close())
        elif end == "is left":
            await opened(receive, send)
            await send(text("x"))
        elif end == "sees it fail":
            await opened(receive, send)
            raise ValueError
        else:
            await echo(scope, receive, send)

    census = Census(app)
    server = stage(census)
    address = server.serving.address

    def round_of():
        with dial_deflated(address) if end == "deflated" else dial(address) as peer:
            if end == "is left":
                assert peer.read_message() == "x"
            if end in ("is closed", "is left", "sees it fail"):
                peer.expect_close(1011 if end == "sees it fail" else 1000)
                return
            for index in range(3):
                data = f"message {index} " * 50
                if end == "deflated":
                    peer.send_deflated(TEXT, data.encode())
                else:
                    peer.send_text(data)
                assert peer.read_message() == data
            if end == "resets":
                peer.reset()
            elif end == "breaks a rule":
                peer.send(frame(TEXT, b"x", fin=False) + frame(TEXT, b"x"))
                peer.expect_closed_by_server(1002)
            else:
                peer.send_close(1000)
                peer.expect_close(1000)

    def rounds():
        for _ in range(ROUNDS):
            round_of()

    assert_nothing_is_left(server, census, rounds, monkeypatch)


@pytest.mark.parametrize("end", ["closes", "denies", "raises", "returns", "peer leaves"])
def test_refused_sessions_leave_nothing(stage, monkeypatch, notes, end):
    """FLT-C23."""

    async def app(scope, receive, send):
        await receive()
        if end == "closes":
            await send(close())
        elif end == "denies":
            await send(denial(401))
            await send(denial_body(b"no"))
        elif end == "raises":
            raise ValueError
        elif end == "peer leaves":
            notes("here")
            await receive()

    census = Census(app)
    server = stage(census)

    def rounds():
        for _ in range(ROUNDS):
            with WebSocket(server.serving.address) as peer:
                peer.send(handshake())
                if end == "peer leaves":
                    assert notes.next() == "here"
                    peer.reset()
                else:
                    peer.read_response()
                    peer.expect_end()

    assert_nothing_is_left(server, census, rounds, monkeypatch)


def test_messages_on_one_session_leave_nothing(stage, monkeypatch):
    """FLT-C23: the session stays open while it is counted."""
    census = Census(echo)
    server = stage(census)
    with dial(server.serving.address) as peer:

        def rounds():
            for index in range(ROUNDS * 5):
                peer.send_text("x" * index)
                assert peer.read_message() == "x" * index

        assert_nothing_is_left(server, census, rounds, monkeypatch, kept=1)


def test_cancelled_receives_leave_nothing(stage, monkeypatch, notes):
    """FLT-C23: of thousands that never got a message."""

    async def app(scope, receive, send):
        await opened(receive, send)
        while (await receive())["type"] == "websocket.receive":
            for _ in range(200):
                waiting = asyncio.ensure_future(receive())
                await pause()
                waiting.cancel()
            await send(text("done"))

    census = Census(app)
    server = stage(census)
    with dial(server.serving.address) as peer:

        def rounds():
            for _ in range(3):
                peer.send_text("go")
                assert peer.read_message() == "done"

        assert_nothing_is_left(server, census, rounds, monkeypatch, kept=1)


def test_send_and_receive_may_be_kept_and_dropped_in_cycles(stage, notes):
    """FLT-C23: by an object that outlives the session, and goes with the collector."""
    kept = []

    async def app(scope, receive, send):
        await opened(receive, send)
        cycle = {"send": send, "receive": receive}
        cycle["self"] = cycle
        kept.append(cycle)
        await receive()
        notes("over")

    server = stage(app)
    with dial(server.serving.address) as peer:
        peer.send_close()
        assert notes.next() == "over"
    kept.clear()
    gc.collect()
    assert server.errors == []
