"""The denial response: an HTTP answer of the application's own in place of a session.

ASGI-6, ASGI-7, ASGI-110, ASGI-118, U4.3, O9, O13, FLT-C8, FLT-C12, FLT-C15, FLT-C17, FLT-C18.
"""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.apps import Gate
from tests.asgi.exchange import pause
from tests.clients.websocket import WebSocket, handshake
from tests.websocket_apps import REFUSED, denial, denial_body, refused_by
from tests.websocket_apps import shared_server as shared_server

EXPECTED_BODY = "Expected ASGI message 'websocket.http.response.body' but got '{}'."


def denying(*messages, then=None):
    """An application that answers the handshake with these messages."""

    async def app(scope, receive, send):
        if scope["type"] != "websocket":
            return
        await receive()
        for message in messages:
            await send(message)
        if then is not None:
            await then(receive, send)

    return app


def knock(server, target=b"/x"):
    """The whole answer to a handshake; the connection ends after it."""
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake(target))
        response = peer.read_response()
        peer.expect_end()
        return response


def test_denial_is_one_whole_response(stage, notes):
    """ASGI-110, U4.3: with what is missing of its fields; then the disconnect."""

    async def then(receive, send):
        notes([await receive(), await receive()])

    headers = [(b"X-First", b"1"), (b"www-authenticate", b"Basic"), (b"x-first", b"2")]
    server = stage(denying(denial(401, headers), denial_body(b"who are you?"), then=then))
    response = knock(server)
    assert (response.status, response.phrase) == (401, "Unauthorized")
    assert response.body == b"who are you?"
    assert response.framing == "length"
    assert response.one("content-type") == "text/plain; charset=utf-8"
    assert response.closes
    assert response.one("date")
    assert response.one("www-authenticate") == "Basic"
    assert response.every("x-first") == ["1", "2"]
    assert response.one("sec-websocket-accept") is None
    assert notes.next() == [REFUSED, REFUSED]
    assert server.logs.problems == []  # uvicorn logs an error here: uvicorn.md 9.2


@pytest.mark.parametrize(
    "pieces", [[b""], [b"a"], [b"a", b"b", b""], [b"x" * 100_000] * 5, [b"", b"", b"end"]]
)
def test_pieces_of_the_body_are_joined(stage, pieces):
    """ASGI-110, U4.3: buffered until the last, and sent with its length."""
    bodies = [denial_body(piece, more=True) for piece in pieces[:-1]] + [denial_body(pieces[-1])]
    response = knock(stage(denying(denial(403), *bodies)))
    assert response.body == b"".join(pieces)
    assert response.one("content-length") == str(len(response.body))


def test_nothing_is_sent_before_the_last_piece(stage, notes):
    """U4.3."""
    gate = Gate()

    async def app(scope, receive, send):
        await receive()
        await send(denial(429))
        await send(denial_body(b"slow ", more=True))
        notes("begun")
        await gate.wait()
        await send(denial_body(b"down"))

    with WebSocket(stage(app).serving.address) as peer:
        peer.send(handshake())
        assert notes.next() == "begun"
        peer.expect_quiet(0.2)
        gate.open()
        assert peer.read_response().body == b"slow down"
        peer.expect_end()


def test_fields_of_the_application_win(stage):
    """U4.3, O13: its own type, date, server; the length is what was sent."""
    headers = [
        (b"content-type", b"application/json"),
        (b"date", b"Sun, 06 Nov 2094 08:49:37 GMT"),
        (b"server", b"mine"),
        (b"content-length", b"2"),
    ]
    response = knock(stage(denying(denial(400, headers), denial_body(b"{}"))))
    assert response.one("content-type") == "application/json"
    assert response.one("date") == "Sun, 06 Nov 2094 08:49:37 GMT"
    assert response.one("server") == "mine"
    assert (response.one("content-length"), response.body) == ("2", b"{}")


@pytest.mark.parametrize("status", [200, 302, 400, 404, 418, 451, 500, 599, HTTPStatus.GONE])
def test_status_is_the_applications(stage, status):
    """ASGI-110: also one that means success."""
    response = knock(stage(denying(denial(status), denial_body(b"x"))))
    assert (response.status, response.body) == (status, b"x")


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_a_body(stage, status):
    """O12: the body is dropped."""
    with WebSocket(stage(denying(denial(status), denial_body(b"x"))).serving.address) as peer:
        peer.send(handshake())
        assert peer.read_response().status == status
        peer.expect_end()


@pytest.mark.parametrize(
    "status", [0, 1, 99, 100, 101, 199, 600, 1000, -1, 2**40, None, "401", 401.5, True], ids=repr
)
def test_bad_status_raises(stage, notes, status):
    """FLT-C17, FLT-C18, O9: and a good denial is taken afterwards."""

    async def app(scope, receive, send):
        await receive()
        notes(await refused_by(send, denial(status)))
        await send(denial(402))
        await send(denial_body(b"good"))

    server = stage(app)
    response = knock(server)
    assert (response.status, response.body) == (402, b"good")
    error = notes.next()
    assert isinstance(error, Exception)
    if isinstance(status, int) and not isinstance(status, bool) and abs(status) < 2**31:
        assert type(error) in (RuntimeError, ValueError, KeyError)
    assert server.errors == []


