"""Back-pressure both ways, and large bodies in constant memory.

ASGI-42, ASGI-48, FLT-B10, FLT-B11. The bounds are loose: kernel socket buffers grow to some MiB on
each side of a loopback connection.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, request

KIB = 1024
MIB = 1024 * KIB
IN_FLIGHT_LIMIT = 16 * MIB
UPLOAD = b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n"


def resident_bytes():
    """What this process, server and client together, holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_upload_to_an_application_that_does_not_receive_is_bounded(stage):
    """ASGI-42, FLT-B11: reading stops, and the kernel's window closes."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await answer(send)

    peer = stage(app).connect(UPLOAD % (64 * MIB), SO_SNDBUF=65536)
    taken = peer.send_what_fits(b"x" * (64 * MIB))
    gate.open()
    assert taken < IN_FLIGHT_LIMIT
    assert peer.read_head().status == 200


def test_paused_upload_goes_on_when_the_application_receives(stage, notes):
    """ASGI-42: nothing is lost at the place where reading stopped."""
    gate = Gate()
    data = os.urandom(KIB) * (8 * KIB)

    async def app(scope, receive, send):
        await gate.wait()
        seen = 0
        more = True
        while more:
            message = await receive()
            piece = message["body"]
            assert piece == data[seen : seen + len(piece)]
            seen += len(piece)
            more = message["more_body"]
        notes(seen)
        await answer(send)

    peer = stage(app).connect(UPLOAD % len(data), SO_SNDBUF=65536)
    taken = peer.send_what_fits(data)
    gate.open()
    peer.send(data[taken:])
    assert notes.next() == len(data)
    assert peer.read_response().status == 200


def test_messages_stay_small_however_much_has_arrived(stage, notes):
    """FLT-B11: what the server holds for a request is bounded, so is what one event brings."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        largest, more = 0, True
        while more:
            message = await receive()
            largest = max(largest, len(message["body"]))
            more = message["more_body"]
        notes(largest)
        await answer(send)

    peer = stage(app).connect(UPLOAD % (4 * MIB))
    taken = peer.send_what_fits(b"x" * (4 * MIB), patience=0.2)
    gate.open()
    peer.send(b"x" * (4 * MIB - taken))
    assert peer.read_response().status == 200
    assert notes.next() <= 512 * KIB


def test_send_waits_while_the_client_does_not_read(stage, notes):
    """FLT-B10: at a watermark; and goes on when the client reads."""
    piece = b"x" * (64 * KIB)

    async def app(scope, receive, send):
        await send(start())
        sent = 0
        while sent < 64 * MIB:
            sending = asyncio.create_task(send(body(piece, more=True)))
            done, _ = await asyncio.wait({sending}, timeout=0.5)
            sent += len(piece)
            if not done:
                notes(sent)
                await sending
                break
        await send(body(b"end"))

    peer = stage(app).connect(request(), SO_RCVBUF=65536)
    sent = notes.next()
    assert sent < IN_FLIGHT_LIMIT
    response = peer.read_response()
    assert len(response.body) == sent + 3
    assert response.body.endswith(b"end")


def test_single_message_of_any_size_is_taken_whole(stage):
    """As uvicorn: the watermark holds between messages, not inside one."""
    data = os.urandom(KIB) * (16 * KIB)

    async def app(scope, receive, send):
        await answer(send, data)

    assert stage(app).ask().body == data


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")
def test_large_upload_in_constant_memory(stage, notes):
    """ASGI-42: 128 MiB to an application that throws them away."""
    size, piece = 128 * MIB, b"x" * MIB

    async def app(scope, receive, send):
        before = highest = resident_bytes()
        seen, more = 0, True
        while more:
            message = await receive()
            seen += len(message["body"])
            more = message["more_body"]
            highest = max(highest, resident_bytes())
        notes((seen, highest - before))
        await answer(send)

    peer = stage(app).connect(UPLOAD % size)
    for _ in range(size // len(piece)):
        peer.send(piece)
    assert peer.read_response().status == 200
    seen, growth = notes.next()
    assert seen == size
    assert growth < 24 * MIB


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/statm")
def test_large_download_in_constant_memory(stage, notes):
    """FLT-B10: 128 MiB from one buffer to a client that keeps nothing."""
    size, piece = 128 * MIB, b"x" * MIB

    async def app(scope, receive, send):
        before = highest = resident_bytes()
        await send(start(headers=[(b"content-length", b"%d" % size)]))
        for _ in range(size // len(piece)):
            await send(body(piece, more=True))
            highest = max(highest, resident_bytes())
        await send(body())
        notes(highest - before)

    peer = stage(app).connect(request())
    assert peer.read_head().status == 200
    for _ in range(size // len(piece)):
        assert len(peer.read_exactly(len(piece))) == len(piece)
    assert notes.next() < 24 * MIB


def test_one_slow_client_does_not_stop_another(stage, notes):
    """FLT-B10: only its own send waits."""

    async def app(scope, receive, send):
        await send(start())
        if scope["path"] == "/slow":
            for _ in range(1000):
                await send(body(b"x" * 64 * KIB, more=True))
        await send(body(b"fast"))

    server = stage(app)
    slow = server.connect(request("/slow"), SO_RCVBUF=65536)
    assert slow.read_head().status == 200
    for _ in range(20):
        assert server.ask("/fast").body == b"fast"
