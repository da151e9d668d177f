"""Compressed messages: RFC 7692 6 and 7.2, with and without a context between messages.

U4.6, FLT-F19, FLT-F21, FLT-A5.
"""

from __future__ import annotations

import random
import zlib

import pytest

from tests.clients.serving import Serving
from tests.clients.websocket import dial, dial_deflated
from tests.clients.websocket_delivery import FrameBench
from tests.clients.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    RSV1,
    TEXT,
    close_payload,
    fragments,
    frame,
)
from tests.websocket_apps import echo

PLAIN = "permessage-deflate; client_max_window_bits"
SERVER_FORGETS = f"{PLAIN}; server_no_context_takeover"
CLIENT_FORGETS = f"{PLAIN}; client_no_context_takeover"
BOTH_FORGET = f"{SERVER_FORGETS}; client_no_context_takeover"
MODES = [PLAIN, SERVER_FORGETS, CLIENT_FORGETS, BOTH_FORGET]
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate"

# RFC 7692 7.2.3: "Hello" in every way that the document knows.
HELLO = {
    "one block": bytes.fromhex("f248cdc9c90700"),
    "no compression": bytes.fromhex("000500faff48656c6c6f00"),
    "final block": bytes.fromhex("f348cdc9c9070000"),
    "two blocks": bytes.fromhex("f24805000000ffffcac9c90700"),
}
HELLO_AGAIN = bytes.fromhex("f200110000")  # refers to the message before

BROKEN = {
    "reserved block type": b"\x07",
    "stored length does not match": b"\x00\x05\x00\x00\x00Hello",
    "distance beyond the beginning": HELLO_AGAIN,
    "no deflate at all": b"\xff" * 20,
    "too many codes": b"\xfd\xff\xff",
}


@pytest.fixture(scope="module")
def bench():
    """Codecs do not depend on the event loop: one server for the module."""
    with Serving(echo, lifespan="off") as serving:
        bench = FrameBench(serving.address)
        try:
            yield bench
        finally:
            bench.close()


@pytest.fixture(params=MODES, ids=["both keep", "server forgets", "client forgets", "both forget"])
def peer(request, bench):
    with dial_deflated(bench.address, request.param, timeout=15) as peer:
        yield peer


def settled(bench, raw: bytes, delivery: str):
    """As `deliver`, on sessions that have settled on compression."""
    if delivery == "whole":
        with dial(bench.address, b"/", OFFER) as peer:
            peer.send(raw)
            yield peer
        return
    for offset in range(1, len(raw)):
        with dial(bench.address, b"/", OFFER) as peer:
            peer.send(raw[:offset])
            bench.settle()
            peer.send(raw[offset:])
            yield peer


@pytest.mark.parametrize("delivery", ["whole", "cut"])
@pytest.mark.parametrize("name", HELLO)
def test_hello_of_the_rfc(bench, name, delivery) -> None:
    """RFC 7692 7.2.3.1, 7.2.3.3, 7.2.3.4, 7.2.3.5; and a second message after it."""
    raw = frame(TEXT, HELLO[name], rsv=RSV1) + frame(TEXT, HELLO["one block"], rsv=RSV1)
    for peer in settled(bench, raw, delivery):
        assert [peer.read_message(), peer.read_message()] == ["Hello", "Hello"]


@pytest.mark.parametrize("delivery", ["whole", "cut"])
def test_window_that_messages_share(bench, delivery) -> None:
    """RFC 7692 7.2.3.2."""
    raw = frame(TEXT, HELLO["one block"], rsv=RSV1) + frame(TEXT, HELLO_AGAIN, rsv=RSV1)
    for peer in settled(bench, raw, delivery):
        assert [peer.read_message(), peer.read_message()] == ["Hello", "Hello"]


@pytest.mark.parametrize("delivery", ["whole", "cut"])
def test_fragments_with_pings_between(bench, delivery) -> None:
    """RFC 7692 6.1, 7.2.3.1: one stream over frames that begin anywhere."""
    packed = HELLO["one block"]
    pieces = fragments(TEXT, packed[:3], b"", packed[3:], rsv=RSV1)
    raw = pieces[0] + frame(PING, b"p") + b"".join(pieces[1:])
    for peer in settled(bench, raw, delivery):
        assert peer.read_pong() == b"p"
        assert peer.read_message() == "Hello"


@pytest.mark.parametrize("name", BROKEN)
def test_broken_stream_is_refused(bench, name) -> None:
    """RFC 7692 7.2.2: the connection fails; which code is left open."""
    for peer in settled(bench, frame(TEXT, BROKEN[name], rsv=RSV1), "whole"):
        assert peer.read_close()[0] in (1002, 1007)
        assert peer.read_to_end() == b""


@pytest.mark.parametrize(
    "raw",
    [
        frame(TEXT, HELLO["one block"][:3], rsv=RSV1, fin=False)
        + frame(CONTINUATION, HELLO["one block"][3:], rsv=RSV1),
        frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", rsv=RSV1),
        frame(PING, b"a", rsv=RSV1),
        frame(CLOSE, close_payload(1000), rsv=RSV1),
        frame(TEXT, HELLO["one block"], rsv=RSV1 | 2),
        frame(TEXT, HELLO["one block"], rsv=1),
    ],
    ids=["second fragment", "of a plain one", "ping", "close", "RSV2 beside", "RSV3 alone"],
)
def test_reserved_bits_that_have_no_meaning(bench, raw) -> None:
    """RFC 7692 6: RSV1 belongs to the first frame of a message; the others to nobody."""
    for peer in settled(bench, raw, "whole"):
        peer.expect_closed_by_server(1002)


