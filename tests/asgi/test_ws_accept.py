"""`websocket.accept`: when the 101 leaves, what is in it, and what is refused.

ASGI-6, ASGI-7, ASGI-73, ASGI-74, U4.2, O13, O19, FLT-C12, FLT-C15. Every refused accept is followed
by a good one: it must go out alone.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.apps import Gate
from tests.asgi.exchange import pause
from tests.clients.websocket import WebSocket, dial, handshake
from tests.clients.websocket_frames import TEXT, frame
from tests.websocket_apps import CONNECT, accept, opened, payload, received, refused_by, text
from tests.websocket_apps import shared_server as shared_server


def accepting(**keys):
    """An application that accepts with these keys and waits for the end."""

    async def app(scope, receive, send):
        await opened(receive, send, **keys)
        await receive()

    return app


def answer_to(server, *fields):
    """The 101 that a handshake with these further fields gets."""
    with dial(server.serving.address, b"/", *fields) as peer:
        return peer.response


def try_accept(stage, notes, message):
    """Sends an accept that must raise, then a good one; the error, and the 101."""

    async def app(scope, receive, send):
        await receive()
        notes(await refused_by(send, message))
        await send(accept(headers=[(b"x-good", b"1")]))
        await send(text("open"))
        await receive()

    server = stage(app)
    with dial(server.serving.address) as peer:
        error = notes.next()
        assert error is not None, "the accept was taken"
        assert peer.read_message() == "open"
        response = peer.response
    assert response.one("x-good") == "1"
    assert not [name for name in response.names if name.startswith(("x-bad", "x-inj"))]
    assert response.one("sec-websocket-protocol") is None
    assert not isinstance(error, OSError)
    assert server.errors == []
    return error


def test_nothing_is_sent_before_the_application_accepts(stage, notes):
    """ASGI-73: neither a 101 nor anything else, and no message is delivered."""
    gate = Gate()

    async def app(scope, receive, send):
        notes(await receive())
        waiting = asyncio.ensure_future(receive())
        await gate.wait()
        notes(waiting.done())
        await send(accept())
        notes(await waiting)

    with WebSocket(stage(app).serving.address) as peer:
        peer.send(handshake() + frame(TEXT, b"early"))
        assert notes.next() == CONNECT
        gate.expect_reached()
        peer.expect_quiet(0.2)
        gate.open()
        assert notes.next() is False
        peer.read_accepted()
        assert notes.next() == received("early")


def test_accept_before_the_connect_is_received(stage, notes):
    """U4.2: it is still delivered first."""

    async def app(scope, receive, send):
        await send(accept())
        await pause()
        notes(await receive())
        notes(payload(await receive()))

    with dial(stage(app).serving.address) as peer:
        peer.send_text("a")
        assert notes.next() == CONNECT
        assert notes.next() == "a"


def test_accept_is_on_the_wire_when_send_returns(stage):
    """ASGI-73: while the application goes on without waiting."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()

    with dial(stage(app).serving.address):
        gate.expect_reached()
    gate.open()


