"""Answers that the client reads late or slowly, and time-outs that once stood in their way.

FLT-B7, FLT-B8, FLT-B10, O6. Each test is named after the fault that it keeps away.
"""

from __future__ import annotations

import select
import time

import pytest

from tests.apps import answers, read_body
from tests.clients.response import Response

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
LARGE = b"x" * 10_000_000  # more than the sockets of both sides hold
KIB = 1024

BEGINNINGS = [pytest.param(b"GET /ne", id="head-begun"), pytest.param(POST, id="body-missing")]
PACKETS = [
    pytest.param(lambda first, second: (first + second,), id="at-once"),
    pytest.param(lambda first, second: (first, second), id="one-after-the-other"),
]


async def application(scope, receive, send):
    """Much to read, and at `/second` nothing before the body is there."""
    if scope["path"] == "/second" and await read_body(receive) is None:
        return
    await answers(LARGE)(scope, receive, send)


def ask_and_begin_another(wire, *packets):
    """A client that asks, begins another request behind the first, and reads nothing."""
    wire.run(application)
    connection = wire.connect(SO_RCVBUF=64 * KIB)
    for packet in packets:
        connection.socket.setblocking(True)
        connection.socket.sendall(packet)
    connection.socket.setblocking(False)
    return connection


def wait_for_the_deadline(wire) -> None:
    """Until one that begins its request now has been timed out, and so all that began before."""
    with wire.connect() as witness:
        witness.send(b"GET /ne")
        assert witness.read_response().status == 408


def expect_first_answer(connection) -> tuple[Response, bytes]:
    """The first answer, whole or cut, with nothing else in it; and what came behind it."""
    response = connection.read_head()
    assert response.status == 200
    length = int(response.one("content-length"))
    assert length == len(LARGE)
    rest = connection.read_to_end()
    response.body = rest[:length]
    assert response.body.strip(b"x") == b""
    assert b"HTTP/1.1 408" not in response.body
    return response, rest[length:]


@pytest.mark.parametrize("packets", PACKETS)
@pytest.mark.parametrize("second", BEGINNINGS)
def test_timeout_is_not_told_inside_an_unfinished_answer(wire_with, second, packets) -> None:
    """FLT-B7, FLT-B8: words of the server's own stand behind an answer or nowhere."""
    wire = wire_with(timeout_request_header=1, timeout_request_body=0.9)
    unread = ask_and_begin_another(wire, *packets(GET, second))
    wait_for_the_deadline(wire)
    response, behind = expect_first_answer(unread)
    if behind:
        assert len(response.body) == len(LARGE)
        assert behind.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("packets", PACKETS)
@pytest.mark.parametrize("second", BEGINNINGS)
def test_unread_answer_does_not_outlive_a_stop(wire_with, second, packets) -> None:
    """FLT-E5: the time that a stop is given counts for it as well."""
    wire = wire_with(
        timeout_request_header=0.5, timeout_request_body=0.4, timeout_graceful_shutdown=0.5
    )
    unread = ask_and_begin_another(wire, *packets(GET, second))
    wait_for_the_deadline(wire)
    wire.serving.begin_stop()
    wire.serving.join(timeout=3)
    response, behind = expect_first_answer(unread)
    assert behind == b""
    assert len(response.body) < len(LARGE)


@pytest.mark.parametrize("packets", PACKETS)
@pytest.mark.parametrize("second", BEGINNINGS)
def test_answer_read_after_the_stop_has_begun_ends_with_it(wire_with, second, packets) -> None:
    """O37: it is waited for, and when it has been read the server is gone, too."""
    wire = wire_with(timeout_request_header=0.5, timeout_request_body=0.4)
    unread = ask_and_begin_another(wire, *packets(GET, second))
    wait_for_the_deadline(wire)
    wire.serving.begin_stop()
    response, _ = expect_first_answer(unread)
    assert len(response.body) == len(LARGE)
    unread.abandon()  # last words have their time only while somebody may read them
    wire.serving.join(timeout=3)


@pytest.mark.parametrize("pace", [32 * KIB, 64 * KIB])
def test_slow_but_steady_reader_is_not_cut_at_the_write_timeout(wire_with, pace) -> None:
    """FLT-B10: the system said for seconds that nothing could be written, and much was read."""
    wire = wire_with(timeout_write=0.8)
    wire.run(application)
    connection = wire.connect(SO_RCVBUF=64 * KIB)
    connection.send(GET)
    until = time.monotonic() + 2.4
    assert connection.read_head().status == 200
    while time.monotonic() < until:
        assert connection.read_exactly(pace) == b"x" * pace
        select.select([], [], [], 0.1)  # its pace
    assert connection.ending is None