@pytest.mark.parametrize("data", [b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"x" * 70_000 + b"\xff"])
def test_text_is_checked_through_the_compression(bench, data) -> None:
    """ASGI-77: 1007."""
    with dial_deflated(bench.address, PLAIN) as peer:
        peer.send_deflated(TEXT, data)
        peer.expect_closed_by_server(1007)


def test_invalid_text_is_refused_before_its_message_has_come(bench) -> None:
    """Streaming, through the inflater as well."""
    with dial_deflated(bench.address, PLAIN) as peer:
        packer = zlib.compressobj(9, zlib.DEFLATED, -9)
        packed = packer.compress(b"ok \xff not" * 100) + packer.flush(zlib.Z_SYNC_FLUSH)
        peer.send_frame(TEXT, packed, rsv=RSV1, fin=False)
        peer.expect_closed_by_server(1007)


MESSAGES = {
    "repeated": [b"the same again and again " * 40] * 5,
    "short": [b"a", b"", b"ab", b"", b"abc"],
    "empty": [b""] * 5,
    "growing": [b"x" * 3**i for i in range(12)],
    "random": [random.Random(i).randbytes(5000) for i in range(4)],
    "random again": [random.Random(0).randbytes(9000)] * 3,
    "long": [bytes(range(256)) * 8000, b"short", bytes(range(255, -1, -1)) * 8000],
    "around the threshold": [b"y" * n for n in range(0, 300, 13)],
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_both_ways(peer, name) -> None:
    """Every message comes back, compressed or not; the contexts stay in step."""
    for data in MESSAGES[name]:
        peer.send_deflated(BINARY, data)
        assert peer.read_message() == data


def test_compressed_and_plain_messages_alternate(peer) -> None:
    """RFC 7692 6: a plain one is no part of the context."""
    rng = random.Random(7)
    for index in range(60):
        data = bytes(rng.choices(b"abcdef", k=rng.randrange(2000)))
        if index % 3 == 1:
            peer.send_bytes(data)
        else:
            peer.send_deflated(BINARY, data)
        assert peer.read_message() == data


def test_many_messages_in_one_write(peer) -> None:
    """Contexts follow the order of the messages, also where many wait."""
    messages = [f"message {i} of many, " * (i % 30) for i in range(200)]
    assert peer.deflate is not None
    raw = b"".join(frame(TEXT, peer.deflate.compress(one.encode()), rsv=RSV1) for one in messages)
    peer.send(raw)
    for one in messages:
        assert peer.read_message() == one


def test_context_is_used_across_messages(bench) -> None:
    """U4.6: what was said before costs almost nothing; unless the server was asked to forget."""
    data = random.Random(1).randbytes(700).hex()  # not compressible much, but repeatable
    sizes = {}
    for offer in (PLAIN, SERVER_FORGETS):
        with dial_deflated(bench.address, offer) as peer:
            for _ in range(3):
                peer.send_text(data)
                one = peer.read_frame()
                assert peer.deflate is not None
                payload = peer.deflate.decompress(one.payload) if one.rsv else one.payload
                assert payload.decode() == data
            sizes[offer] = len(one.payload)
    assert sizes[PLAIN] < len(data) / 10
    assert sizes[SERVER_FORGETS] > len(data) / 3


def test_long_messages_are_compressed(peer) -> None:
    """U4.6: and marked with RSV1."""
    for _ in range(2):
        peer.send_text("compressible " * 500)
        one = peer.read_frame()
        assert one.rsv == RSV1
        assert len(one.payload) < 1000
        assert peer.deflate is not None
        assert peer.deflate.decompress(one.payload) == b"compressible " * 500


def test_empty_messages_in_every_form(bench) -> None:
    """RFC 7692 7.2.3.6: one byte of zeros, or as deflate writes it."""
    raw = b"".join(
        frame(TEXT, payload, rsv=RSV1)
        for payload in (b"\x00", b"\x02\x00", b"\x01\x00\x00\xff\xff\x00")
    )
    for peer in settled(bench, raw, "whole"):
        assert [peer.read_message() for _ in range(3)] == [""] * 3


def test_many_empty_compressed_messages(bench) -> None:
    """FLT-F21: each is a message; the session goes on."""
    count = 3000
    for peer in settled(bench, frame(BINARY, b"\x00", rsv=RSV1) * count, "whole"):
        assert [peer.read_message() for _ in range(count)] == [b""] * count


def test_idle_session_keeps_its_contexts(serve) -> None:
    """Memory may be given back while nothing happens; what messages refer to must be kept."""
    data = "what was said before the pause " * 30
    server = serve(echo, lifespan="off", ws_ping_interval=None)
    with dial_deflated(server.address, PLAIN) as peer:
        for _ in range(3):
            for _ in range(2):
                peer.send_deflated(TEXT, data.encode())
                assert peer.read_message() == data
            peer.expect_quiet(1.3)


def test_control_frames_are_never_compressed(peer) -> None:
    """RFC 7692 6."""
    peer.send_frame(PING, b"p" * 125)
    assert peer.read_pong() == b"p" * 125
    peer.send_close(1000, b"r" * 123)
    assert peer.read_close() == (1000, "r" * 123)
