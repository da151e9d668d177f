"""Text is UTF-8, checked while it comes: RFC 6455 8.1, ASGI-77, U4.5, FLT-F19.

Wrong bytes are refused with 1007 as soon as they are there, in the middle of a frame as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.serving import Serving
from tests.clients.websocket import WebSocket
from tests.clients.websocket_delivery import FrameBench
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    fragments,
    frame,
    masked,
)
from tests.websocket_apps import echo

VALID = {
    "ascii": b"Hello-\x7f\0",
    "two bytes": "\u0080\u07ff".encode(),
    "three bytes": "\u0800\ud7ff\ue000\uffff".encode(),
    "four bytes": "\U00010000\U0010ffff".encode(),
    "noncharacters": "\ufffe\uffff\U0001ffff".encode(),
    "greek": "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode(),
    "kosme": "\u03ba\u1f79\u03c3\u03bc\u03b5".encode(),
    "emoji": "\U0001f469\u200d\U0001f4bb".encode(),
}
# What makes each wrong is its last byte, unless it is too short.
WRONG_AT_LAST_BYTE = {
    "continuation byte alone": b"\x80",
    "0xfe": b"\xfe",
    "0xff": b"\xff",
    "overlong slash of two": b"\xc0",
    "overlong in 0xc1": b"\xc1",
    "overlong of three": b"\xe0\x80",
    "overlong of three at the edge": b"\xe0\x9f",
    "overlong of four": b"\xf0\x80",
    "overlong of four at the edge": b"\xf0\x8f",
    "first surrogate": b"\xed\xa0",
    "last surrogate": b"\xed\xbf",
    "beyond U+10FFFF": b"\xf4\x90",
    "0xf5": b"\xf5",
    "five bytes": b"\xf8",
    "two bytes, then ascii": b"\xc3a",
    "three bytes, then ascii": b"\xe2\x82a",
    "four bytes, then ascii": b"\xf0\x9f\x98a",
    "two leads": b"\xc3\xc3",
}
TRUNCATED = {
    "lead of two": b"\xc3",
    "one of three": b"\xe2",
    "two of three": b"\xe2\x82",
    "one of four": b"\xf0",
    "three of four": b"\xf0\x9f\x98",
}


@pytest.fixture(scope="module")
def bench() -> Iterator[FrameBench]:
    """Frames do not depend on the event loop: one server for the module."""
    with Serving(echo, lifespan="off") as serving:
        bench = FrameBench(serving.address)
        try:
            yield bench
        finally:
            bench.close()


def expect_1007(peer: WebSocket) -> None:
    while (one := peer.read_frame()).opcode != CLOSE:
        assert one.opcode == TEXT  # an echo of what was good
    assert int.from_bytes(one.payload[:2], "big") == 1007
    assert peer.read_to_end() == b""


def unfinished(data: bytes, claims: int = 1000) -> bytes:
    """A text frame of which only these bytes have come."""
    return frame(TEXT, data, claims=claims)


@pytest.mark.parametrize("delivery", ["whole", "cut"])
@pytest.mark.parametrize("data", VALID.values(), ids=VALID)
def test_valid_text(bench, data, delivery) -> None:
    for peer in bench.deliver(frame(TEXT, data), delivery):
        assert peer.read_message() == data.decode()


@pytest.mark.parametrize("data", VALID.values(), ids=VALID)
def test_valid_text_in_fragments_of_one_byte(bench, data) -> None:
    """Code points may lie across frames, with pings between."""
    raw = b"".join(
        one + frame(PING, b"%d" % i)
        for i, one in enumerate(fragments(TEXT, *(data[i : i + 1] for i in range(len(data)))))
    )
    for peer in bench.deliver(raw, "whole"):
        seen = [peer.read_frame() for _ in range(len(data) + 1)]
        assert [one.payload for one in seen if one.opcode == TEXT] == [data]


@pytest.mark.parametrize("before", [b"", b"Hello ", "\u20ac".encode() * 40, b"x" * 70_000])
@pytest.mark.parametrize("data", WRONG_AT_LAST_BYTE.values(), ids=WRONG_AT_LAST_BYTE)
def test_invalid_text(bench, data, before) -> None:
    for peer in bench.deliver(frame(TEXT, before + data + b" more"), "whole"):
        expect_1007(peer)


@pytest.mark.parametrize("data", WRONG_AT_LAST_BYTE.values(), ids=WRONG_AT_LAST_BYTE)
def test_invalid_text_is_refused_before_its_frame_has_come(bench, data) -> None:
    """FLT-F19: Autobahn's 6.4 wants it at once; cut at every byte."""
    for delivery in ("whole", "bytewise", "cut"):
        for peer in bench.deliver(unfinished(b"ok \xc3\xa4" + data), delivery):
            expect_1007(peer)


