"""`websocket.close` and `websocket.disconnect`: codes, reasons, and what the end looks like.

ASGI-79, ASGI-80, U4.4, U4.5, O16. The wire's side of it is in tests/wire.
"""

from __future__ import annotations

import enum

import pytest

from tests.apps import Gate
from tests.clients.websocket import dial
from tests.clients.websocket_frames import BINARY, CLOSE, PING, TEXT, close_payload, frame
from tests.websocket_apps import LOST, binary, close, opened, payload, received, refused_by, text
from tests.websocket_apps import shared_server as shared_server

VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
VALID += [3000, 3999, 4000, 4999]
INVALID = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535, 65536, -1, 2**40]


class Code(enum.IntEnum):
    GOING = 4321


def disconnect(code, reason):
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def ending(notes, count=3):
    """An application that notes what it receives, beyond the end as well."""

    async def app(scope, receive, send):
        await opened(receive, send)
        for _ in range(count):
            notes(await receive())

    return app


# --- The application closes ---


@pytest.mark.parametrize(
    ("keys", "code", "reason"),
    [
        ({}, 1000, ""),
        ({"code": 4001, "reason": "bye"}, 4001, "bye"),
        ({"reason": "only"}, 1000, "only"),
        ({"code": 1001, "reason": None}, 1001, ""),
        ({"code": 1001, "reason": ""}, 1001, ""),
        ({"code": 4000, "reason": "\u00e4\u20ac\U0001f600"}, 4000, "\u00e4\u20ac\U0001f600"),
        ({"code": 4000, "reason": "x" * 123}, 4000, "x" * 123),
        ({"code": 4000, "reason": "\u20ac" * 41}, 4000, "\u20ac" * 41),
        ({"code": Code.GOING}, 4321, ""),
        ({"code": 4000, "x": 1, "text": "no"}, 4000, ""),
        *(({"code": code}, code, "") for code in VALID),
    ],
    ids=ascii,
)
def test_application_closes(stage, notes, keys, code, reason):
    """ASGI-79, ASGI-80: its own code and reason come back to it, at once and for ever."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes(await send(close(**keys)))
        notes([await receive(), await receive(), await receive()])

    server = stage(app)
    with dial(server.serving.address) as peer:
        assert notes.next() is None
        assert notes.next() == [disconnect(code, reason)] * 3
        peer.expect_close(code, reason)
    assert server.errors == []


@pytest.mark.parametrize(
    "keys",
    [
        *({"code": code} for code in INVALID),
        {"code": "1000"},
        {"code": 1000.5},
        {"code": b"1000"},
        {"reason": "x" * 124},
        {"reason": "\u20ac" * 42},
        {"reason": b"bytes"},
        {"reason": 5},
        {"reason": "\ud800"},
    ],
    ids=ascii,
)
def test_close_that_cannot_be_sent_raises(stage, notes, keys):
    """ASGI-6, ASGI-79: nothing is sent, and the session goes on."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes(await refused_by(send, close(**keys)))
        await send(text("still open"))
        await send(close(code=4000))

    server = stage(app)
    with dial(server.serving.address) as peer:
        assert peer.read_message() == "still open"
        peer.expect_close(4000)
    error = notes.next()
    assert isinstance(error, Exception)
    assert not isinstance(error, OSError)
    assert server.errors == []


