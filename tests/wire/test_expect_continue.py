"""100 (Continue): when it is sent and when never. FLT-A48, A49, ASGI-43."""

from __future__ import annotations

import pytest

from tests.apps import Gate, answers, echo, read_body

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def head(expect: bytes = b"100-continue", version: bytes = b"1.1", length: int = 5) -> bytes:
    lines = b"Host: a\r\nExpect: %b\r\nContent-Length: %d\r\n\r\n" % (expect, length)
    return b"POST / HTTP/" + version + b"\r\n" + lines


@pytest.mark.parametrize("expect", [b"100-continue", b"100-Continue", b"100-CONTINUE"])
def test_continue_is_sent_when_the_application_receives(wire, expect) -> None:
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await echo(scope, receive, send)

    connection = wire.ask(app, head(expect))
    gate.expect_reached()
    connection.expect_quiet(0.1)
    gate.open()
    assert connection.read_line() == b"HTTP/1.1 100 Continue"
    assert connection.read_line() == b""
    connection.send(b"hello")
    response = connection.read_response()
    assert response.body == b"hello"
    assert response.interim == []
    connection.send(GET)
    assert connection.read_response().status == 200


def test_continue_is_sent_once(wire) -> None:
    async def app(scope, receive, send):
        message = await receive()
        while message["more_body"]:
            message = await receive()
        await answers(b"done")(scope, receive, send)

    connection = wire.ask(app, head(length=3))
    assert connection.read_line() == b"HTTP/1.1 100 Continue"
    assert connection.read_line() == b""
    for piece in (b"a", b"b", b"c"):
        connection.send(piece)
    response = connection.read_response()
    assert response.body == b"done"
    assert response.interim == []


def test_continue_is_not_sent_when_the_application_answers_at_once(wire) -> None:
    """ASGI-43: the client learns that its body is not wanted before it sends it."""
    connection = wire.ask(answers(b"too large", 413), head(length=10_000_000))
    response = connection.read_response()
    assert response.status == 413
    assert response.interim == []
    if response.closes:
        connection.expect_end()


def test_continue_after_an_answer_at_once_leaves_no_desync(wire) -> None:
    """The client may send the body or not: either way the next answer is the next request's."""
    connection = wire.ask(answers(b"early", 403), head())
    response = connection.read_response()
    assert response.interim == []
    if not response.closes:
        connection.send(b"hello")
        wire.run(answers(b"next"))
        connection.send(GET)
        following = connection.read_response()
        assert following.body == b"next"
        assert following.interim == []


@pytest.mark.parametrize(
    "expects",
    [
        (b"foo", b"100-continue"),
        (b"100-continue", b"foo"),
        (b"100-continue", b"100-continue"),
        (b"100-continue",),
    ],
    ids=repr,
)
def test_request_behind_a_body_that_was_not_asked_for_is_not_swallowed(wire, expects) -> None:
    """ASGI-43, FLT-A48: one of several Expect lines is enough for a client to keep its body back.

    What it sends after the answer is then a request, and the server cannot tell it from the body.
    """
    called = []

    async def app(scope, receive, send):
        called.append(scope["path"])
        await answers(scope["path"].encode())(scope, receive, send)

    lines = b"".join(b"Expect: %b\r\n" % expect for expect in expects)
    first = b"POST /first HTTP/1.1\r\nHost: a\r\n" + lines + b"Content-Length: 30\r\n\r\n"
    connection = wire.ask(app, first)
    response = connection.read_response()
    assert response.status == 200
    assert response.interim == []
    connection.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    if response.closes:
        connection.expect_end()
        assert called == ["/first"]
    else:
        assert connection.read_response().body == b"/next"


def test_continue_is_not_sent_without_expectation(wire) -> None:
    connection = wire.ask(echo, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
    connection.expect_quiet(0.1)
    connection.send(b"hello")
    assert connection.read_response().interim == []


def test_continue_is_not_sent_to_http_1_0(wire) -> None:
    """FLT-A49."""
    connection = wire.ask(echo, head(version=b"1.0"))
    connection.expect_quiet(0.1)
    connection.send(b"hello")
    response = connection.read_response()
    assert response.interim == []
    assert response.body == b"hello"


def test_continue_is_not_sent_without_a_body(wire) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"

    async def app(scope, receive, send):
        await read_body(receive)
        await answers(b"ok")(scope, receive, send)

    response = wire.ask(app, request).read_response()
    assert response.status == 200
    assert [one.status for one in response.interim] in ([], [100])


def test_continue_for_a_chunked_body(wire) -> None:
    request = (
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    connection = wire.ask(echo, request)
    assert connection.read_line() == b"HTTP/1.1 100 Continue"
    assert connection.read_line() == b""
    connection.send(b"5\r\nhello\r\n0\r\n\r\n")
    assert connection.read_response().body == b"hello"


def test_continue_then_the_client_leaves(wire) -> None:
    """FLT-B4."""
    told = Gate()

    async def app(scope, receive, send):
        assert await read_body(receive) is None
        await told.wait()

    connection = wire.ask(app, head())
    assert connection.read_line() == b"HTTP/1.1 100 Continue"
    connection.reset()
    told.expect_reached()
    told.open()
