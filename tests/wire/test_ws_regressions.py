"""What went wrong once: each of these kept a peer waiting, or kept a session for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time

import pytest

from tests.apps import Gate
from tests.clients.serving import bound
from tests.clients.websocket import WebSocket, dial, handshake
from tests.clients.websocket_frames import BINARY, frame
from tests.websocket_apps import binary, close, denial, opened, payload

SMALL = 65536


def wsgi(environ, start_response):
    start_response("200 OK", [("content-length", "5")])
    return [b"plain"]


def test_reading_goes_on_while_a_write_is_blocked(serve):
    """FLT-F22: a peer that sends everything before it reads must not wait for itself."""
    size, count = 60_000, 200
    seen, done = [], threading.Event()

    async def app(scope, receive, send):
        await opened(receive, send)
        sending = asyncio.ensure_future(send(binary(bytes(8_000_000))))
        for _ in range(count):
            message = await receive()
            seen.append(len(payload(message)))
        done.set()
        with contextlib.suppress(OSError):
            await sending

    listener = bound(SO_RCVBUF=SMALL, SO_SNDBUF=SMALL)
    server = serve(app, lifespan="off", listener=listener, ws_max_queue=2, ws_ping_interval=None)
    with dial(server.address, SO_SNDBUF=SMALL, SO_RCVBUF=SMALL, timeout=30) as peer:
        peer.send(frame(BINARY, bytes(size)) * count)
        assert done.wait(20)
        peer.reset()
    assert seen == [size] * count


@pytest.mark.slow
def test_peer_that_never_stops_sending_does_not_stop_the_clock(serve):
    """U4.5: ten seconds after our Close the connection ends, whatever still comes."""

    async def app(scope, receive, send):
        await opened(receive, send)
        await send(close())

    server = serve(app, lifespan="off")
    flood = frame(BINARY, bytes(1_000_000))
    with dial(server.address, timeout=30) as peer:
        begin = time.monotonic()
        while peer.ending is None and time.monotonic() < begin + 20:
            peer.send(flood)
        assert 9 < time.monotonic() - begin < 15


def test_handshake_to_a_wsgi_application_is_a_plain_request(serve):
    """As under uvicorn: WSGI has no WebSockets."""
    server = serve(wsgi, interface="wsgi", lifespan="off")
    with WebSocket(server.address) as peer:
        peer.send(handshake())
        response = peer.read_response()
        assert (response.status, response.body) == (200, b"plain")
    assert server.logs.messages(logging.ERROR) == []


def test_log_handler_that_ends_the_session_ends_it(serve):
    """Whatever a handler does while the accept is logged happens to an accepted session."""
    gate = Gate()
    sends = []

    class Closing(logging.Handler):
        def emit(self, record):
            if record.getMessage().endswith("[accepted]"):
                # `send` has done its work when it returns: nothing need be awaited.
                sends[0](close(code=4000))

    async def app(scope, receive, send):
        sends.append(send)
        await opened(receive, send)
        await gate.wait()

    server = serve(app, lifespan="off")
    handler = Closing()
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(handler)
    try:
        with dial(server.address) as peer:
            peer.expect_close(4000)
    finally:
        logger.removeHandler(handler)
        gate.open()


def test_denial_with_304_may_name_a_length(serve):
    """RFC 9110 8.6: that of the body it does not have."""

    async def app(scope, receive, send):
        await receive()
        await send(denial(304, [(b"content-length", b"10")]))
        await send({"type": "websocket.http.response.body"})

    with WebSocket(serve(app, lifespan="off").address) as peer:
        peer.send(handshake())
        response = peer.read_response()
        assert (response.status, response.one("content-length")) == (304, "10")
