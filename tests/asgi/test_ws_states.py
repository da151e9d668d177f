"""Every state of a session with every message that an application may send in it.

ASGI-6, ASGI-9, ASGI-82, U4.4, U4.5. A refused message raises where it was sent, changes nothing,
and reaches nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rsgi_bridge.exceptions import ClientDisconnected
from tests.clients.websocket import WebSocket, handshake
from tests.clients.websocket_frames import CLOSE, TEXT
from tests.websocket_apps import accept, close, denial, denial_body, opened, refused_by, text
from tests.websocket_apps import shared_server as shared_server

CONNECTING = (
    "Expected ASGI message 'websocket.accept', 'websocket.close' or "
    "'websocket.http.response.start' but got '{}'."
)
OPEN = "Expected ASGI message 'websocket.send' or 'websocket.close', but got '{}'."
REFUSING = "Expected ASGI message 'websocket.http.response.body' but got '{}'."
CLOSED = "Unexpected ASGI message '{}', after sending 'websocket.close'."

MESSAGES = {
    "websocket.accept": accept(),
    "websocket.send": text("sent"),
    "websocket.close": close(code=4000, reason="why"),
    "websocket.http.response.start": denial(402),
    "websocket.http.response.body": denial_body(b"body"),
    "http.response.start": {"type": "http.response.start", "status": 402, "headers": []},
    "http.response.body": {"type": "http.response.body", "body": b"body"},
    "websocket.receive": {"type": "websocket.receive", "text": "x"},
    "websocket.disconnect": {"type": "websocket.disconnect", "code": 1000},
    "lifespan.startup.complete": {"type": "lifespan.startup.complete"},
    "WEBSOCKET.SEND": {"type": "WEBSOCKET.SEND", "text": "x"},
    "unknown": {"type": "unknown"},
    "": {"type": ""},
}


@dataclass(frozen=True)
class State:
    """How the application gets there, what it may send, and what is said of anything else."""

    before: tuple
    allowed: tuple = ()
    words: str | None = None
    peer: str = ""  # what the client does first: "closes", "resets"


STATES = {
    "connecting": State(
        (), ("websocket.accept", "websocket.close", "websocket.http.response.start"), CONNECTING
    ),
    "refusing": State((denial(401),), ("websocket.http.response.body",), REFUSING),
    "open": State((accept(),), ("websocket.send", "websocket.close"), OPEN),
    "closing": State((accept(), close()), words=CLOSED),
    "refused": State((close(),)),
    "denied": State((denial(401), denial_body(b"no"))),
    "left": State((accept(),), peer="closes"),
    "lost": State((accept(),), peer="resets"),
}


def entering(state, notes):
    """An application that has come to a state and notes what becomes of a message there."""

    def trying(message):
        async def app(scope, receive, send):
            await receive()
            for one in state.before:
                await send(one)
            if state.peer:
                notes("ready")
                notes((await receive())["type"])
            notes(await refused_by(send, dict(message)))
            # The state is what it was, and its next lawful message is taken.
            if state.words is CONNECTING:
                await refused_by(send, accept())
            if state.words is REFUSING:
                await refused_by(send, denial_body(b"last"))
            elif state.words in (CONNECTING, OPEN):
                await refused_by(send, text("after"))
                await refused_by(send, close(code=4999))

        return app

    return trying


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("name", STATES)
def test_message_in_state(stage, notes, name, kind):
    state = STATES[name]
    server = stage(entering(state, notes)(MESSAGES[kind]))
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        if state.peer:
            peer.read_accepted()
            assert notes.next() == "ready"
            peer.send_close(1000) if state.peer == "closes" else peer.reset()
            assert notes.next() == "websocket.disconnect"
        error = notes.next()
        assert_outcome(state, kind, error)
        if not state.peer:
            assert_wire(peer, state, kind)
    if not (name == "connecting" and kind == "websocket.http.response.start"):
        assert server.errors == []  # but for a denial that its application never finished


def assert_outcome(state, kind, error):
    if kind in state.allowed:
        assert error is None
    elif state.words is not None:
        assert type(error) is RuntimeError
        assert str(error) == state.words.format(kind)
    elif state.peer and kind in ("websocket.send", "websocket.close"):
        assert type(error) is ClientDisconnected
        assert isinstance(error, OSError)
        assert str(error) == ""
    else:
        # U4.4 leaves open which of the two it is: the session is over either way.
        assert isinstance(error, (RuntimeError, ClientDisconnected))


def assert_wire(peer, state, kind):
    """What the client sees of the message, and of what the application sent after it."""
    if state.words is REFUSING or (state.words is CONNECTING and kind.startswith("websocket.http")):
        if kind in state.allowed and state.words is CONNECTING:
            # A denial has begun: it is never finished here, and nothing of it may be seen.
            assert b" 402 " not in peer.read_to_end()
            return
        if kind in state.allowed or state.words is REFUSING:
            body = b"body" if kind in state.allowed else b"last"
            assert peer.read_response().body == body
            peer.expect_end()
            return
    if state.words is None:
        assert peer.read_response().status == (403 if len(state.before) == 1 else 401)
        peer.expect_end()
        return
    if state.words is CONNECTING and kind == "websocket.close":
        assert peer.read_response().status == 403
        peer.expect_end()
        return
    peer.read_accepted()
    if state.words is CLOSED:
        peer.expect_close(1000, "")
        return
    if kind == "websocket.send" and kind in state.allowed:
        assert peer.read_message() == "sent"
    if kind == "websocket.close" and kind in state.allowed:
        peer.expect_close(4000, "why")
        return
    assert peer.read_message() == "after"
    peer.expect_close(4999)


@pytest.mark.parametrize(
    "message",
    [None, "websocket.send", b"x", 5, [("type", "websocket.send")], {}, {"text": "x"}],
    ids=repr,
)
def test_what_is_no_message_is_refused(stage, notes, message):
    """ASGI-6: before and after the accept, and the session is none the worse."""

    async def app(scope, receive, send):
        notes(await refused_by(send, message))
        await opened(receive, send)
        notes(await refused_by(send, message))
        await send(text("fine"))

    with WebSocket(stage(app).serving.address) as peer:
        peer.send(handshake())
        peer.read_accepted()
        assert peer.read_message() == "fine"
        peer.expect_close(1000)
    for error in (notes.next(), notes.next()):
        assert isinstance(error, (TypeError, KeyError))


@pytest.mark.parametrize("kind", [None, 1, b"websocket.send", ["x"]], ids=repr)
def test_type_that_is_no_string_is_refused(stage, notes, kind):
    """ASGI-6."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes(await refused_by(send, {"type": kind, "text": "x"}))
        await send(text("fine"))

    with WebSocket(stage(app).serving.address) as peer:
        peer.send(handshake())
        peer.read_accepted()
        assert peer.read_message() == "fine"
    assert isinstance(notes.next(), (RuntimeError, TypeError))


def test_peer_that_has_answered_our_close_hears_no_more(stage, notes):
    """U4.4: after the whole closing handshake; frames after our Close are thrown away."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await send(close(code=4000))
        notes(await receive())
        notes("closed")
        notes(await receive())
        notes(await refused_by(send, text("late")))

    with WebSocket(stage(app).serving.address) as peer:
        peer.send(handshake())
        peer.read_accepted()
        assert peer.read_close() == (4000, "")
        peer.send_frame(TEXT, b"on its way")
        peer.send_frame(CLOSE, b"\x0f\xa0")
        peer.expect_end()
    first = notes.next()
    assert (first["code"], first["reason"]) == (4000, "")
    assert notes.next() == "closed"
    assert notes.next() == first
    assert isinstance(notes.next(), (RuntimeError, ClientDisconnected))
