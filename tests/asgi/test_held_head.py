"""A head is held until the first body or until the application waits, whichever is first.

ASGI-45, FLT-C3, O3, O36: an early failure is a clean 500, and a stream still opens at once.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import request

EXCEPTION = "Exception in ASGI application"


def assert_statuses(server, *statuses):
    """One access record for each exchange, with the status that was really sent."""
    assert [record.args[4] for record in server.access] == list(statuses)


@pytest.mark.parametrize("error", [ValueError, SystemExit, asyncio.CancelledError])
def test_exception_before_the_application_waited_is_a_clean_500(stage, error):
    """O3: nothing of the started response is seen, in the log neither (O36)."""

    async def app(scope, receive, send):
        await send(start(headers=[(b"x-held", b"1"), (b"content-length", b"5")]))
        raise error

    server = stage(app)
    peer = server.connect(request())
    response = peer.read_response()
    assert (response.status, response.body) == (500, b"Internal Server Error")
    assert response.one("x-held") is None
    peer.expect_end()
    server.logs.wait(EXCEPTION)
    assert_statuses(server, 500)


def test_return_before_the_application_waited(stage):
    """O3: the head may be sent and cut, or withheld; never a whole response."""

    async def app(scope, receive, send):
        await send(start(headers=[(b"content-length", b"5")]))

    server = stage(app)
    raw = server.connect(request()).read_to_end()
    server.logs.wait("ASGI callable returned without completing response.")
    assert raw.startswith((b"HTTP/1.1 500 ", b"HTTP/1.1 200 "))
    assert raw.endswith((b"\r\n\r\nInternal Server Error", b"\r\n\r\n"))


def test_body_that_is_refused_leaves_the_head_held(stage):
    """O3: a str body right after the start is a clean 500."""

    async def app(scope, receive, send):
        await send(start())
        await send({"type": "http.response.body", "body": "text"})

    server = stage(app)
    response = server.ask()
    assert response.status == 500
    assert server.logs.wait(EXCEPTION).exc_info[0] is TypeError
    assert_statuses(server, 500)


def test_head_is_out_while_the_application_waits(stage):
    """O3: a long-polling client sees its head at once, and the record is there (O36)."""
    gate = Gate()

    async def app(scope, receive, send):
        await send(start(headers=[(b"x-early", b"1")]))
        await gate.wait()
        await send(body(b"late"))

    server = stage(app)
    peer = server.connect(request())
    head = peer.read_head()
    assert (head.status, head.one("x-early")) == (200, "1")
    assert_statuses(server, 200)
    gate.open()
    assert head.framing == "chunked"
    assert peer.read_chunk() == b"late"
    assert peer.read_chunk() == b""


def test_exception_after_waiting_cuts_a_head_that_is_out(stage):
    """ASGI-45, FLT-C3."""
    gate = Gate()

    async def app(scope, receive, send):
        await send(start())
        await gate.wait()
        raise ValueError

    server = stage(app)
    peer = server.connect(request())
    head = peer.read_head()
    assert head.status == 200
    gate.open()
    assert peer.read_to_end() == b""
    server.logs.wait(EXCEPTION)
    assert_statuses(server, 200)


@pytest.mark.parametrize("how", ["event", "receive", "zero sleep then event", "thread"])
def test_any_way_of_waiting_sends_the_head(stage, how):
    """O3: whatever it is that the application waits for."""
    gate, release = Gate(), threading.Event()

    async def app(scope, receive, send):
        loop = asyncio.get_running_loop()
        await receive()
        await send(start())
        if how == "receive":
            await asyncio.wait({asyncio.ensure_future(receive())}, timeout=30)
            return
        if how == "thread":
            await loop.run_in_executor(None, release.wait, 30)
        if how == "zero sleep then event":
            ready = loop.create_future()
            loop.call_soon(ready.set_result, None)
            await ready
        await gate.wait()
        await send(body())

    peer = stage(app).connect(request())
    assert peer.read_head().status == 200
    release.set()
    gate.open()


@pytest.mark.parametrize("stays", [True, False], ids=["child waits", "child ends"])
def test_head_sent_by_a_child_task_is_out_while_the_parent_waits(stage, stays):
    """O3: frameworks call send from a task of their own."""
    gate = Gate()

    async def app(scope, receive, send):
        async def child():
            await send(start())
            if stays:
                await gate.wait()

        await asyncio.create_task(child())
        await gate.wait()
        await send(body(b"late"))

    peer = stage(app).connect(request())
    assert peer.read_head().status == 200
    gate.open()
    assert peer.read_chunk() == b"late"


def test_head_sent_from_a_callback_is_out(stage):
    """O3: no coroutine of the application is running when it is sent."""
    gate = Gate()

    async def app(scope, receive, send):
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(send(start())))
        await gate.wait()
        await send(body(b"late"))

    peer = stage(app).connect(request())
    assert peer.read_head().status == 200
    gate.open()
    assert peer.read_chunk() == b"late"


def test_head_and_body_of_a_small_answer_are_one_write(stage):
    """O3: the client's first read brings all of it."""

    async def app(scope, receive, send):
        await send(start(headers=[(b"content-length", b"5")]))
        await send(body(b"hello"))

    peer = stage(app).connect()
    peer.socket.setblocking(True)
    peer.socket.settimeout(5)
    peer.send(request())
    assert peer.socket.recv(65536).endswith(b"\r\n\r\nhello")


def test_head_is_out_before_a_body_that_waits_for_room(stage):
    """O3, FLT-B10: back-pressure on the first body does not withhold the head."""

    async def app(scope, receive, send):
        await send(start())
        await send(body(b"x" * 8_000_000, more=True))
        await send(body(b"y" * 8_000_000))

    peer = stage(app).connect(request(), SO_RCVBUF=65536)
    assert peer.read_head().status == 200
    assert len(peer.read_exactly(1_000_000)) == 1_000_000
