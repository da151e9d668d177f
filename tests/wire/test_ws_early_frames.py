"""Frames that come before the 101: in the handshake's own segment, or while the application waits.

ASGI-73, FLT-F18, uvicorn.md 9.2 row 2, FLT-B11: kept, in bounds, and delivered after the accept.
"""

from __future__ import annotations

import threading

import pytest

from tests.apps import Gate
from tests.clients.delivery import Bench
from tests.clients.serving import bound
from tests.clients.websocket import WebSocket, handshake
from tests.clients.websocket_frames import BINARY, CLOSE, PING, TEXT, close_payload, frame
from tests.websocket_apps import close, denial, denial_body, echo, opened, payload

EARLY = frame(TEXT, b"one") + frame(PING, b"p") + frame(BINARY, b"\x02") + frame(TEXT, b"three")
SMALL = 65536
BOUND = 2_000_000  # bytes that both kernels and the server may hold together


@pytest.fixture
def gate():
    return Gate()


def late(gate, application=echo):
    """The application, which is let in only when the gate opens."""

    async def app(scope, receive, send):
        if scope["type"] == "websocket":
            await gate.wait()
        await application(scope, receive, send)

    return app


def expect_early_answers(peer) -> None:
    seen = [peer.read_frame() for _ in range(4)]
    assert [one.payload for one in seen if one.opcode == 10] == [b"p"]
    assert [one.payload for one in seen if one.opcode != 10] == [b"one", b"\x02", b"three"]


def test_frames_in_the_segment_of_the_handshake(serve, gate) -> None:
    """FLT-F18: however long the application takes to accept."""
    address = serve(late(gate), lifespan="off").address
    with WebSocket(address) as peer:
        peer.send(handshake() + EARLY)
        gate.expect_reached()
        peer.expect_quiet(0.1)
        gate.open()
        peer.read_accepted()
        expect_early_answers(peer)
        peer.send_text("later")
        assert peer.read_message() == "later"


def test_frames_cut_anywhere(serve) -> None:
    """FLT-F18, FLT-A5: the handshake and what follows it, cut at every byte; accepted at once."""
    address = serve(echo, lifespan="off").address
    bench = Bench(address, None)
    raw = handshake() + EARLY
    for offset in range(1, len(raw)):
        with WebSocket(address) as peer:
            peer.send(raw[:offset])
            bench.settle()
            peer.send(raw[offset:])
            peer.read_accepted()
            expect_early_answers(peer)
    bench.close()


def test_frames_cut_anywhere_before_the_accept(serve, gate) -> None:
    """FLT-F18: both parts come while the application waits."""
    address = serve(late(gate), lifespan="off").address
    bench = Bench(address, None)
    head = handshake()
    peers = []
    for offset in range(len(EARLY)):
        peer = WebSocket(address)
        peer.send(head + EARLY[:offset])
        peers.append((offset, peer))
    bench.settle()
    for offset, peer in peers:
        peer.send(EARLY[offset:])
    bench.settle()
    gate.open()
    for _, peer in peers:
        peer.read_accepted()
        expect_early_answers(peer)
        peer.abandon()
    bench.close()


def test_handshake_and_frames_byte_by_byte(serve) -> None:
    """FLT-A5."""
    address = serve(echo, lifespan="off").address
    bench = Bench(address, None)
    with WebSocket(address) as peer:
        for byte in handshake() + EARLY:
            peer.send(bytes([byte]))
            bench.settle()
        peer.read_accepted()
        expect_early_answers(peer)
    bench.close()


def test_early_messages_are_in_order_and_whole(serve, gate) -> None:
    seen, done = [], threading.Event()

    async def app(scope, receive, send):
        await opened(receive, send)
        seen.extend([payload(await receive()) for _ in range(1000)])
        done.set()

    with WebSocket(serve(late(gate, app), lifespan="off").address) as peer:
        peer.send(handshake() + b"".join(frame(TEXT, b"%d" % i) for i in range(1000)))
        gate.open()
        peer.read_accepted()
        assert done.wait(5)
    assert seen == [str(i) for i in range(1000)]


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (frame(TEXT, b"a", mask=None), (1002, None)),
        (frame(TEXT, b"\xff"), (1007, None)),
        (frame(BINARY, claims=1 << 62), (1009, None)),
        (frame(CLOSE, close_payload(4001, b"changed my mind")), (4001, "changed my mind")),
    ],
    ids=["unmasked", "utf-8", "too big", "close"],
)
def test_early_ends_come_after_the_accept(serve, gate, raw, answer) -> None:
    """ASGI-73: the handshake is answered first; the application is told afterwards."""
    codes, told = [], threading.Event()

    async def app(scope, receive, send):
        await opened(receive, send)
        codes.append((await receive())["code"])
        told.set()

    with WebSocket(serve(late(gate, app), lifespan="off").address) as peer:
        peer.send(handshake() + raw)
        gate.expect_reached()
        gate.open()
        peer.read_accepted()
        code, reason = peer.read_close()
        assert code == answer[0]
        assert answer[1] in (None, reason)
        assert peer.read_to_end() == b""
        assert told.wait(5)
    assert codes == [answer[0]]


@pytest.mark.parametrize("how", ["closes", "denies"])
def test_early_frames_of_a_refused_session_are_nobodys(serve, gate, how) -> None:
    """FLT-A2: neither messages nor requests."""

    async def app(scope, receive, send):
        await receive()
        if how == "closes":
            await send(close())
        else:
            await send(denial(403))
            await send(denial_body(b"no"))

    server = serve(late(gate, app), lifespan="off")
    with WebSocket(server.address) as peer:
        peer.send(handshake() + EARLY + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        gate.expect_reached()
        gate.open()
        assert peer.read_response().status == 403
        assert peer.read_to_end() == b""
    assert server.logs.access == []


def test_early_bytes_are_bounded(serve, gate) -> None:
    """ASGI-73, FLT-B11: the socket is not read beyond a little; nothing of it is lost."""
    listener = bound(SO_RCVBUF=SMALL, SO_SNDBUF=SMALL)
    total, count, done = [0], 1000, threading.Event()

    async def app(scope, receive, send):
        await opened(receive, send)
        for _ in range(count):
            total[0] += len(payload(await receive()))
        done.set()
        await receive()

    address = serve(late(gate, app), lifespan="off", listener=listener).address
    raw = frame(BINARY, bytes(10_000)) * count
    with WebSocket(address, SO_SNDBUF=SMALL, timeout=20) as peer:
        peer.send(handshake())
        gate.expect_reached()
        taken = peer.send_what_fits(raw, 0.3)
        assert taken <= BOUND
        gate.open()
        peer.send(raw[taken:])
        peer.read_accepted()
        assert done.wait(20)
    assert total == [10_000 * count]
