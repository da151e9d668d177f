"""What an application sees, and may still do, when the client leaves.

ASGI-9, ASGI-51, ASGI-52, FLT-B1..B5, O1, O14, O30. A request to /other, answered after a
call has ended, makes sure that the call has logged what it had to log.
"""

from __future__ import annotations

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, fill_up, request

DISCONNECT = {"type": "http.disconnect"}
WAYS = pytest.mark.parametrize("how", ["fin", "rst", "half-close"])
GOING = pytest.mark.parametrize("how", ["fin", "rst"])
HEAD = b"POST / HTTP/1.1\r\nhost: t\r\n"


def leave(peer, how):
    """The client's three ways to go."""
    {"fin": peer.socket.close, "rst": peer.reset, "half-close": peer.half_close}[how]()


@WAYS
def test_waiting_receive_gets_a_disconnect(stage, notes, how):
    """FLT-B1, FLT-B2, O14: and gets it again however often it asks, as a new dict."""

    async def app(scope, receive, send):
        await receive()
        notes("waiting")
        messages = [await receive() for _ in range(3)]
        notes(messages)
        notes(len({id(message) for message in messages}))

    peer = stage(app).connect(request())
    assert notes.next() == "waiting"
    leave(peer, how)
    assert notes.next() == [DISCONNECT] * 3
    assert notes.next() == 3


@WAYS
def test_leaving_during_an_upload_never_looks_like_the_end_of_the_body(stage, notes, how):
    """FLT-B4: a truncated body is not marked complete."""

    async def app(scope, receive, send):
        message = None
        while message != DISCONNECT:
            message = await receive()
            notes(message)

    peer = stage(app).connect(HEAD + b"content-length: 100\r\n\r\nhalf")
    assert notes.next() == {"type": "http.request", "body": b"half", "more_body": True}
    leave(peer, how)
    assert notes.next() == DISCONNECT


@WAYS
@pytest.mark.parametrize(
    "rest",
    [b"content-length: 100\r\n\r\nhalf", b"transfer-encoding: chunked\r\n\r\n4\r\nhalf"],
    ids=["length", "chunked"],
)
def test_body_cut_before_it_was_received_is_never_complete(stage, notes, how, rest):
    """FLT-B4: the application asks only after the client has gone."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        messages = [await receive()]
        while messages[-1] != DISCONNECT:
            messages.append(await receive())
        notes(messages[:-1])

    peer = stage(app).connect(HEAD + rest)
    gate.expect_reached()
    leave(peer, how)
    gate.open()
    messages = notes.next()
    assert all(message["more_body"] for message in messages)
    assert b"".join(message["body"] for message in messages) in (b"", b"half")


def test_half_closing_client_still_gets_its_response(stage, notes):
    """FLT-B5, O14: the application hears of the FIN; what it still sends goes out."""

    async def app(scope, receive, send):
        await receive()
        notes(await receive())
        await answer(send, b"still here")

    peer = stage(app).connect(request())
    peer.half_close()
    assert peer.read_response().body == b"still here"
    peer.expect_end()
    assert notes.next() == DISCONNECT


def test_request_and_fin_in_one_go_are_answered(stage):
    """FLT-B5: `printf ... | nc` works, for an application that only sends."""

    async def app(scope, receive, send):
        await answer(send, b"hello")

    peer = stage(app).connect(request())
    peer.half_close()
    assert peer.read_response().body == b"hello"
    peer.expect_end()


def test_whole_body_before_a_fin_is_received_first(stage, notes):
    """O14: the disconnect comes once every byte before the FIN has been read."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        notes(await receive())
        notes(await receive())
        await answer(send, b"done")

    peer = stage(app).connect(request(method=b"POST", data=b"hello"))
    gate.expect_reached()
    peer.half_close()
    gate.open()
    assert peer.read_response().body == b"done"
    assert notes.next() == {"type": "http.request", "body": b"hello", "more_body": False}
    assert notes.next() == DISCONNECT


@GOING
def test_send_after_the_client_left_is_silent(stage, notes, how):
    """ASGI-9, O1: None, no exception, nothing in the log."""

    async def app(scope, receive, send):
        if scope["path"] == "/other":
            return await answer(send)
        await receive()
        notes("waiting")
        await receive()
        results = [await send(start())]
        results += [await send(body(b"x" * 65536, more=True)) for _ in range(50)]
        results.append(await send(body()))
        notes(results)

    server = stage(app)
    peer = server.connect(request())
    assert notes.next() == "waiting"
    leave(peer, how)
    assert notes.next() == [None] * 52
    assert server.ask("/other").status == 200
    assert server.errors == []


@pytest.mark.parametrize("begun", [False, True], ids=["before the start", "in the body"])
def test_send_after_a_reset_never_raises(stage, notes, begun):
    """O1: not even for a message that is out of order; uvicorn looks at the connection first."""

    async def app(scope, receive, send):
        await receive()
        if begun:
            await send(start())
            await send(body(b"begun", more=True))
        notes("waiting")
        notes(await receive())
        for message in (body(), start(), start(), body(), {"type": "nonsense"}):
            try:
                notes(await send(message))
            except RuntimeError as error:
                notes(error)

    server = stage(app)
    peer = server.connect(request())
    assert notes.next() == "waiting"
    peer.reset()
    assert notes.next() == DISCONNECT
    assert [notes.next() for _ in range(5)] == [None] * 5


def test_returning_without_response_after_the_client_left_is_not_logged(stage, notes):
    """ASGI-9: nobody is missing that response."""

    async def app(scope, receive, send):
        if scope["path"] == "/other":
            return await answer(send)
        await receive()
        notes("waiting")
        notes(await receive())

    server = stage(app)
    peer = server.connect(request())
    assert notes.next() == "waiting"
    peer.reset()
    assert notes.next() == DISCONNECT
    assert server.ask("/other").status == 200
    assert server.errors == []


def test_application_that_only_sends_runs_on_to_its_end(stage, notes):
    """FLT-B3, O1, O30: neither cancelled nor stuck in a send that nobody drains."""

    async def app(scope, receive, send):
        try:
            await send(start())
            for _ in range(400):
                await send(body(b"x" * 65536, more=True))
            notes("all sent")
        finally:
            notes("end")

    server = stage(app)
    peer = server.connect(request())
    assert peer.read_head().status == 200
    peer.reset()
    assert notes.next() == "all sent"
    assert notes.next() == "end"


def test_send_that_waits_for_a_slow_client_ends_when_it_leaves(stage, notes):
    """FLT-B3, FLT-B10: the waiting send returns None."""

    async def app(scope, receive, send):
        await receive()
        await send(start())
        sending = await fill_up(send)
        notes("suspended")
        notes(await sending)
        notes(await receive())

    peer = stage(app).connect(request())
    assert notes.next() == "suspended"
    peer.reset()
    assert notes.next() is None
    assert notes.next() == DISCONNECT


def test_exception_after_the_client_left_is_logged(stage, notes):
    """ASGI-8: the application's error is still the application's error."""

    async def app(scope, receive, send):
        await receive()
        notes("waiting")
        await receive()
        raise LookupError("too late")

    server = stage(app)
    peer = server.connect(request())
    assert notes.next() == "waiting"
    peer.reset()
    record = server.logs.wait("Exception in ASGI application")
    assert record.exc_info[0] is LookupError
