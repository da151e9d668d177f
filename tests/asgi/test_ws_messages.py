"""`websocket.receive` and `websocket.send`: shapes, exact types, and whole messages.

ASGI-4..7, ASGI-71, ASGI-77, ASGI-78, ASGI-N11, O18.
"""

from __future__ import annotations

import re
from collections import OrderedDict

import pytest

from tests.clients.websocket import dial
from tests.clients.websocket_frames import BINARY, PING, TEXT, fragments, frame
from tests.websocket_apps import binary, close, echo, opened, payload, refused_by, text
from tests.websocket_apps import shared_server as shared_server

TEXTS = {
    "empty": "",
    "one": "a",
    "umlaut": "\u00e4",
    "bom": "\ufeffx",
    "nul": "\0",
    "astral": "\U0001f600",
    "last": "\U0010ffff",
    "125": "x" * 125,
    "126": "x" * 126,
    "65535": "x" * 65535,
    "65536": "x" * 65536,
    "mixed": "a\u00e4\u20ac\U0001f600" * 20_000,
}


class Str(str):
    pass


class Bytes(bytes):
    pass


def receiving(notes, count):
    """An application that notes so many messages."""

    async def app(scope, receive, send):
        await opened(receive, send)
        for _ in range(count):
            notes(await receive())
        await receive()

    return app


@pytest.mark.parametrize("data", TEXTS.values(), ids=TEXTS)
def test_text_is_received_and_sent(stage, data):
    """ASGI-77, ASGI-78: as it was, whatever its length."""
    with dial(stage(echo).serving.address) as peer:
        peer.send_text(data)
        assert peer.read_message() == data


@pytest.mark.parametrize("data", TEXTS.values(), ids=TEXTS)
def test_bytes_are_received_and_sent(stage, data):
    """ASGI-77, ASGI-78: the same bytes are another kind of message."""
    with dial(stage(echo).serving.address) as peer:
        peer.send_bytes(data.encode())
        assert peer.read_message() == data.encode()


