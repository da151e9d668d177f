"""Clients that stall: FLT-B6 to B9, O6 and the options for it. Seconds are asserted with slack."""

from __future__ import annotations

import threading
import time

import pytest

from tests.apps import PLAIN, answers, body, echo, pause, read_body, start
from tests.clients.raw import RawConnection

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SHORT = 0.5  # seconds of the timeout under test
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


def expect_end_between(connection: RawConnection, since: float, low: float, high: float) -> bytes:
    """What came before the connection ended, which was at its time."""
    connection.timeout = high + 1
    rest = connection.read_to_end()
    assert low <= time.monotonic() - since <= high
    assert connection.ending == "eof"
    return rest


def drip(connection: RawConnection, data: bytes, gap: float = 0.1) -> None:
    """One byte at a time, until the peer has had enough."""
    for i in range(len(data)):
        connection.send(data[i : i + 1])
        if not connection.is_quiet_for(gap):
            return
    raise AssertionError("all of it was taken")


def test_silence_from_the_start_is_closed(wire_with) -> None:
    """FLT-B6: no byte of a head had come, so there is nothing to answer."""
    wire = wire_with(timeout_request_header=SHORT)
    since = time.monotonic()
    assert expect_end_between(wire.connect(), since, SHORT * 0.9, SHORT * 4) == b""
    assert wire.logs.problems == []


@pytest.mark.parametrize("partial", [b"G", b"GET / HTTP/1.1\r\n", GET[:-2], GET[:-1]], ids=repr)
def test_partial_head_gets_408(wire_with, partial) -> None:
    """FLT-B7."""
    wire = wire_with(timeout_request_header=SHORT)
    since = time.monotonic()
    connection = wire.ask(answers(), partial)
    rest = expect_end_between(connection, since, SHORT * 0.9, SHORT * 4)
    assert rest.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"\r\nconnection: close\r\n" in rest.lower()
    assert wire.logs.access == []


def test_dripped_head_gets_408_at_the_deadline(wire_with) -> None:
    """FLT-B7: the deadline counts from the start, not from the last byte."""
    wire = wire_with(timeout_request_header=SHORT)
    since = time.monotonic()
    connection = wire.connect()
    drip(connection, GET)
    rest = expect_end_between(connection, since, SHORT * 0.9, SHORT * 4)
    assert rest.startswith(b"HTTP/1.1 408 ")


def test_dripped_later_head_has_a_deadline_of_its_own(wire_with) -> None:
    """FLT-B7: from the first byte of the later request, whatever the keep-alive timeout is."""
    wire = wire_with(timeout_request_header=SHORT, timeout_keep_alive=30)
    connection = wire.ask(answers(b"first"), GET)
    assert connection.read_response().body == b"first"
    connection.expect_quiet(SHORT * 1.5)
    since = time.monotonic()
    drip(connection, GET)
    rest = expect_end_between(connection, since, SHORT * 0.9, SHORT * 4)
    assert rest.startswith(b"HTTP/1.1 408 ")


def test_head_deadline_does_not_touch_a_running_request(wire_with) -> None:
    wire = wire_with(timeout_request_header=SHORT)

    async def app(scope, receive, send):
        await pause(SHORT * 1.8)
        await echo(scope, receive, send)

    connection = wire.ask(app, POST)
    connection.expect_quiet(SHORT * 1.5)
    connection.send(b"0123456789")
    assert connection.read_response().body == b"0123456789"


def test_head_deadline_off(wire_with) -> None:
    wire = wire_with(timeout_request_header=0, timeout_keep_alive=SHORT)
    connection = wire.ask(answers(b"ok"), GET[:-1])
    connection.expect_quiet(SHORT * 1.5)
    connection.send(b"\n")
    assert connection.read_response().body == b"ok"


@pytest.mark.parametrize(
    "option",
    [
        "timeout_request_header",
        "timeout_request_body",
        "timeout_write",
        "timeout_keep_alive",
    ],
)
def test_timeout_beyond_the_range_of_the_clock_means_never(wire_with, option) -> None:
    """O6: added to the time of day it was no time any more."""
    wire = wire_with(**{option: 1e19})
    connection = wire.ask(echo, POST[:10])
    connection.expect_quiet(0.1)
    connection.send(POST[10:] + b"01234")
    connection.expect_quiet(0.1)
    connection.send(b"56789")
    assert connection.read_response().body == b"0123456789"
    connection.expect_quiet(0.1)
    connection.send(GET)
    assert connection.read_response().status == 200
    assert wire.logs.problems == []


@pytest.mark.parametrize("sent", [b"", b"12345"])
def test_body_that_stops_gets_408(wire_with, sent) -> None:
    """FLT-B8: the application is told, and the client too."""
    wire = wire_with(timeout_request_body=SHORT)
    got: list[bytes | None] = []
    told = threading.Event()

    async def app(scope, receive, send):
        got.append(await read_body(receive))
        told.set()

    since = time.monotonic()
    connection = wire.ask(app, POST, sent)
    response = connection.read_response()
    assert response.status == 408
    assert response.closes
    expect_end_between(connection, since, SHORT * 0.9, SHORT * 4)
    assert told.wait(1)
    assert got == [None]


def test_body_that_stops_after_the_answer_began_is_cut(wire_with) -> None:
    """FLT-B8."""
    wire = wire_with(timeout_request_body=SHORT)
    told = threading.Event()

    async def app(scope, receive, send):
        await send(start(200, PLAIN))
        await send(body(b"begun", more=True))
        assert await read_body(receive) is None
        told.set()

    connection = wire.ask(app, POST)
    since = time.monotonic()
    assert connection.read_head().status == 200
    assert connection.read_chunk() == b"begun"
    assert b"0\r\n\r\n" not in expect_end_between(connection, since, SHORT * 0.9, SHORT * 4)
    assert told.wait(1)