def test_fields_of_the_answer(stage):
    """U4.2: ours first, then the defaults, then the application's in their order."""
    headers = [(b"X-First", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-b", b"")]
    response = answer_to(stage(accepting(headers=headers, subprotocol="chat")))
    assert (response.version, response.phrase) == ("1.1", "Switching Protocols")
    assert [name.lower() for name in response.names] == [
        "upgrade",
        "connection",
        "sec-websocket-accept",
        "date",
        "server",
        "x-first",
        "set-cookie",
        "set-cookie",
        "x-b",
        "sec-websocket-protocol",
    ]
    assert response.every("set-cookie") == ["a=1", "b=2"]
    assert response.one("server") == "rsgi"
    assert response.one("sec-websocket-protocol") == "chat"


def test_accept_without_anything(stage):
    """ASGI-74: both keys have defaults, None among them."""
    for keys in ({}, {"subprotocol": None}, {"headers": [], "subprotocol": ""}):
        response = answer_to(stage(accepting(**keys)), b"Sec-WebSocket-Protocol: chat")
        assert response.one("sec-websocket-protocol") is None


def test_extra_keys_never_raise(stage):
    """ASGI-7."""
    app = accepting(x=1, code=4000, reason=None, text="no", status=500)
    assert answer_to(stage(app)).status == 101


@pytest.mark.parametrize(
    ("offer", "chosen", "warns"),
    [
        ([b"Sec-WebSocket-Protocol: chat"], "chat", False),
        ([b"Sec-WebSocket-Protocol: a, chat", b"Sec-WebSocket-Protocol: b"], "b", False),
        ([b"Sec-WebSocket-Protocol: a"], "chat", True),
        ([], "chat", True),
        ([b"Sec-WebSocket-Protocol: chat"], "Chat", True),
    ],
)
def test_subprotocol_is_passed_on(stage, offer, chosen, warns):
    """ASGI-74, O19: with a warning if it was not offered."""
    server = stage(accepting(subprotocol=chosen))
    response = answer_to(server, *offer)
    assert response.every("sec-websocket-protocol") == [chosen]
    assert bool(server.logs.messages(logging.WARNING)) is warns
    assert server.errors == []


def test_subprotocol_among_the_headers_is_passed_on(stage):
    """ASGI-74, O19: with a warning."""
    server = stage(accepting(headers=[(b"sec-websocket-protocol", b"chat")]))
    assert answer_to(server, b"Sec-WebSocket-Protocol: chat").every("sec-websocket-protocol") == [
        "chat"
    ]
    assert len(server.logs.messages(logging.WARNING)) == 1
    assert server.errors == []


@pytest.mark.parametrize("name", ["date", "server"])
def test_application_wins_with_date_and_server(stage, name):
    """O13: never two of these."""
    response = answer_to(stage(accepting(headers=[(name.encode(), b"mine")])))
    assert response.every(name) == ["mine"]


def test_configured_headers_are_in_the_answer(stage_with):
    """U4.2."""
    headers = [("X-Config", "1"), ("Server", "other")]
    server = stage_with(accepting(), lifespan="off", headers=headers, date_header=False)
    response = answer_to(server)
    assert (response.one("x-config"), response.one("server")) == ("1", "other")
    assert response.one("date") is None


@pytest.mark.parametrize(
    "header",
    [
        (b"content-length", b"0"),
        (b"content-length", b"5"),
        (b"transfer-encoding", b"chunked"),
        (b"sec-websocket-accept", b"x"),
        (b"sec-websocket-extensions", b"permessage-deflate"),
        (b"upgrade", b"h2c"),
        (b"connection", b"close"),
    ],
    ids=lambda header: header[0].decode(),
)
def test_handshake_and_framing_belong_to_the_server(stage, notes, header):
    """RFC 6455 4.1, RFC 9110 8.6: dropped or refused, but never sent beside or for ours."""

    async def app(scope, receive, send):
        await receive()
        if await refused_by(send, accept(headers=[header])) is not None:
            await send(accept())
        await receive()

    response = answer_to(stage(app))  # `dial` has checked what a client must check
    for name in ("content-length", "transfer-encoding", "sec-websocket-extensions"):
        assert response.every(name) == []


BAD_NAMES = [b"", b" x-bad", b"x-bad ", b"x-bad:", b"x bad", b"x-bad\r\nx-inj: 1\r\ny", b"x-bad\n"]
BAD_NAMES += [b"x-bad\0", b"x-bad\x7f", b":status", b"x-b\xe9d"]
BAD_VALUES = [b"a\r\nx-inj: 1", b"a\r\n\r\n\x81\x00", b"a\n", b"\r", b"a\0b", b"a\x01", b"a\x7f"]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_bad_header_name_raises(stage, notes, name):
    """ASGI-118, FLT-C12: not a byte of it on the wire."""
    error = try_accept(stage, notes, accept(headers=[(b"x-bad", b"1"), (name, b"v")]))
    assert isinstance(error, (RuntimeError, ValueError))


@pytest.mark.parametrize("value", BAD_VALUES, ids=repr)
def test_bad_header_value_raises(stage, notes, value):
    """ASGI-118, FLT-C12."""
    error = try_accept(stage, notes, accept(headers=[(b"x-bad", value)]))
    assert isinstance(error, (RuntimeError, ValueError))


@pytest.mark.parametrize(
    "headers",
    [[("x-bad", b"v")], [(b"x-bad", "v")], [(b"x-bad", None)], [(b"x-bad",)], [5], 5, "ab", [None]],
    ids=repr,
)
def test_headers_of_another_shape_raise(stage, notes, headers):
    """ASGI-6, FLT-C15."""
    error = try_accept(stage, notes, {"type": "websocket.accept", "headers": headers})
    assert isinstance(error, (TypeError, ValueError))


@pytest.mark.parametrize(
    "subprotocol",
    ["a\r\nx-inj: 1", "a\n", "a\0", "\u20ac", "chat\r\n\r\n", b"chat", 5, ["chat"], True],
    ids=repr,
)
def test_bad_subprotocol_raises(stage, notes, subprotocol):
    """ASGI-6, FLT-C12."""
    error = try_accept(stage, notes, accept(subprotocol=subprotocol))
    assert isinstance(error, (RuntimeError, TypeError, ValueError))


@pytest.mark.parametrize("shape", [list, tuple, iter, lambda pairs: [list(one) for one in pairs]])
def test_headers_may_be_any_iterable_of_pairs(stage, shape):
    """ASGI-44, ASGI-118."""

    async def app(scope, receive, send):
        pairs = [(b"x-a", b"1"), (bytearray(b"x-b"), memoryview(b"2"))]
        await opened(receive, send, headers=shape(pairs))
        await receive()

    response = answer_to(stage(app))
    assert (response.one("x-a"), response.one("x-b")) == ("1", "2")
