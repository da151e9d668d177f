"""Cancelling what waits in `receive` and `send`: nothing is lost, nothing is left behind.

ASGI-12, FLT-C10, FLT-C22, design rule "awaitables".
"""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, fill_up, pause, request

DISCONNECT = {"type": "http.disconnect"}
UPLOAD = b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: %d\r\n\r\n"


async def timed_out(awaitable, seconds=0.02):
    try:
        await asyncio.wait_for(awaitable, seconds)
    except asyncio.TimeoutError:
        return True
    return False


def test_wait_for_gives_up_and_the_next_receive_gets_the_data(stage, notes):
    """A cancelled receive loses nothing."""

    async def app(scope, receive, send):
        for _ in range(3):
            notes(await timed_out(receive()))
        notes("now")
        notes(await receive())
        await answer(send)

    peer = stage(app).connect(UPLOAD % 4)
    assert [notes.next() for _ in range(4)] == [True, True, True, "now"]
    peer.send(b"data")
    assert notes.next() == {"type": "http.request", "body": b"data", "more_body": False}
    assert peer.read_response().status == 200


def test_wait_for_a_disconnect_that_does_not_come(stage, notes):
    """The polling idiom: is_disconnected with a short timeout."""

    async def app(scope, receive, send):
        await receive()
        notes([await timed_out(receive()) for _ in range(5)])
        await answer(send)
        notes(await timed_out(receive()))

    assert stage(app).ask().status == 200
    assert notes.next() == [True] * 5
    assert notes.next() is False


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with 3.11")
def test_asyncio_timeout_around_receive(stage, notes):
    """The task is cancelled and uncancelled; its count is clean afterwards."""

    async def app(scope, receive, send):
        await receive()
        try:
            async with asyncio.timeout(0.02):
                await receive()
        except TimeoutError:
            notes(asyncio.current_task().cancelling())
        await answer(send)

    assert stage(app).ask().status == 200
    assert notes.next() == 0


def test_no_byte_is_lost_between_timeouts_and_arrivals(stage, notes):
    """Cancellation and data race for many rounds; every byte is seen once, in order."""
    size = 400

    async def app(scope, receive, send):
        data = b""
        more = True
        while more:
            try:
                message = await asyncio.wait_for(receive(), 0.0005)
            except asyncio.TimeoutError:
                continue
            data += message["body"]
            more = message["more_body"]
        notes(data)
        await answer(send)

    data = bytes(index % 256 for index in range(size))
    peer = stage(app).connect(UPLOAD % size)
    for octet in data:
        peer.send(bytes([octet]))
    assert notes.next() == data
    assert peer.read_response().status == 200


def test_cancel_in_the_same_iteration_as_the_data_loses_nothing(stage, notes):
    """The waiter is woken by data, then cancelled before it runs."""

    async def app(scope, receive, send):
        first = asyncio.create_task(receive())
        await asyncio.wait({first}, timeout=0.02)
        notes("waiting")
        data = b""
        while True:
            await pause()
            first.cancel()
            try:
                message = await first
            except asyncio.CancelledError:
                message = await receive()
            data += message["body"]
            if not message["more_body"]:
                break
            first = asyncio.create_task(receive())
        notes(data)
        await answer(send)

    peer = stage(app).connect(UPLOAD % 200)
    assert notes.next() == "waiting"
    for index in range(200):
        peer.send(bytes([index]))
    assert notes.next() == bytes(range(200))
    assert peer.read_response().status == 200


def test_cancelled_child_receive_leaves_the_parent_in_peace(stage, notes):
    """Only the child is cancelled."""

    async def app(scope, receive, send):
        await receive()
        child = asyncio.create_task(receive())
        await pause()
        child.cancel()
        notes(await asyncio.gather(child, return_exceptions=True))
        await answer(send)
        notes(await receive())

    assert stage(app).ask().status == 200
    (error,) = notes.next()
    assert isinstance(error, asyncio.CancelledError)
    assert notes.next() == DISCONNECT


def test_application_task_cancelled_while_it_receives(stage, notes):
    """FLT-C10: the application sees CancelledError there; uncaught it is a 500."""

    async def app(scope, receive, send):
        await receive()
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel, "stop it")
        try:
            await receive()
        except asyncio.CancelledError as error:
            notes(error.args)
            raise

    server = stage(app)
    response = server.ask()
    assert (response.status, response.body) == (500, b"Internal Server Error")
    assert notes.next() == ("stop it",)
    record = server.logs.wait("Exception in ASGI application")
    assert record.exc_info[0] is asyncio.CancelledError


def test_cancelled_application_may_still_answer(stage):
    """FLT-C22: whoever catches the cancellation goes on as before."""

    async def app(scope, receive, send):
        await receive()
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        try:
            await receive()
        except asyncio.CancelledError:
            await answer(send, b"recovered")

    server = stage(app)
    assert server.ask().body == b"recovered"
    assert server.errors == []


@pytest.mark.parametrize("where", ["future", "child", "inner coroutine"])
def test_cancellation_reaches_what_the_application_waits_for(stage, notes, where):
    """The driving coroutine passes it on, whatever it is."""

    async def wait_for_ever():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            notes("cancelled")
            raise

    async def app(scope, receive, send):
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        try:
            if where == "future":
                await asyncio.get_running_loop().create_future()
            elif where == "child":
                await asyncio.create_task(wait_for_ever())
            else:
                await wait_for_ever()
        except asyncio.CancelledError:
            notes("cancelled")
        await answer(send)

    assert stage(app).ask().status == 200
    assert set(notes.rest()) == {"cancelled"}


def test_send_waiting_for_room_can_be_cancelled(stage, notes):
    """FLT-B10: the response goes on afterwards, with every piece whole."""
    gate = Gate()

    async def app(scope, receive, send):
        await send(start())
        sending = await fill_up(send)
        sending.cancel()
        notes(await asyncio.gather(sending, return_exceptions=True))
        await gate.wait()
        await send(body(b"end"))

    peer = stage(app).connect(request())
    (error,) = notes.next()
    assert isinstance(error, asyncio.CancelledError)
    gate.open()
    data = peer.read_response().body
    assert data.endswith(b"end")
    assert len(data) % 1_000_000 == 3
    assert set(data[:-3]) == {ord("x")}


def test_send_that_need_not_wait_succeeds_under_wait_for(stage):
    """The usual wrapper of middleware."""

    async def app(scope, receive, send):
        await asyncio.wait_for(send(start()), 5)
        await asyncio.wait_for(send(body(b"a", more=True)), 5)
        await asyncio.shield(send(body(b"b")))

    assert stage(app).ask().body == b"ab"
