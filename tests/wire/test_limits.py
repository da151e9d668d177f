"""Limits given by options: heads, fields, bodies and connections (O6, FLT-A16, A23, A27)."""

from __future__ import annotations

import pytest

from tests.apps import Gate, answers, echo
from tests.clients.response import Hang

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def head_of(size: int) -> bytes:
    """A head of exactly so many bytes, by its only large field."""
    rest = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
    return rest + b"y" * (size - len(rest) - 4) + b"\r\n\r\n"


def line_of(size: int) -> bytes:
    """A request whose first line has exactly so many bytes."""
    return b"GET /" + b"a" * (size - 16) + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def with_fields(count: int) -> bytes:
    lines = [b"X-%d: y\r\n" % n for n in range(count - 1)]
    return b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(lines) + b"\r\n"


def expect_refused(wire, request: bytes, *statuses: int) -> None:
    called = []

    async def app(scope, receive, send):
        called.append(scope["path"])
        await answers()(scope, receive, send)

    wire.logs.clear()
    connection = wire.ask(app, request)
    response = connection.read_response()
    assert response.status in statuses
    assert response.closes
    connection.expect_end()
    assert called == []
    assert wire.logs.access == []


def expect_served(wire, request: bytes) -> None:
    connection = wire.ask(echo, request)
    assert connection.read_response().status == 200
    connection.send(GET)
    assert connection.read_response().status == 200


@pytest.mark.parametrize("limit", [1000, 10_000, 200_000])
def test_limit_request_head(wire_with, limit) -> None:
    wire = wire_with(limit_request_head=limit)
    expect_served(wire, head_of(limit - 100))
    expect_refused(wire, head_of(limit + 100), 431)
    expect_refused(wire, head_of(limit * 3), 431)


@pytest.mark.parametrize("limit", [1000, 10_000])
def test_limit_request_head_of_a_line_alone(wire_with, limit) -> None:
    """A larger limit need not allow longer targets: 64 KiB is as far as uvicorn goes, too."""
    wire = wire_with(limit_request_head=limit)
    expect_served(wire, line_of(limit - 100))
    expect_refused(wire, line_of(limit + 100), 414)
    expect_refused(wire, line_of(limit * 3), 414)


def test_limit_request_head_is_not_waited_beyond(wire_with) -> None:
    wire = wire_with(limit_request_head=1000)
    expect_refused(wire, head_of(2000)[:-4], 431)
    expect_refused(wire, line_of(2000)[:1500], 414)


def test_limit_request_head_counts_each_head_alone(wire_with) -> None:
    wire = wire_with(limit_request_head=1000)
    connection = wire.ask(answers(b"ok"), head_of(600) * 5)
    for _ in range(5):
        assert connection.read_response().body == b"ok"
    connection.send(head_of(1200))
    assert connection.read_response().status == 431
    connection.expect_end()


def test_default_limit_of_a_head(wire) -> None:
    expect_served(wire, head_of(65_000))
    expect_refused(wire, head_of(66_000), 431)
    expect_served(wire, line_of(65_000))
    expect_refused(wire, line_of(66_000), 414)


@pytest.mark.parametrize("limit", [5, 100, 500])
def test_limit_request_fields(wire_with, limit) -> None:
    wire = wire_with(limit_request_fields=limit)
    expect_served(wire, with_fields(limit))
    expect_refused(wire, with_fields(limit + 1), 431)


def test_default_limit_of_fields(wire) -> None:
    expect_served(wire, with_fields(100))
    expect_refused(wire, with_fields(101), 431)


def test_no_limit_of_head_and_fields_at_all(wire_with) -> None:
    """O6: both turned off at once was once more than the parser could make room for."""
    wire = wire_with(limit_request_head=0, limit_request_fields=0)
    expect_served(wire, GET)
    expect_served(wire, with_fields(200))
    expect_served(wire, head_of(60_000))


def test_limit_request_body_by_length(wire_with) -> None:
    """FLT-A27: refused before the application is called, and before the body is sent."""
    wire = wire_with(limit_request_body=10)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    expect_served(wire, head % 10 + b"0123456789")
    expect_refused(wire, head % 11, 413)
    expect_refused(wire, head % 11 + b"0123456789X", 413)
    expect_refused(wire, head % (2**63), 413)


def test_limit_request_body_refuses_before_100_continue(wire_with) -> None:
    wire = wire_with(limit_request_body=10)
    request = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n"
    response = wire.ask(echo, request).read_response()
    assert response.status == 413
    assert response.interim == []


@pytest.mark.parametrize(
    "chunks",
    [b"b\r\n0123456789X\r\n0\r\n\r\n", b"5\r\n01234\r\n6\r\n56789X\r\n0\r\n\r\n", b"ffffffff\r\n"],
    ids=["one", "two", "declared"],
)
def test_limit_request_body_in_chunks(wire_with, chunks) -> None:
    wire = wire_with(limit_request_body=10)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    expect_served(wire, head + b"a\r\n0123456789\r\n0\r\n\r\n")
    connection = wire.ask(echo, head + chunks)
    response = connection.read_response()
    assert response.status == 413
    assert response.closes
    connection.expect_end()


def test_limit_request_body_readable_while_the_client_sends(wire_with) -> None:
    wire = wire_with(limit_request_body=10)
    connection = wire.ask(echo, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
    connection.send(b"x" * 300_000)
    assert connection.read_response().status == 413
    connection.expect_end()


def test_limit_connections_pauses_accepting(wire_with) -> None:
    """The third waits in the kernel until one of the two has gone."""
    wire = wire_with(limit_connections=2)
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await answers(b"ok")(scope, receive, send)

    first, second, third = wire.ask(app, GET), wire.ask(app, GET), wire.connect()
    third.send(GET)
    third.expect_quiet(0.3)
    gate.open()
    assert first.read_response().body == b"ok"
    assert second.read_response().body == b"ok"
    third.expect_quiet(0.3)
    first.reset()
    assert third.read_response().body == b"ok"


def test_limit_connections_recovers_from_many(wire_with) -> None:
    wire = wire_with(limit_connections=3)
    wire.run(answers(b"ok"))
    waiting = [wire.connect() for _ in range(30)]
    for connection in waiting:
        connection.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    for connection in waiting:
        assert connection.read_response().body == b"ok"


def test_hang_is_what_a_missing_answer_is(wire) -> None:
    """The client's own alarm: a test that waits for nothing fails, it does not stand still."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()

    connection = wire.ask(app, GET)
    connection.timeout = 0.1
    with pytest.raises(Hang):
        connection.read_response()
    gate.open()
