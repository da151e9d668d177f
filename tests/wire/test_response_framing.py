"""How a response's body ends on the wire, and HTTP/1.0: FLT-C19, ASGI-46 to 53, O3, O12, O15."""

from __future__ import annotations

import pytest

from tests.apps import PLAIN, Gate, answers, body, echo, sends, start

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"
OLD_KEEP_ALIVE = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
STREAMED = sends(start(200, PLAIN), body(b"one", more=True), body(b"two", more=True), body())


def expect_usable(connection, wire) -> None:
    """FLT-A4: the next request on this connection is answered, with nothing in between."""
    wire.run(answers(b"next"))
    connection.send(GET)
    assert connection.read_response().body == b"next"


@pytest.mark.parametrize("data", [b"hello", b"", b"x" * 300_000], ids=len)
def test_single_body_gets_content_length(wire, data) -> None:
    """O15."""
    connection = wire.ask(answers(data), GET)
    response = connection.read_response()
    assert response.one("content-length") == str(len(data))
    assert response.every("transfer-encoding") == []
    assert response.body == data
    expect_usable(connection, wire)


def test_body_message_without_keys_is_an_empty_end(wire) -> None:
    connection = wire.ask(sends(start(), {"type": "http.response.body"}), GET)
    assert connection.read_response().one("content-length") == "0"
    expect_usable(connection, wire)


def test_streamed_body_is_chunked(wire) -> None:
    connection = wire.ask(STREAMED, GET)
    response = connection.read_response()
    assert response.framing == "chunked"
    assert response.body == b"onetwo"
    expect_usable(connection, wire)


def test_streamed_body_empty_pieces_do_not_end_it(wire) -> None:
    app = sends(
        start(), body(b"", more=True), body(b"a", more=True), body(b"", more=True), body(b"b")
    )
    connection = wire.ask(app, GET)
    assert connection.read_response().body == b"ab"
    expect_usable(connection, wire)


def test_streamed_body_of_nothing_is_complete(wire) -> None:
    connection = wire.ask(sends(start(), body(b"", more=True), body()), GET)
    assert connection.read_response().body == b""
    expect_usable(connection, wire)


def test_streamed_pieces_arrive_as_they_are_sent(wire) -> None:
    """ASGI-48."""
    gates = [Gate(), Gate()]

    async def app(scope, receive, send):
        await send(start(200, PLAIN))
        await send(body(b"first", more=True))
        await gates[0].wait()
        await send(body(b"second", more=True))
        await gates[1].wait()
        await send(body())

    connection = wire.ask(app, GET)
    assert connection.read_head().framing == "chunked"
    assert connection.read_chunk() == b"first"
    gates[0].open()
    assert connection.read_chunk() == b"second"
    gates[1].open()
    assert connection.read_chunk() == b""
    expect_usable(connection, wire)


def test_head_is_out_while_the_application_waits(wire) -> None:
    """O3: held until the first body or until the application waits, whichever is first."""
    gate = Gate()

    async def app(scope, receive, send):
        await send(start(200, PLAIN))
        await gate.wait()
        await send(body(b"late"))

    connection = wire.ask(app, GET)
    assert connection.read_head().status == 200
    gate.open()
    connection.abandon()


def test_small_response_leaves_in_one_segment(wire) -> None:
    """O3: head and body of a small answer are one write."""
    connection = wire.ask(answers(b"hello"), GET)
    connection.expect_first_read(b"hello")


@pytest.mark.parametrize("pieces", [[b"hello"], [b"he", b"llo"], [b"", b"hello", b""]])
def test_declared_length_is_kept(wire, pieces) -> None:
    messages = [body(piece, more=True) for piece in pieces[:-1]] + [body(pieces[-1])]
    connection = wire.ask(sends(start(200, [(b"content-length", b"5")]), *messages), GET)
    response = connection.read_response()
    assert response.every("content-length") == ["5"]
    assert response.every("transfer-encoding") == []
    assert response.body == b"hello"
    expect_usable(connection, wire)


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"5")]], ids=["", "length"])
@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b"gzip, chunked", b"identity", b"gzip"])
@pytest.mark.parametrize("streamed", [False, True])
def test_transfer_encoding_of_the_application_is_dropped(wire, headers, coding, streamed) -> None:
    """FLT-C13, O11, ASGI-46: one valid framing, which is the server's."""
    pieces = [body(b"he", more=True), body(b"llo")] if streamed else [body(b"hello")]
    headers = [(b"transfer-encoding", coding), *headers]
    connection = wire.ask(sends(start(200, headers), *pieces), GET)
    assert connection.read_response().body == b"hello"
    expect_usable(connection, wire)


@pytest.mark.parametrize("method", [b"GET", b"POST", b"HEAD"])
@pytest.mark.parametrize("length", [None, b"0", b"5"])
@pytest.mark.parametrize("pieces", [[b""], [b"hello"], [b"he", b"llo"]], ids=len)
def test_204_has_no_body_and_no_length(wire, method, length, pieces) -> None:
    """FLT-C19, O12."""
    headers = [(b"content-length", length)] if length else []
    messages = [body(piece, more=True) for piece in pieces[:-1]] + [body(pieces[-1])]
    request = method + GET[3:]
    connection = wire.ask(sends(start(204, headers), *messages), request)
    response = connection.read_response(method.decode())
    assert response.status == 204
    assert response.every("content-length") == response.every("transfer-encoding") == []
    expect_usable(connection, wire)
    assert wire.logs.problems == []