@pytest.mark.parametrize("data", WRONG_AT_LAST_BYTE.values(), ids=WRONG_AT_LAST_BYTE)
def test_invalid_text_is_refused_before_its_message_has_come(bench, data) -> None:
    """In fragments of one byte, none of which is the last."""
    raw = b"".join(
        frame(CONTINUATION if i else TEXT, (b"ok" + data)[i : i + 1], fin=False)
        for i in range(len(data) + 2)
    )
    for peer in bench.deliver(raw, "whole"):
        expect_1007(peer)


@pytest.mark.parametrize("data", TRUNCATED.values(), ids=TRUNCATED)
def test_text_that_ends_within_a_code_point(bench, data) -> None:
    for before in (b"", b"abc", b"x" * 70_000):
        for raw in (
            frame(TEXT, before + data),
            b"".join(fragments(TEXT, before, data)),
            b"".join(fragments(TEXT, before + data, b"")),
        ):
            for peer in bench.deliver(raw, "whole"):
                expect_1007(peer)


@pytest.mark.parametrize("data", TRUNCATED.values(), ids=TRUNCATED)
def test_code_point_that_may_still_be_finished_is_waited_for(bench, data) -> None:
    rest = {0xC3: b"\xa4", 0xE2: b"\x82\xac", 0xF0: b"\x9f\x98\x80"}[data[0]][len(data) - 1 :]
    for peer in bench.deliver(frame(TEXT, data, fin=False), "whole"):
        bench.settle()
        peer.expect_quiet(0.02)
        peer.send(frame(CONTINUATION, rest))
        assert peer.read_message() == (data + rest).decode()
    for peer in bench.deliver(unfinished(data, claims=len(data + rest)), "whole"):
        bench.settle()
        # The mask goes on where the first part ended.
        peer.send(masked(bytes(len(data)) + rest)[len(data) :])
        assert peer.read_message() == (data + rest).decode()


def test_state_of_one_text_is_not_the_next_ones(bench) -> None:
    """After an interrupted code point in a ping or a binary message: those are not text."""
    raw = b"".join(
        [
            frame(BINARY, b"\xe2\x82"),
            frame(PING, b"\xe2"),
            frame(TEXT, b"a"),
            frame(BINARY, b"\xac", fin=False),
            frame(CONTINUATION, b"\xff"),
            frame(TEXT, "\u20ac".encode()),
        ]
    )
    for peer in bench.deliver(raw, "whole"):
        seen = [peer.read_frame() for _ in range(5)]
        data = [one.payload for one in seen if one.opcode in (TEXT, BINARY)]
        assert data == [b"\xe2\x82", b"a", b"\xac\xff", "\u20ac".encode()]


@pytest.mark.parametrize("size", [65_530, 131_072, 300_001])
def test_long_text_with_code_points_on_every_boundary(bench, size) -> None:
    text = "a" * (size % 4) + "\U0001f600" * (size // 4)
    raw = frame(TEXT, text.encode())
    for peer in bench.deliver(b"", "whole"):
        for start in range(0, len(raw), 8191):
            peer.send(raw[start : start + 8191])
        assert peer.read_message() == text


def test_invalid_byte_late_in_a_long_text(bench) -> None:
    for peer in bench.deliver(frame(TEXT, b"x" * 1_000_000 + b"\xff"), "whole"):
        expect_1007(peer)
