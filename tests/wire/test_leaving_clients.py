"""Clients that leave: FLT-B1 to B5, B16, and what the application is told (O1, O14, O30)."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time

import pytest

from tests.apps import PLAIN, Gate, answers, body, read_body, start

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
TOLD_WITHIN = 0.1 * 2  # seconds, with slack for a loaded machine


class Told:
    """When the application got `http.disconnect`."""

    def __init__(self) -> None:
        self.waiting = threading.Event()
        self._told = threading.Event()
        self._at = 0.0

    async def wait(self, receive) -> None:
        message = await receive()
        while message["type"] != "http.disconnect":
            if not message["more_body"]:
                self.waiting.set()
            message = await receive()
        self._at = time.monotonic()
        self._told.set()

    def expect(self, since: float) -> None:
        assert self._told.wait(5), "never told"
        assert self._at - since < TOLD_WITHIN


@pytest.mark.parametrize("way", ["half_close", "reset", "close"])
def test_disconnect_while_the_application_waits(wire, way) -> None:
    """FLT-B1, B2."""
    told = Told()

    async def app(scope, receive, send):
        await told.wait(receive)
        assert (await receive())["type"] == "http.disconnect"

    connection = wire.ask(app, GET)
    assert told.waiting.wait(5)
    since = time.monotonic()
    if way == "close":
        connection.socket.close()
    else:
        getattr(connection, way)()
    told.expect(since)
    expect_alive(wire)


@pytest.mark.parametrize("way", ["half_close", "reset"])
def test_disconnect_while_streaming_and_waiting(wire, way) -> None:
    """FLT-B1, B2: server-sent events, whose client goes away."""
    told = Told()

    async def app(scope, receive, send):
        await send(start(200, PLAIN))
        await send(body(b"event", more=True))
        await told.wait(receive)
        await send(body(b"last"))  # O1: silent

    connection = wire.ask(app, GET)
    connection.read_head()
    assert connection.read_chunk() == b"event"
    assert told.waiting.wait(5)
    since = time.monotonic()
    getattr(connection, way)()
    told.expect(since)
    if way == "half_close":
        # O14: the write side stays open.
        assert connection.read_chunk() == b"last"
        assert connection.read_chunk() == b""
    expect_alive(wire)
    assert wire.logs.problems == []


def test_half_close_after_a_request_still_gets_its_answer(wire) -> None:
    """FLT-B5, O14."""
    gate = Gate()

    async def app(scope, receive, send):
        await read_body(receive)
        await gate.wait()
        await answers(b"answer")(scope, receive, send)

    connection = wire.ask(app, GET)
    connection.half_close()
    gate.expect_reached()
    gate.open()
    assert connection.read_response().body == b"answer"
    connection.expect_end()
    assert wire.logs.problems == []


def test_half_close_in_the_same_breath_as_the_request(wire) -> None:
    connection = wire.ask(answers(b"answer"), GET)
    connection.half_close()
    assert connection.read_response().body == b"answer"
    connection.expect_end()


def test_half_close_after_pipelined_requests_gets_every_answer(wire) -> None:
    connection = wire.ask(answers(b"answer"), GET * 5)
    connection.half_close()
    for _ in range(5):
        assert connection.read_response().body == b"answer"
    connection.expect_end()


def test_half_close_after_a_large_body_loses_none_of_it(wire) -> None:
    """O14: `http.disconnect` only once every byte before the FIN has been read."""
    size, got, gate = 300_000, [], Gate()

    async def app(scope, receive, send):
        await gate.wait()
        got.append(await read_body(receive))
        await answers(b"answer")(scope, receive, send)

    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size
    connection = wire.ask(app, head)
    gate.expect_reached()
    connection.send_what_fits(b"x" * size, patience=0.2)
    connection.half_close()
    gate.open()
    connection.read_to_end()
    assert got in ([b"x" * size], [None])  # None where not all of it fitted before the FIN


@pytest.mark.parametrize("way", ["half_close", "reset"])
@pytest.mark.parametrize("sent", [b"", b"x", b"x" * 99])
def test_leaving_during_an_upload_is_never_a_whole_body(wire, way, sent) -> None:
    """FLT-B4."""
    got: list[bytes | None] = []
    ended, first = Gate(), threading.Event()

    async def app(scope, receive, send):
        first.set()
        got.append(await read_body(receive))
        await ended.wait()

    connection = wire.ask(app, POST, sent)
    assert first.wait(5)
    getattr(connection, way)()
    ended.expect_reached()
    ended.open()
    assert got == [None]
    expect_alive(wire)


def test_leaving_within_a_chunked_upload_is_never_a_whole_body(wire) -> None:
    got: list[bytes | None] = []
    ended = Gate()

    async def app(scope, receive, send):
        got.append(await read_body(receive))
        await ended.wait()

    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = wire.ask(app, head + b"5\r\nhello\r\n0\r\n")
    connection.half_close()
    ended.expect_reached()
    ended.open()
    assert got == [None]


def test_leaving_while_the_application_only_sends(wire) -> None:
    """FLT-B3, O1, O30: `send` is silent, the task runs to its end, nothing is logged."""
    gate, done = Gate(), threading.Event()

    async def app(scope, receive, send):
        await send(start(200, PLAIN))
        await send(body(b"x" * 1000, more=True))
        await gate.wait()
        for _ in range(100):
            await send(body(b"x" * 100_000, more=True))
        await send(body())
        done.set()

    connection = wire.ask(app, GET)
    assert connection.read_head().status == 200
    gate.expect_reached()
    connection.reset()
    gate.open()
    assert done.wait(5)
    expect_alive(wire)
    assert wire.logs.problems == []


def test_leaving_before_the_answer_is_no_problem(wire) -> None:
    gate, done = Gate(), threading.Event()

    async def app(scope, receive, send):
        await gate.wait()
        await answers(b"nobody reads this")(scope, receive, send)
        done.set()

    connection = wire.ask(app, GET)
    gate.expect_reached()
    connection.reset()
    gate.open()
    assert done.wait(5)
    expect_alive(wire)
    assert wire.logs.problems == []


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_churn_leaves_nothing_behind(wire) -> None:
    """FLT-B16."""
    expect_alive(wire)
    before = open_descriptors()
    for count in range(600):
        connection = wire.connect()
        if count % 3 == 1:
            connection.send(b"GET / HT")
        if count % 3 == 2:
            connection.send(GET)
        connection.reset()
    wire.close_connections()
    deadline = time.monotonic() + 5
    while open_descriptors() > before + 3:
        assert time.monotonic() < deadline
        expect_alive(wire)
        wire.close_connections()
    assert [r for r in wire.logs if r.levelno > logging.INFO] == []


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def expect_alive(wire) -> None:
    wire.run(answers(b"alive"))
    connection = wire.connect()
    connection.send(GET)
    assert connection.read_response().body == b"alive"
