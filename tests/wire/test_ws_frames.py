"""Frames by the rules of RFC 6455 5, and against them: whole, byte by byte, cut at every byte.

ASGI-71, ASGI-83, U4.5, FLT-F19, FLT-A5. A broken rule is answered by a Close frame with 1002 and a
sentence, as soon as the header tells it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.serving import Serving
from tests.clients.websocket import WebSocket
from tests.clients.websocket_delivery import FrameBench
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    close_payload,
    fragments,
    frame,
)
from tests.websocket_apps import echo


@pytest.fixture(scope="module")
def bench() -> Iterator[FrameBench]:
    """Frames do not depend on the event loop: one server for the module."""
    with Serving(echo, lifespan="off") as serving:
        bench = FrameBench(serving.address)
        try:
            yield bench
        finally:
            bench.close()


def join(*frames: bytes) -> bytes:
    return b"".join(frames)


def between(first: bytes, *others: bytes) -> bytes:
    """A message in two fragments with these frames between them."""
    head, tail = fragments(TEXT, first[:1], first[1:])
    return join(head, *others, tail)


LONG = bytes(range(256)) * 300

# Bytes; messages that come back; payloads of pongs.
GOOD: dict[str, tuple[bytes, list[str | bytes], list[bytes]]] = {
    "text": (frame(TEXT, b"Hello"), ["Hello"], []),
    "the example of RFC 6455 5.7": (
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        ["Hello"],
        [],
    ),
    "binary": (frame(BINARY, b"\0\xff\x80"), [b"\0\xff\x80"], []),
    "empty text": (frame(TEXT), [""], []),
    "empty binary": (frame(BINARY), [b""], []),
    "mask of zeros": (frame(TEXT, b"Hello, you", mask=bytes(4)), ["Hello, you"], []),
    "mask of ones": (frame(TEXT, b"Hello, you", mask=b"\xff" * 4), ["Hello, you"], []),
    "masks change": (
        join(*(frame(TEXT, b"abcdefg", mask=bytes([i, 0, 255, i])) for i in range(4))),
        ["abcdefg"] * 4,
        [],
    ),
    "125 bytes": (frame(BINARY, LONG[:125]), [LONG[:125]], []),
    "126 bytes": (frame(BINARY, LONG[:126]), [LONG[:126]], []),
    "65535 bytes": (frame(BINARY, LONG[:65535]), [LONG[:65535]], []),
    "65536 bytes": (frame(BINARY, LONG[:65536]), [LONG[:65536]], []),
    "two messages": (join(frame(TEXT, b"a"), frame(BINARY, b"b")), ["a", b"b"], []),
    "two fragments": (join(*fragments(TEXT, b"Hel", b"lo")), ["Hello"], []),
    "binary fragments": (join(*fragments(BINARY, b"\xff", b"\xfe", b"\0")), [b"\xff\xfe\0"], []),
    "empty fragments": (join(*fragments(TEXT, b"", b"a", b"", b"b", b"")), ["ab"], []),
    "only empty fragments": (join(*fragments(BINARY, b"", b"", b"")), [b""], []),
    "fragments of all lengths": (
        join(*fragments(BINARY, LONG[:125], LONG[:126], LONG[:70000], b"")),
        [LONG[:125] + LONG[:126] + LONG[:70000]],
        [],
    ),
    "fragments, then a message": (
        join(*fragments(TEXT, b"a", b"b"), frame(TEXT, b"c"), *fragments(BINARY, b"d", b"e")),
        ["ab", "c", b"de"],
        [],
    ),
    "ping": (frame(PING, b"hey"), [], [b"hey"]),
    "empty ping": (frame(PING), [], [b""]),
    "longest ping": (frame(PING, LONG[:125]), [], [LONG[:125]]),
    "ping that is no text": (frame(PING, b"\xff\xfe"), [], [b"\xff\xfe"]),
    "ping between fragments": (between(b"ab", frame(PING, b"p")), ["ab"], [b"p"]),
    "pong between fragments": (between(b"ab", frame(PONG, b"p")), ["ab"], []),
    "unsolicited pongs": (
        join(frame(PONG), frame(PONG, b"x" * 125), frame(TEXT, b"a")),
        ["a"],
        [],
    ),
    "ping, message, pong": (
        join(frame(PING, b"1"), frame(TEXT, b"a"), frame(PONG, b"1")),
        ["a"],
        [b"1"],
    ),
}

HEADER = 6  # bytes of a short header with its mask

BAD: dict[str, bytes] = {
    "unmasked text": frame(TEXT, b"a", mask=None),
    "unmasked empty text": frame(TEXT, mask=None),
    "unmasked ping": frame(PING, b"a", mask=None),
    "unmasked close": frame(CLOSE, close_payload(1000), mask=None),
    "unmasked continuation": join(
        frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", mask=None)
    ),
    "unmasked, header only": frame(TEXT, mask=None, claims=5),
    "unmasked, long": frame(BINARY, mask=None, claims=70000),
    "RSV1": frame(TEXT, b"a", rsv=4),
    "RSV2": frame(TEXT, b"a", rsv=2),
    "RSV3": frame(TEXT, b"a", rsv=1),
    "all reserved bits": frame(BINARY, b"a", rsv=7),
    "RSV1 of a ping": frame(PING, b"a", rsv=4),
    "RSV2 of a close": frame(CLOSE, close_payload(1000), rsv=2),
    "RSV1 of a continuation": join(frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b", rsv=4)),
    "reserved bit, header only": frame(TEXT, rsv=2, claims=100)[:HEADER],
    **{f"opcode {code}": frame(code, b"a") for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "opcode 3 without payload": frame(3),
    "opcode 11, header only": frame(11, claims=100)[:HEADER],
    "opcode 5 between fragments": between(b"ab", frame(5)),
    "ping of 126": frame(PING, LONG[:126]),
    "pong of 126": frame(PONG, LONG[:126]),
    "close of 126": frame(CLOSE, close_payload(1000, b"x" * 124)),
    "ping of 65536": frame(PING, LONG[:65536]),
    "ping of 126, header only": frame(PING, claims=126)[:4],
    "ping of 2^40, header only": frame(PING, claims=1 << 40),
    "short ping in 16 bits": frame(PING, b"a", width=16),
    "fragmented ping": frame(PING, b"a", fin=False),
    "fragmented pong": frame(PONG, fin=False),
    "fragmented close": frame(CLOSE, close_payload(1000), fin=False),
    "continuation of nothing": frame(CONTINUATION, b"a"),
    "unfinished continuation of nothing": frame(CONTINUATION, b"a", fin=False),
    "continuation after the end": join(*fragments(TEXT, b"a", b"b"), frame(CONTINUATION, b"c")),
    "text within a message": between(b"ab", frame(TEXT, b"c")),
    "binary within a message": between(b"ab", frame(BINARY, b"c")),
    "unfinished text within a message": between(b"ab", frame(TEXT, b"c", fin=False)),
    "text within, header only": join(frame(TEXT, b"a", fin=False), frame(TEXT, claims=50)[:HEADER]),
    "125 in 16 bits": frame(TEXT, b"x" * 125, width=16),
    "0 in 16 bits": frame(TEXT, width=16),
    "125 in 64 bits": frame(TEXT, b"x" * 125, width=64),
    "65535 in 64 bits": frame(TEXT, b"x" * 65535, width=64),
    "1 in 64 bits, header only": frame(TEXT, claims=1, width=64),
}


def judge_bad(peer: WebSocket, code: int = 1002) -> None:
    """A Close with a sentence, and the end; what was good before may have been answered."""
    while (one := peer.read_frame()).opcode != CLOSE:
        assert one.opcode in (TEXT, BINARY, PONG)
    assert int.from_bytes(one.payload[:2], "big") == code
    assert one.payload[2:].decode().isprintable()
    assert len(one.payload) > 2
    assert peer.read_to_end() == b""


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", GOOD)
def test_lawful_frames(bench, name, delivery) -> None:
    """ASGI-71: messages and pongs come in order; a pong may overtake a message."""
    raw, messages, pongs = GOOD[name]
    for peer in bench.deliver(raw, delivery):
        got = [peer.read_frame() for _ in range(len(messages) + len(pongs))]
        assert all(one.fin and one.rsv == 0 for one in got)
        assert [one.payload for one in got if one.opcode == PONG] == pongs
        assert [
            one.payload.decode() if one.opcode == TEXT else one.payload
            for one in got
            if one.opcode in (TEXT, BINARY)
        ] == messages
        peer.send_close(1000)
        assert peer.read_close() == (1000, "")
        peer.expect_end()


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", BAD)
def test_unlawful_frames(bench, name, delivery) -> None:
    """FLT-F19: at once, though the rest of the frame never comes."""
    for peer in bench.deliver(BAD[name], delivery):
        judge_bad(peer)


def test_nothing_after_a_broken_rule_is_looked_at(bench) -> None:
    """FLT-A2."""
    raw = frame(3) + frame(TEXT, b"after") + frame(PING, b"after")
    for peer in bench.deliver(raw, "whole"):
        assert peer.read_close()[0] == 1002
        assert peer.read_to_end() == b""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000, 4096, 65537])
def test_long_message_in_pieces_of_any_size(bench, size) -> None:
    """However the bytes come, the mask goes on where it was."""
    data = LONG[: min(len(LONG), size * 500)]
    for peer in bench.deliver(b"", "whole"):
        raw = join(*fragments(BINARY, data[:1001], data[1001:]))
        for start in range(0, len(raw), size):
            peer.send(raw[start : start + size])
        assert peer.read_message() == data


def test_sentences_are_for_people(bench) -> None:
    """U4.5: each broken rule has its own, in ASCII, short enough for a Close."""
    sentences = set()
    for name in ("unmasked text", "RSV2", "opcode 3", "ping of 126", "fragmented ping"):
        for peer in bench.deliver(BAD[name], "whole"):
            code, sentence = peer.read_close()
            assert code == 1002
            assert sentence.isascii()
            sentences.add(sentence)
    assert len(sentences) >= 4