@pytest.mark.parametrize("length", [None, b"5", b"1000"])
@pytest.mark.parametrize("pieces", [[b""], [b"hello"], [b"he", b"llo"]], ids=len)
def test_304_has_no_body_and_keeps_its_length(wire, length, pieces) -> None:
    """FLT-C19, O12: a 304's Content-Length is that of the 200 it stands for."""
    headers = [(b"etag", b'"x"')] + ([(b"content-length", length)] if length else [])
    messages = [body(piece, more=True) for piece in pieces[:-1]] + [body(pieces[-1])]
    connection = wire.ask(sends(start(304, headers), *messages), GET)
    response = connection.read_response()
    assert response.one("content-length") == (length.decode() if length else None)
    assert response.every("transfer-encoding") == []
    assert response.one("etag") == '"x"'
    expect_usable(connection, wire)
    assert wire.logs.problems == []


@pytest.mark.parametrize("pieces", [[b""], [b"hello"], [b"he", b"llo"]], ids=len)
def test_head_keeps_the_declared_length_and_has_no_body(wire, pieces) -> None:
    """FLT-A50, FLT-C19, ASGI-53."""
    messages = [body(piece, more=True) for piece in pieces[:-1]] + [body(pieces[-1])]
    connection = wire.ask(sends(start(200, [(b"content-length", b"5")]), *messages), HEAD)
    assert connection.read_response("HEAD").one("content-length") == "5"
    expect_usable(connection, wire)
    assert wire.logs.problems == []


def test_head_with_a_body_says_its_length_or_none(wire) -> None:
    connection = wire.ask(answers(b"hello"), HEAD)
    assert connection.read_response("HEAD").one("content-length") in {"5", None}
    expect_usable(connection, wire)


def test_head_of_a_stream_has_no_body(wire) -> None:
    connection = wire.ask(STREAMED, HEAD)
    assert connection.read_response("HEAD").one("content-length") is None
    expect_usable(connection, wire)


def test_http_1_0_gets_a_status_line_of_1_1(wire) -> None:
    """RFC 9112 2.3: a server announces its own version."""
    assert wire.ask(answers(), OLD).read_response().version == "1.1"


def test_http_1_0_single_body_then_close(wire) -> None:
    """FLT-A55."""
    connection = wire.ask(answers(b"hello"), OLD + GET)
    response = connection.read_response()
    assert response.body == b"hello"
    assert response.closes
    connection.expect_end()


@pytest.mark.parametrize("request_bytes", [OLD, OLD_KEEP_ALIVE])
def test_http_1_0_stream_ends_with_the_connection(wire, request_bytes) -> None:
    """ASGI-47: HTTP/1.0 knows no chunks."""
    connection = wire.ask(STREAMED, request_bytes)
    response = connection.read_response()
    assert response.framing == "close"
    assert response.body == b"onetwo"
    assert response.closes
    connection.expect_end()


def test_http_1_0_stream_with_length_then_close(wire) -> None:
    app = sends(start(200, [(b"content-length", b"4")]), body(b"ab", more=True), body(b"cd"))
    connection = wire.ask(app, OLD)
    response = connection.read_response()
    assert response.framing == "length"
    assert response.body == b"abcd"
    connection.expect_end()


def test_http_1_0_head_then_close(wire) -> None:
    connection = wire.ask(answers(b"hello"), b"HEAD / HTTP/1.0\r\n\r\n")
    assert connection.read_response("HEAD").status == 200
    connection.expect_end()


def test_http_1_0_keep_alive_is_closed_or_said(wire) -> None:
    """FLT-A55: kept only if the answer says so, for a 1.0 client expects a close otherwise."""
    connection = wire.ask(answers(b"hello"), OLD_KEEP_ALIVE)
    response = connection.read_response()
    if response.closes:
        connection.expect_end()
    else:
        assert "keep-alive" in [value.lower() for value in response.every("connection")]
        expect_usable(connection, wire)


def test_http_1_0_post_body_is_read(wire) -> None:
    connection = wire.ask(echo, b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
    assert connection.read_response().body == b"hello"
    connection.expect_end()


def test_unread_request_body_is_not_the_next_request(wire) -> None:
    """FLT-A47: an application that never reads leaves the connection in step, or closed."""
    inner = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(inner)
    paths = []

    async def app(scope, receive, send):
        paths.append(scope["path"])
        await answers()(scope, receive, send)

    connection = wire.ask(app, head + inner + GET)
    response = connection.read_response()
    assert response.status == 200
    if response.closes:
        connection.expect_end()
    else:
        assert connection.read_response().status == 200
    assert "/smuggled" not in paths


def test_unread_chunked_body_is_not_the_next_request(wire) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % len(inner) + inner + b"\r\n0\r\n\r\n"
    paths = []

    async def app(scope, receive, send):
        paths.append(scope["path"])
        await answers()(scope, receive, send)

    connection = wire.ask(app, head, chunk + GET)
    response = connection.read_response()
    assert response.status == 200
    if response.closes:
        connection.expect_end()
    else:
        assert connection.read_response().status == 200
    assert "/smuggled" not in paths