@pytest.mark.parametrize("length", [125, 126, 127, 128, 65535, 65536, 65537, 1_000_000])
def test_any_length_in_both_directions(stage, length):
    data = bytes(range(256)) * (length // 256 + 1)
    with dial(stage(echo).serving.address) as peer:
        peer.send_bytes(data[:length])
        assert peer.read_message() == data[:length]


def test_received_messages_have_exact_types(stage, notes):
    """ASGI-2, ASGI-4, ASGI-77: the other kind is absent or None."""
    with dial(stage(receiving(notes, 2)).serving.address) as peer:
        peer.send_text("a")
        peer.send_bytes(b"b")
        messages = [notes.next(), notes.next()]
    for message, kind, other, data in (
        (messages[0], "text", "bytes", "a"),
        (messages[1], "bytes", "text", b"b"),
    ):
        assert type(message) is dict
        assert set(message) <= {"type", "text", "bytes"}
        assert message["type"] == "websocket.receive"
        assert message[kind] == data
        assert type(message[kind]) is type(data)
        assert message.get(other) is None


def test_each_message_is_a_dict_of_its_own(stage, notes):
    """ASGI-5: changing one changes no later one."""

    async def app(scope, receive, send):
        message = await receive()
        message.clear()
        await send({"type": "websocket.accept"})
        for _ in range(2):
            message = await receive()
            notes(dict(message))
            message.update(type="x", text="y", code=1)
        for _ in range(2):
            message = await receive()
            notes(dict(message))
            message.clear()

    with dial(stage(app).serving.address) as peer:
        peer.send_text("a")
        peer.send_text("a")
        peer.send_close(4000, b"r")
        assert payload(notes.next()) == payload(notes.next()) == "a"
        last = {"type": "websocket.disconnect", "code": 4000, "reason": "r"}
        assert [notes.next(), notes.next()] == [last, last]


def test_fragments_are_one_message(stage, notes):
    """ASGI-71: with pings between, which are answered and not shown."""
    pieces = fragments(TEXT, "a\u00e4".encode()[:2], "a\u00e4".encode()[2:], b"", b"b")
    with dial(stage(receiving(notes, 2)).serving.address) as peer:
        for index, piece in enumerate(pieces):
            peer.send(piece)
            if index < len(pieces) - 1:
                assert notes.rest() == []
                peer.send_frame(PING, b"%d" % index)
                assert peer.read_pong() == b"%d" % index
        assert payload(notes.next()) == "a\u00e4b"
        peer.send_fragments(BINARY, *(b"%d" % (i % 10) for i in range(1000)))
        assert payload(notes.next()) == b"0123456789" * 100


def test_messages_arrive_in_order(stage):
    """Large and small ones, texts and bytes, in one write."""
    messages = [f"{i} " * (i * 37 % 5000) for i in range(300)]
    raw = b"".join(frame(TEXT if i % 2 else BINARY, one.encode()) for i, one in enumerate(messages))
    with dial(stage(echo).serving.address) as peer:
        peer.send(raw)
        for i, one in enumerate(messages):
            assert peer.read_message() == (one if i % 2 else one.encode())


# --- What is sent ---


def sending(stage, notes, message):
    """What `send` raised, and the messages that the peer saw beside the last one."""

    async def app(scope, receive, send):
        await opened(receive, send)
        notes(await refused_by(send, message))
        await send(text("end"))
        await send(close())

    server = stage(app)
    seen = []
    with dial(server.serving.address) as peer:
        while (one := peer.read_message()) != "end":
            seen.append(one)
        peer.expect_close(1000)
    assert server.errors == []
    return notes.next(), seen


@pytest.mark.parametrize(
    ("keys", "seen"),
    [
        ({"text": "a"}, "a"),
        ({"text": ""}, ""),
        ({"text": "a", "bytes": None}, "a"),
        ({"bytes": b"a", "text": None}, b"a"),
        ({"bytes": b""}, b""),
        ({"bytes": b"", "text": None}, b""),
        ({"text": "", "bytes": None}, ""),
        ({"text": Str("a")}, "a"),
        ({"bytes": Bytes(b"a")}, b"a"),
        ({"bytes": bytearray(b"a")}, b"a"),
        ({"bytes": memoryview(b"abc")[1:]}, b"bc"),
        ({"text": "a", "x": 1, "code": 4000, "headers": 5}, "a"),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value)),
)
def test_message_is_sent(stage, notes, keys, seen):
    """ASGI-7, ASGI-78, ASGI-N11."""
    assert sending(stage, notes, {"type": "websocket.send", **keys}) == (None, [seen])


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"text": None},
        {"bytes": None, "text": None},
        {"text": "a", "bytes": b"a"},
        {"text": "", "bytes": b""},
        {"text": b"a"},
        {"text": 5},
        {"text": ["a"]},
        {"bytes": "a"},
        {"bytes": 5},
        {"bytes": [1, 2]},
        {"text": "\ud800"},
        {"text": "a\udfffb"},
    ],
    ids=ascii,
)
def test_message_is_refused(stage, notes, keys):
    """ASGI-6, ASGI-78, O18: it raises, nothing is sent, and the session goes on."""
    error, seen = sending(stage, notes, {"type": "websocket.send", **keys})
    assert isinstance(error, (TypeError, ValueError, KeyError, RuntimeError))
    assert not isinstance(error, OSError)
    assert seen == []


def test_subclass_of_dict_is_a_message(stage, notes):
    """ASGI-4: middleware sends OrderedDict and the like."""
    message = OrderedDict(type=Str("websocket.send"), text="ordered")
    assert sending(stage, notes, message) == (None, ["ordered"])


def test_send_returns_none_and_keeps_nothing(stage, notes):
    """ASGI-5: a message is the application's again when `send` has returned."""

    async def app(scope, receive, send):
        await opened(receive, send)
        data = bytearray(b"first")
        message = binary(data)
        notes(await send(message))
        data[:] = b"other"
        message["bytes"] = b"third"
        notes(await send(close(code=4000)))

    with dial(stage(app).serving.address) as peer:
        assert peer.read_message() == b"first"
        peer.expect_close(4000)
    assert [notes.next(), notes.next()] == [None, None]


def test_large_message_that_changes_after_send(stage, notes):
    """ASGI-5: also where the socket could not take it all at once."""

    async def app(scope, receive, send):
        await opened(receive, send)
        data = bytearray(b"x" * 3_000_000)
        await send(binary(data))
        data[:] = b"y" * len(data)
        await receive()

    with dial(stage(app).serving.address, SO_RCVBUF=65536) as peer:
        assert peer.read_message() == b"x" * 3_000_000


@pytest.mark.parametrize("arguments", [(), ({}, {})], ids=["none", "two"])
def test_send_takes_exactly_one_argument(stage, notes, arguments):
    """ASGI-5; and `receive` takes none."""

    async def app(scope, receive, send):
        await opened(receive, send)
        for call, given in ((send, arguments), (receive, (1,))):
            try:
                await call(*given)
            except TypeError as error:
                notes(error)
        await send(text("fine"))

    with dial(stage(app).serving.address) as peer:
        assert peer.read_message() == "fine"
    assert isinstance(notes.next(), TypeError)
    assert isinstance(notes.next(), TypeError)