def test_messages_before_our_close_are_received_first(stage, notes):
    """U4.5: what had come is delivered before the end; what comes later is thrown away."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        notes(payload(await receive()))
        await gate.wait()
        await send(close(code=4000))
        notes(await receive())
        notes(await receive())

    with dial(stage(app).serving.address) as peer:
        peer.send(frame(TEXT, b"a") + frame(TEXT, b"b") + frame(PING, b"!"))
        assert peer.read_pong() == b"!"
        assert notes.next() == "a"
        gate.open()
        assert peer.read_close() == (4000, "")
        peer.send(frame(TEXT, b"late") + frame(BINARY, b"later"))
        peer.send_close(4000)
        peer.expect_end()
    assert [notes.next(), notes.next()] == [received("b"), disconnect(4000, "")]


def test_messages_sent_before_our_close_arrive(stage):
    """In order, large ones too, and the Close last."""

    async def app(scope, receive, send):
        await opened(receive, send)
        for index in range(5):
            await send(binary(b"%d" % index * 300_000))
        await send(close())

    with dial(stage(app).serving.address, SO_RCVBUF=65536) as peer:
        for index in range(5):
            assert peer.read_message() == b"%d" % index * 300_000
        peer.expect_close(1000)


# --- The peer closes ---


@pytest.mark.parametrize("code", VALID)
def test_peer_closes(stage, notes, code):
    """ASGI-80, U4.5: the Close is answered with its code and reason, and TCP ends at once."""
    with dial(stage(ending(notes)).serving.address) as peer:
        peer.send_close(code, b"why \xc3\xa4")
        assert peer.read_close() == (code, "why \u00e4")
        peer.expect_end()
    assert [notes.next() for _ in range(3)] == [disconnect(code, "why \u00e4")] * 3


def test_peer_closes_without_a_code(stage, notes):
    """ASGI-80, U4.5."""
    with dial(stage(ending(notes)).serving.address) as peer:
        peer.send_frame(CLOSE)
        assert peer.read_close() == (None, "")
        peer.expect_end()
    message = notes.next()
    assert message == disconnect(1005, "")
    assert isinstance(message["code"], int)


def test_types_of_a_disconnect(stage, notes):
    """ASGI-2, ASGI-80."""
    with dial(stage(ending(notes)).serving.address) as peer:
        peer.send_close(4005, b"why")
        message = notes.next()
    assert type(message) is dict
    assert isinstance(message["code"], int)
    assert type(message["reason"]) is str


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_peer_is_lost(stage, notes, how):
    """ASGI-80, O16, FLT-B1, FLT-B2: 1005 and no reason, again and again."""
    with dial(stage(ending(notes)).serving.address) as peer:
        peer.half_close() if how == "fin" else peer.reset()
        assert [notes.next() for _ in range(3)] == [LOST] * 3


def test_messages_before_the_peers_close_are_received_first(stage, notes):
    """U4.5: though the Close is answered at once, while the application is elsewhere."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        for _ in range(3):
            notes(await receive())

    with dial(stage(app).serving.address) as peer:
        gate.expect_reached()
        peer.send(frame(TEXT, b"a") + frame(BINARY, b"b") + frame(CLOSE, close_payload(4000)))
        assert peer.read_close() == (4000, "")
        peer.expect_end()
        gate.open()
        messages = [notes.next() for _ in range(3)]
    assert [payload(one) for one in messages[:2]] == ["a", b"b"]
    assert messages[2] == disconnect(4000, "")


def test_messages_before_a_loss_are_received_first(stage, notes):
    """U4.5, FLT-B4: those that were whole; a part of one never."""
    gate = Gate()

    async def app(scope, receive, send):
        await opened(receive, send)
        await gate.wait()
        notes([await receive(), await receive()])

    with dial(stage(app).serving.address) as peer:
        gate.expect_reached()
        peer.send(frame(TEXT, b"whole") + frame(TEXT, b"part", fin=False) + frame(0, b"x")[:-1])
        peer.half_close()
        peer.read_to_end()
        gate.open()
        assert notes.next() == [received("whole"), LOST]


def test_frames_after_the_peers_close_are_ignored(stage, notes):
    """RFC 6455 5.5.1."""
    with dial(stage(ending(notes, 2)).serving.address) as peer:
        peer.send(frame(CLOSE, close_payload(4000)) + frame(TEXT, b"late") + frame(3, b"bad"))
        assert peer.read_close() == (4000, "")
        peer.read_to_end()
    assert [notes.next(), notes.next()] == [disconnect(4000, "")] * 2


def test_both_close_at_once(stage, notes):
    """RFC 6455 5.5.1: the frames cross; each side has said its own, and TCP ends."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await receive()
        await send(close(code=4001))
        notes(await receive())

    with dial(stage(app).serving.address) as peer:
        peer.send(frame(TEXT, b"go"))
        assert peer.read_close() == (4001, "")
        peer.send_close(4002, b"mine")
        peer.expect_end()
    assert notes.next()["code"] in (4001, 4002)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (frame(TEXT, b"a", mask=None), 1002),
        (frame(TEXT, b"a", rsv=2), 1002),
        (frame(3, b"a"), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(BINARY, claims=1 << 40), 1009),
    ],
    ids=["unmasked", "reserved bit", "opcode", "utf-8", "too big"],
)
def test_peer_breaks_the_rules(stage, notes, raw, code):
    """U4.5: the application is told the code and the sentence that the peer is told."""
    server = stage(ending(notes))
    with dial(server.serving.address) as peer:
        peer.send(frame(TEXT, b"good") + raw)
        reason = peer.expect_closed_by_server(code)
    messages = [notes.next() for _ in range(3)]
    assert payload(messages[0]) == "good"
    assert [one["code"] for one in messages[1:]] == [code] * 2
    if code != 1007:
        assert reason
    assert messages[1].get("reason", "") == reason
