"""What `receive()` yields while a request comes in: pieces, pace and end.

ASGI-4, ASGI-5, ASGI-33, ASGI-40..43, ASGI-52.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.apps import body, read_body, start
from tests.asgi.exchange import answer, request

DISCONNECT = {"type": "http.disconnect"}
CHUNKED = b"POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n"


def collects(notes):
    """An application that notes each message up to the end of the body, then answers."""

    async def app(scope, receive, send):
        while True:
            message = await receive()
            notes(message)
            if not message.get("more_body"):
                break
        await answer(send)

    return app


@pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE"])
def test_request_without_body_is_one_empty_message(stage, notes, method):
    """ASGI-41."""
    stage(collects(notes)).ask(method=method)
    assert notes.rest() == [{"type": "http.request", "body": b"", "more_body": False}]


def test_content_length_zero_is_one_empty_message(stage, notes):
    """ASGI-41."""
    stage(collects(notes)).ask(method=b"POST", data=b"")
    assert notes.rest() == [{"type": "http.request", "body": b"", "more_body": False}]


def test_messages_have_plain_types(stage, notes):
    """ASGI-4: type(x) is, not isinstance."""
    stage(collects(notes)).ask(method=b"POST", data=b"hello")
    message = notes.next()
    assert type(message) is dict
    assert {key: type(value) for key, value in message.items()} == {
        "type": str,
        "body": bytes,
        "more_body": bool,
    }


def test_whole_body_in_one_read_is_one_message(stage, notes):
    """ASGI-40: one event carries everything that is there, and says that it is the last."""
    stage(collects(notes)).ask(method=b"POST", data=b"x" * 1000)
    assert notes.rest() == [{"type": "http.request", "body": b"x" * 1000, "more_body": False}]


def test_chunks_in_one_read_are_one_message_without_framing(stage, notes):
    """ASGI-33, ASGI-40: coalesced; neither extensions nor trailers reach the application."""
    peer = stage(collects(notes)).connect(
        CHUNKED + b"3;name=value\r\nabc\r\n4\r\ndefg\r\n1\r\nh\r\n0\r\nx-trailer: 1\r\n\r\n"
    )
    assert peer.read_response().status == 200
    assert notes.rest() == [{"type": "http.request", "body": b"abcdefgh", "more_body": False}]


def test_trailers_are_not_merged_into_the_scope(stage, notes):
    """ASGI-33: an `authorization` trailer must not pass for a header."""

    async def app(scope, receive, send):
        await read_body(receive)
        notes([name for name, _ in scope["headers"]])
        await answer(send)

    peer = stage(app).connect(CHUNKED + b"0\r\nauthorization: secret\r\n\r\n")
    assert peer.read_response().status == 200
    assert notes.next() == [b"host", b"transfer-encoding"]


def test_half_a_body_is_seen_before_the_other_half(stage, notes):
    """ASGI-40: a stream, not a buffer."""
    peer = stage(collects(notes)).connect(
        b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 8\r\n\r\nhalf"
    )
    assert notes.next() == {"type": "http.request", "body": b"half", "more_body": True}
    peer.send(b"rest")
    assert notes.next() == {"type": "http.request", "body": b"rest", "more_body": False}
    assert peer.read_response().status == 200


def test_each_chunk_is_seen_before_the_next(stage, notes):
    """ASGI-40: also the end, which brings an empty last message when it comes alone."""
    peer = stage(collects(notes)).connect(CHUNKED + b"4\r\nhalf\r\n")
    assert notes.next() == {"type": "http.request", "body": b"half", "more_body": True}
    peer.send(b"2\r\nof\r\n")
    assert notes.next() == {"type": "http.request", "body": b"of", "more_body": True}
    peer.send(b"0\r\n\r\n")
    assert notes.next() == {"type": "http.request", "body": b"", "more_body": False}
    assert peer.read_response().status == 200


def test_large_body_comes_in_several_messages(stage, notes):
    """ASGI-40: pieces in order, nothing lost."""
    data = bytes(range(256)) * 4096 * 4
    stage(collects(notes)).ask(method=b"POST", data=data)
    messages = notes.rest()
    assert len(messages) > 1
    assert b"".join(message["body"] for message in messages) == data
    assert [message["more_body"] for message in messages[:-1]] == [True] * (len(messages) - 1)


def test_received_messages_are_never_reused(stage, notes):
    """ASGI-5: the application may do with them as it likes."""

    async def app(scope, receive, send):
        first = await receive()
        first.clear()
        first["mine"] = True
        await answer(send)
        second = await receive()
        second["mine"] = True
        third = await receive()
        notes((second is not third, third))

    stage(app).ask()
    assert notes.next() == (True, DISCONNECT)


def test_receive_waits_after_the_body_until_the_response_is_complete(stage, notes):
    """ASGI-52: frameworks listen for the disconnect this way while they stream."""

    async def app(scope, receive, send):
        await receive()
        listener = asyncio.create_task(receive())
        await send(start())
        for piece in (b"a", b"b"):
            await send(body(piece, more=True))
            done, _ = await asyncio.wait({listener}, timeout=0.05)
            notes(len(done))
        await send(body(b"c"))
        notes(await listener)
        notes(await receive())

    assert stage(app).ask().body == b"abc"
    assert [notes.next() for _ in range(4)] == [0, 0, DISCONNECT, DISCONNECT]


def test_receive_after_the_response_is_a_disconnect_even_with_body_unread(stage, notes):
    """ASGI-52: the rest of the body is nobody's business any more."""

    async def app(scope, receive, send):
        await answer(send)
        notes(await receive())

    assert stage(app).ask(method=b"POST", data=b"x" * 10).body == b"ok"
    assert notes.next() == DISCONNECT


def test_unread_body_does_not_spoil_the_next_request(stage, notes):
    """ASGI-33: what the application did not receive is skipped, not served as a request."""

    async def app(scope, receive, send):
        notes(scope["path"])
        await answer(send, scope["path"].encode())

    smuggled = b"GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    peer = stage(app).connect(request("/first", method=b"POST", data=smuggled))
    assert peer.read_response().body == b"/first"
    peer.send(request("/second"))
    assert peer.read_response().body == b"/second"
    assert notes.rest() == ["/first", "/second"]


def test_continue_is_sent_when_the_application_receives(stage):
    """ASGI-43: one 100, then the response."""

    async def app(scope, receive, send):
        await answer(send, await read_body(receive))

    peer = stage(app).connect(
        b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\nexpect: 100-Continue\r\n\r\n"
    )
    assert peer.read_line() == b"HTTP/1.1 100 Continue"
    assert peer.read_line() == b""
    peer.send(b"hi")
    response = peer.read_response()
    assert (response.body, response.interim) == (b"hi", [])


def test_no_continue_when_the_application_answers_at_once(stage):
    """ASGI-43: a 413 spares the client the upload."""

    async def app(scope, receive, send):
        await answer(send, status=413)

    peer = stage(app).connect(
        b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
    )
    response = peer.read_response()
    assert (response.status, response.interim) == (413, [])
