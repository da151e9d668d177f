"""`limit_concurrency`: what is beyond it gets a 503 in uvicorn's words (U3.3)."""

from __future__ import annotations

import logging
import time

import pytest

from tests.apps import Gate, answers, body, start

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
WARNING = "Exceeded concurrency limit."


async def must_not_be_called(scope, receive, send):
    raise AssertionError("called")


def wait_until(is_so) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline


def counts(state) -> tuple[int, int]:
    return len(state.connections), len(state.tasks)


def expect_unavailable(connection, method: str = "GET") -> None:
    response = connection.read_response(method)
    assert (response.status, response.phrase) == (503, "Service Unavailable")
    assert response.names[:2] == ["date", "server"]
    assert response.one("content-type") == "text/plain; charset=utf-8"
    assert response.one("content-length") == "19"
    assert response.one("connection") == "close"
    assert response.body == (b"" if method == "HEAD" else b"Service Unavailable")
    connection.expect_end()


@pytest.mark.parametrize("limit", [0, 1])
def test_limit_of_one_refuses_everything(wire_with, limit):
    """This connection counts, as in uvicorn."""
    wire = wire_with(limit_concurrency=limit)
    connection = wire.ask(must_not_be_called, GET)
    expect_unavailable(connection)
    warning = wire.logs.wait(WARNING)
    assert (warning.name, warning.levelno) == ("uvicorn.error", logging.WARNING)
    assert wire.logs.problems == [WARNING]
    assert wire.logs.access == [f'127.0.0.1:{connection.port} - "GET / HTTP/1.1" 503']
    assert wire.serving.server.server_state.total_requests == 1


def test_limit_counts_idle_connections(wire_with):
    wire = wire_with(limit_concurrency=3)
    first, second = (wire.ask(answers(), GET) for _ in range(2))
    for connection in (first, second):
        assert connection.read_response().status == 200
    expect_unavailable(wire.ask(must_not_be_called, GET))
    # Those inside are served again once it has gone.
    state = wire.serving.server.server_state
    wait_until(lambda: len(state.connections) == 2)
    wire.run(answers())
    first.send(GET)
    assert first.read_response().status == 200


def test_limit_counts_calls_whose_client_has_left(wire_with):
    """As uvicorn: connections or tasks, whichever are more."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await send(start())
        await send(body(b"late"))

    wire = wire_with(limit_concurrency=2)
    state = wire.serving.server.server_state
    for calls in (1, 2):
        gate.reached.clear()
        leaving = wire.ask(app, GET)
        gate.expect_reached()
        leaving.abandon()
        wait_until(lambda calls=calls: counts(state) == (0, calls))
    expect_unavailable(wire.ask(app, GET))
    gate.open()
    wait_until(lambda: counts(state) == (0, 0))
    assert wire.ask(answers(), GET).read_response().status == 200


@pytest.mark.parametrize(
    ("method", "request_bytes"),
    [
        ("HEAD", b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GET", b"GET / HTTP/1.0\r\n\r\n"),
        ("POST", POST + b"Content-Length: 5\r\n\r\nhello"),
        ("POST", POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"),
        ("POST", POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    ],
)
def test_refusal_of_any_request_is_whole(wire_with, method, request_bytes):
    wire = wire_with(limit_concurrency=1)
    expect_unavailable(wire.ask(must_not_be_called, request_bytes), method)


def test_refusal_ends_a_pipeline(wire_with):
    """The connection closes: what follows is not looked at."""
    wire = wire_with(limit_concurrency=1)
    expect_unavailable(wire.ask(must_not_be_called, GET * 3))
    assert len(wire.logs.access) == 1


def test_no_limit_is_the_default(wire_with):
    wire = wire_with()
    connections = [wire.ask(answers(), GET) for _ in range(20)]
    assert [connection.read_response().status for connection in connections] == [200] * 20
