"""Answers that have no body on the wire (HEAD, 204, 304) end when the application says so.

ASGI-43, ASGI-52, ASGI-53, FLT-C19, U3.2, U3.3.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, request

BODYLESS = pytest.mark.parametrize(
    ("method", "status"),
    [(b"HEAD", 200), (b"GET", 204), (b"GET", 304)],
    ids=["head", "no-content", "not-modified"],
)


class InParts:
    """Streams a body that nobody gets, and notes what `receive` has to say between."""

    def __init__(self, status, notes):
        self.status = status
        self.notes = notes
        self.gate = Gate()

    async def __call__(self, scope, receive, send):
        if scope["path"] != "/":
            self.notes(scope["path"])
            await answer(send)
            return
        await receive()
        await send(start(self.status))
        receiving = asyncio.create_task(receive())
        await send(body(b"one", more=True))
        self.notes(await self.is_done(receiving))
        await self.gate.wait()
        await send(body(b"two", more=True))
        self.notes(await self.is_done(receiving))
        await send(body(b"three"))
        self.notes(await receiving)

    @staticmethod
    async def is_done(task):
        done, _ = await asyncio.wait({task}, timeout=0.05)
        return bool(done)


@BODYLESS
def test_receive_tells_of_the_end_after_the_last_message(stage, notes, method, status):
    """ASGI-43, ASGI-52: not when the head has left, though that is all that the peer gets."""
    app = InParts(status, notes)
    staged = stage(app)
    peer = staged.connect(request(method=method))
    response = peer.read_response(method.decode())
    assert (response.status, response.body) == (status, b"")
    assert notes.next() is False
    peer.send(request("/next"))
    assert notes.rest() == [], "the next request waits for the end of this one"
    app.gate.open()
    assert notes.next() is False
    told = [notes.next(), notes.next()]
    assert {"type": "http.disconnect"} in told
    assert "/next" in told
    assert peer.read_response().status == 200


@BODYLESS
def test_end_without_a_last_message_keeps_the_connection(stage, notes, method, status):
    """FLT-C19."""

    async def app(scope, receive, send):
        await send(start(status))
        await send(body(b"one", more=True))

    staged = stage(app)
    peer = staged.connect(request(method=method))
    assert peer.read_response(method.decode()).status == status
    peer.send(request(method=method))
    assert peer.read_response(method.decode()).status == status