def test_status_out_of_range_is_named(stage, notes):
    """U4.3: in uvicorn's words."""

    async def app(scope, receive, send):
        await receive()
        notes(await refused_by(send, denial(600)))
        await send(denial(402))
        await send(denial_body())

    assert knock(stage(app)).status == 402
    assert str(notes.next()) == "Invalid HTTP status code '600' in response."


def test_status_may_not_be_missing(stage, notes):
    """ASGI-6."""

    async def app(scope, receive, send):
        await receive()
        notes(await refused_by(send, {"type": "websocket.http.response.start"}))
        await send({"type": "websocket.http.response.start", "status": 402, "x": 1})
        await send({"type": "websocket.http.response.body", "body": b"good", "x": 1})

    assert knock(stage(app)).body == b"good"
    assert isinstance(notes.next(), KeyError)


@pytest.mark.parametrize(
    "header",
    [
        (b"", b"v"),
        (b"x-bad\r\nx-inj", b"v"),
        (b"x bad", b"v"),
        (b"x-bad:", b"v"),
        (b":status", b"200"),
        (b"x-bad", b"a\r\nx-inj: 1"),
        (b"x-bad", b"a\r\n\r\n<html>"),
        (b"x-bad", b"a\0"),
        ("x-bad", b"v"),
        (b"x-bad", "v"),
        (b"x-bad", None),
        (b"x-bad",),
        5,
    ],
    ids=repr,
)
def test_bad_header_raises(stage, notes, header):
    """ASGI-118, FLT-C12, FLT-C15: at the send, and not a byte of it on the wire."""

    async def app(scope, receive, send):
        await receive()
        notes(await refused_by(send, denial(401, [(b"x-bad", b"1"), header])))
        await send(denial(402))
        await send(denial_body(b"good"))

    server = stage(app)
    response = knock(server)
    assert isinstance(notes.next(), (RuntimeError, TypeError, ValueError))
    assert (response.status, response.body) == (402, b"good")
    assert not [name for name in response.names if name.startswith(("x-bad", "x-inj"))]
    assert server.errors == []


@pytest.mark.parametrize("body", ["text", None, 5, [b"x"]], ids=repr)
def test_body_of_another_type_raises(stage, notes, body):
    """ASGI-6, ASGI-N11: and the denial goes on."""

    async def app(scope, receive, send):
        await receive()
        await send(denial(402))
        notes(await refused_by(send, denial_body(body)))
        await send(denial_body(b"good"))

    assert knock(stage(app)).body == b"good"
    assert isinstance(notes.next(), TypeError)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_body_may_be_any_bytes_like(stage, kind):
    """ASGI-N11."""
    assert knock(stage(denying(denial(402), denial_body(kind(b"good"))))).body == b"good"


@pytest.mark.parametrize("framing", [b"transfer-encoding", b"content-length"])
def test_framing_belongs_to_the_server(stage, framing):
    """O11, FLT-C13, FLT-C14: whatever the application says of it, one valid framing."""
    value = b"chunked" if framing == b"transfer-encoding" else b"100"

    async def app(scope, receive, send):
        await receive()
        if await refused_by(send, denial(401, [(framing, value)])) is not None:
            await send(denial(401))
        if await refused_by(send, denial_body(b"whole")) is not None:
            return

    with WebSocket(stage(app).serving.address) as peer:
        peer.send(handshake())
        response = peer.read_head()
        assert response.every("transfer-encoding") == []
        if response.status == 401:
            assert peer.read_to_end() == b"whole"
            assert response.one("content-length") == "5"


@pytest.mark.parametrize("how", ["returns", "raises"])
@pytest.mark.parametrize("begun", [False, True], ids=["start only", "half a body"])
def test_unfinished_denial_is_never_sent(stage, how, begun):
    """ASGI-8, FLT-C8, U4.3: a bare close or a 500; the session's application is at fault."""

    async def then(receive, send):
        await pause()
        if begun:
            await send(denial_body(b"half", more=True))
        if how == "raises":
            raise ValueError

    server = stage(denying(denial(401, [(b"x-denied", b"1")]), then=then))
    with WebSocket(server.serving.address) as peer:
        peer.send(handshake())
        raw = peer.read_to_end()
    assert raw == b"" or raw.startswith(b"HTTP/1.1 500 ")
    assert b"x-denied" not in raw
    assert b"half" not in raw
    if how == "raises":
        server.logs.wait("Exception in ASGI application")


@pytest.mark.parametrize(
    "kind",
    [
        "websocket.accept",
        "websocket.close",
        "websocket.send",
        "websocket.http.response.start",
        "http.response.body",
    ],
)
def test_only_bodies_follow(stage, notes, kind):
    """ASGI-110, U4.4: no other message; the denial goes on."""

    async def app(scope, receive, send):
        await receive()
        await send(denial(401))
        notes(await refused_by(send, {"type": kind, "text": "x", "status": 200}))
        await send(denial_body(b"still"))

    assert knock(stage(app)).body == b"still"
    error = notes.next()
    assert type(error) is RuntimeError
    assert str(error) == EXPECTED_BODY.format(kind)
