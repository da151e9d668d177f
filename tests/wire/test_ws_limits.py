"""`ws_max_size`: judged from the header, before anything is allocated; per frame and per message.

U4.5, U4.6, FLT-F20, FLT-F21, FLT-F24, CVE-2026-44545. What it costs in memory is in tests/process.
"""

from __future__ import annotations

import zlib

import pytest

from tests.clients.websocket import dial, dial_deflated
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    RSV1,
    TEXT,
    fragments,
    frame,
)
from tests.websocket_apps import echo

LIMIT = 1000
SENTENCE = "frame with {} bytes exceeds limit of {} bytes"
HUGE = [16 * 1024 * 1024 + 1, 1 << 30, 1 << 31, 1 << 32, 1 << 40, 1 << 62, (1 << 63) - 1]


@pytest.fixture
def limited(serve):
    return serve(echo, lifespan="off", ws_max_size=LIMIT).address


@pytest.fixture
def usual(serve):
    return serve(echo, lifespan="off").address


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_message_of_the_limit_is_taken(limited, opcode) -> None:
    with dial(limited) as peer:
        for data in (b"x" * LIMIT, b"x" * (LIMIT - 1), b"", b"x" * LIMIT):
            peer.send_frame(opcode, data)
            assert len(peer.read_message()) == len(data)


@pytest.mark.parametrize("size", [LIMIT + 1, 65535, 65536, 100_000])
def test_larger_frame_is_refused_in_uvicorns_words(limited, size) -> None:
    """U4.5: whether its bytes come or not."""
    for data in (b"x" * size, b""):
        with dial(limited) as peer:
            peer.send_frame(TEXT, data, claims=size)
            peer.expect_closed_by_server(1009, SENTENCE.format(size, LIMIT))


@pytest.mark.parametrize("size", HUGE)
def test_huge_claims_are_refused_at_once(usual, size) -> None:
    """FLT-F20: from ten bytes, under the default limit of 16 MiB."""
    for opcode in (TEXT, BINARY):
        with dial(usual) as peer:
            peer.send(frame(opcode, claims=size)[:10])
            peer.expect_closed_by_server(1009, SENTENCE.format(size, 16 * 1024 * 1024))


@pytest.mark.parametrize("size", [1 << 63, (1 << 64) - 1])
def test_length_with_its_top_bit_is_no_length(usual, size) -> None:
    """RFC 6455 5.2."""
    with dial(usual) as peer:
        peer.send(frame(BINARY, claims=size))
        assert peer.read_close()[0] in (1002, 1009)
        assert peer.read_to_end() == b""


def test_message_of_the_default_limit_is_taken(usual) -> None:
    size = 16 * 1024 * 1024
    with dial(usual, timeout=20) as peer:
        peer.send_frame(BINARY, bytes(size))
        assert peer.read_message() == bytes(size)


@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ([500, 500], True),
        ([LIMIT, 0, 0], True),
        ([0, LIMIT], True),
        ([1] * LIMIT, True),
        ([500, 501], False),
        ([LIMIT, 1], False),
        ([1] * (LIMIT + 1), False),
        ([0, 0, LIMIT + 1], False),
        ([LIMIT, LIMIT], False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_fragments_are_added_up(limited, sizes, fits) -> None:
    """U4.6."""
    with dial(limited) as peer:
        peer.send_fragments(BINARY, *(b"x" * size for size in sizes))
        if fits:
            assert len(peer.read_message()) == sum(sizes)
            peer.send_text("next")
            assert peer.read_message() == "next"
        else:
            peer.expect_closed_by_server(1009)


def test_sum_is_judged_from_the_header(limited) -> None:
    """FLT-F20: without a byte of the fragment that is too much."""
    with dial(limited) as peer:
        peer.send_frame(BINARY, b"x" * 600, fin=False)
        peer.send(frame(CONTINUATION, claims=401, fin=False))
        peer.expect_closed_by_server(1009)


def test_control_frames_do_not_count(limited) -> None:
    with dial(limited) as peer:
        first, last = fragments(BINARY, b"x" * 500, b"x" * 500)
        peer.send(first)
        for _ in range(20):
            peer.send_frame(PING, b"p" * 125)
            assert peer.read_pong() == b"p" * 125
        peer.send(last)
        assert len(peer.read_message()) == LIMIT


def test_messages_do_not_add_up(limited) -> None:
    with dial(limited) as peer:
        for _ in range(50):
            peer.send_bytes(b"x" * LIMIT)
            assert len(peer.read_message()) == LIMIT


def test_application_may_send_more_than_it_may_receive(serve) -> None:
    """U4.6: the limit is for what comes."""

    async def app(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": bytes(5000)})

    with dial(serve(app, lifespan="off", ws_max_size=10).address) as peer:
        assert len(peer.read_message()) == 5000


def test_text_is_counted_in_bytes(limited) -> None:
    with dial(limited) as peer:
        peer.send_text("\u20ac" * 333)
        assert peer.read_message() == "\u20ac" * 333
        peer.send_text("\u20ac" * 334)
        peer.expect_closed_by_server(1009)


# --- Compressed messages ---


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    data = b"".join(packer.compress(bytes(min(65536, size - at))) for at in range(0, size, 65536))
    return (data + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize("size", [LIMIT + 1, 100_000, 50_000_000])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_bombs_are_refused(limited, size, opcode) -> None:
    """FLT-F24, CVE-2018-1000518: few bytes on the wire, many in the message."""
    packed = bomb(size)
    raw = packed[:LIMIT]  # no frame is beyond the limit itself
    with dial_deflated(limited, "permessage-deflate; client_max_window_bits") as peer:
        peer.send_frame(opcode, raw, rsv=RSV1, fin=len(raw) == len(packed))
        peer.expect_closed_by_server(1009)


def test_bombs_in_fragments_are_refused(limited) -> None:
    """FLT-F24: before the last of them has come."""
    packed = bomb(5_000_000)
    step = len(packed) // 20
    pieces = [packed[at : at + step] for at in range(0, len(packed), step)]
    with dial_deflated(limited, "permessage-deflate; client_max_window_bits") as peer:
        peer.send(b"".join(fragments(BINARY, *pieces, rsv=RSV1)[:-1]))
        peer.expect_closed_by_server(1009)


def test_compressed_message_of_the_limit_is_taken(limited) -> None:
    with dial_deflated(limited, "permessage-deflate; client_max_window_bits") as peer:
        for size in (LIMIT, 0, LIMIT - 1, LIMIT):
            peer.send_deflated(BINARY, bytes(size))
            assert peer.read_message() == bytes(size)


def test_claims_of_compressed_frames_are_judged_as_well(limited) -> None:
    """FLT-F20: the wire's length is beyond the limit already."""
    with dial_deflated(limited) as peer:
        peer.send_frame(BINARY, rsv=RSV1, claims=1 << 40)
        peer.expect_closed_by_server(1009)


def test_session_after_the_limit_is_another(limited) -> None:
    """FLT-F20: only the one that broke it ends."""
    with dial(limited) as other, dial(limited) as peer:
        peer.send_frame(BINARY, claims=1 << 40)
        peer.expect_closed_by_server(1009)
        other.send_text("a")
        assert other.read_message() == "a"
        other.send_frame(CLOSE)
        assert other.read_close() == (None, "")