def test_body_that_drips_is_not_idle(wire_with) -> None:
    """FLT-B8: every byte restarts the body's deadline."""
    wire = wire_with(timeout_request_body=SHORT)
    connection = wire.ask(echo, POST)
    for i in range(10):
        connection.send(b"%d" % i)
        if i < 9:
            connection.expect_quiet(SHORT * 0.25)
    assert connection.read_response().body == b"0123456789"


def test_body_deadline_runs_only_while_the_application_waits(wire_with) -> None:
    """O6: an application that is busy with something else is not the client's fault."""
    wire = wire_with(timeout_request_body=SHORT)

    async def app(scope, receive, send):
        await pause(SHORT * 1.8)
        await echo(scope, receive, send)

    connection = wire.ask(app, POST)
    connection.expect_quiet(SHORT * 1.5)
    connection.send(b"0123456789")
    assert connection.read_response().body == b"0123456789"


def test_body_deadline_does_not_touch_a_waiting_receive_after_the_body(wire_with) -> None:
    """Long-polling: the body is whole, and `receive` waits for the disconnect."""
    wire = wire_with(timeout_request_body=SHORT)
    told, waiting = threading.Event(), threading.Event()

    async def app(scope, receive, send):
        await receive()
        waiting.set()
        assert (await receive())["type"] == "http.disconnect"
        told.set()

    connection = wire.ask(app, GET)
    assert waiting.wait(5)
    connection.expect_quiet(SHORT * 1.5)
    assert not told.is_set()
    connection.reset()
    assert told.wait(2)


@pytest.mark.slow
def test_body_slower_than_the_minimum_rate_gets_408(wire_with) -> None:
    """FLT-B8: measured over 10 s."""
    wire = wire_with(min_request_body_rate=100)
    connection = wire.ask(echo, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n")
    since = time.monotonic()
    drip(connection, b"x" * 100, gap=0.5)
    assert 5 <= time.monotonic() - since <= 25
    assert connection.read_response().status == 408
    connection.expect_end()


@pytest.mark.slow
def test_body_above_the_minimum_rate_is_served(wire_with) -> None:
    wire = wire_with(min_request_body_rate=100)
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n"
    connection = wire.ask(echo, head)
    for _ in range(24):
        connection.send(b"x" * 250)
        if not connection.is_quiet_for(0.5):
            break
    assert connection.read_response().body == b"x" * 6000


def test_idle_connection_is_closed_at_the_keep_alive_timeout(wire_with) -> None:
    """FLT-B9."""
    wire = wire_with(timeout_keep_alive=SHORT)
    connection = wire.ask(answers(b"ok"), GET)
    since = time.monotonic()
    assert connection.read_response().body == b"ok"
    assert expect_end_between(connection, since, SHORT * 0.9, SHORT * 4) == b""
    assert wire.logs.problems == []


def test_keep_alive_timeout_starts_anew_after_each_answer(wire_with) -> None:
    wire = wire_with(timeout_keep_alive=SHORT)
    connection = wire.ask(answers(b"ok"))
    for _ in range(3):
        connection.send(GET)
        assert connection.read_response().body == b"ok"
        connection.expect_quiet(SHORT * 0.6)
    since = time.monotonic()
    expect_end_between(connection, since, 0.1, SHORT * 4)


def test_keep_alive_timeout_spares_a_request_that_has_begun(wire_with) -> None:
    """FLT-B9: closed only while no byte of a request has arrived."""
    wire = wire_with(timeout_keep_alive=SHORT)
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    connection.send(GET[:5])
    connection.expect_quiet(SHORT * 1.5)
    connection.send(GET[5:])
    assert connection.read_response().body == b"ok"


def test_keep_alive_timeout_spares_a_slow_answer(wire_with) -> None:
    wire = wire_with(timeout_keep_alive=SHORT)

    async def app(scope, receive, send):
        await pause(SHORT * 1.8)
        await answers(b"slow")(scope, receive, send)

    assert wire.ask(app, GET).read_response().body == b"slow"


def test_keep_alive_timeout_does_not_apply_before_the_first_request(wire_with) -> None:
    wire = wire_with(timeout_keep_alive=SHORT)
    connection = wire.connect()
    connection.expect_quiet(SHORT * 1.5)
    wire.run(answers(b"ok"))
    connection.send(GET)
    assert connection.read_response().body == b"ok"


def test_keep_alive_timeout_of_nought_closes_after_each_answer(wire_with) -> None:
    wire = wire_with(timeout_keep_alive=0)
    connection = wire.ask(answers(b"ok"), GET)
    since = time.monotonic()
    assert connection.read_response().body == b"ok"
    expect_end_between(connection, since, 0, 1)


def test_stalled_clients_do_not_keep_others_waiting(wire_with) -> None:
    """FLT-B15 in small: served throughout, and the attackers are gone by the deadline."""
    wire = wire_with(timeout_request_header=SHORT)
    since = time.monotonic()
    stalled = [wire.ask(answers(b"ok"), GET[: 1 + i % 20]) for i in range(100)]
    for _ in range(20):
        asked = time.monotonic()
        connection = wire.ask(answers(b"ok"), GET)
        assert connection.read_response().body == b"ok"
        assert time.monotonic() - asked < 0.5
    for connection in stalled:
        rest = expect_end_between(connection, since, 0, 4)
        assert rest.startswith(b"HTTP/1.1 408 ")
