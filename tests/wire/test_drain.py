"""A graceful stop as peers see it: O28, FLT-E1, E4, and the second level (O22)."""

from __future__ import annotations

import threading
import time

import pytest

from tests.apps import Gate, answers, body, start
from tests.clients.raw import Cut, RawConnection

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
GRACE = 0.5  # seconds that an idle connection is kept


@pytest.fixture
def wire(wire_with):
    """A server of its own for each test: every test stops it."""
    return wire_with()


def begin_stop(wire) -> float:
    """Asks for the stop; when the server began it, on the monotonic clock."""
    wire.serving.begin_stop()
    record = wire.logs.wait("Shutting down")
    return time.monotonic() - (time.time() - record.created)


def gated(gate: Gate):
    async def app(scope, receive, send):
        await gate.wait()
        await answers(b"answer")(scope, receive, send)

    return app


def test_request_in_flight_is_answered_and_closed(wire) -> None:
    """FLT-E1, E4."""
    gate = Gate()
    connection = wire.ask(gated(gate), GET)
    gate.expect_reached()
    begin_stop(wire)
    connection.expect_quiet(GRACE + 0.5)
    gate.open()
    response = connection.read_response()
    assert response.body == b"answer"
    assert response.closes
    connection.expect_end()
    wire.serving.join()


def test_stream_in_flight_comes_to_its_end(wire) -> None:
    gate = Gate()

    async def app(scope, receive, send):
        await send(start())
        await send(body(b"begun", more=True))
        await gate.wait()
        await send(body(b"ended", more=True))
        await send(body())

    connection = wire.ask(app, GET)
    connection.read_head()
    assert connection.read_chunk() == b"begun"
    begin_stop(wire)
    connection.expect_quiet(GRACE + 0.3)
    gate.open()
    assert connection.read_chunk() == b"ended"
    assert connection.read_chunk() == b""
    connection.expect_end()
    wire.serving.join()


def test_upload_in_flight_is_received_whole(wire) -> None:
    called = threading.Event()

    async def app(scope, receive, send):
        called.set()
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message["body"])
            more = message["more_body"]
        await answers(b"%d" % size)(scope, receive, send)

    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
    connection = wire.ask(app, head + b"01234")
    assert called.wait(5)
    begin_stop(wire)
    connection.expect_quiet(GRACE + 0.2)
    connection.send(b"56789")
    response = connection.read_response()
    assert response.body == b"10"
    assert response.closes
    connection.expect_end()
    wire.serving.join()


def test_idle_connection_is_closed_after_the_grace(wire) -> None:
    """O28."""
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    since = begin_stop(wire)
    connection.expect_end()
    assert GRACE * 0.8 <= time.monotonic() - since <= GRACE * 3
    wire.serving.join()


def test_connection_without_a_byte_is_closed_after_the_grace(wire) -> None:
    wire.ask(answers(), GET).read_response()
    connection = wire.connect()
    wire.ask(answers(), GET).read_response()  # the server has accepted the silent one, too
    since = begin_stop(wire)
    connection.expect_end()
    assert time.monotonic() - since <= GRACE * 3
    wire.serving.join()


def test_request_sent_in_the_grace_is_answered_and_closed(wire) -> None:
    """O28: it was already on its way."""
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    begin_stop(wire)
    connection.send(GET + GET)
    response = connection.read_response()
    assert response.body == b"ok"
    assert response.closes
    connection.expect_end()
    wire.serving.join()


def test_slow_request_sent_in_the_grace_is_answered(wire) -> None:
    gate = Gate()
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    wire.run(gated(gate))
    begin_stop(wire)
    connection.send(GET)
    gate.expect_reached()
    connection.expect_quiet(GRACE + 0.3)
    gate.open()
    assert connection.read_response().closes
    connection.expect_end()
    wire.serving.join()


def test_head_begun_before_the_stop_is_answered(wire) -> None:
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    connection.send(GET[:10])
    wire.ask(answers(b"ok"), GET).read_response()
    begin_stop(wire)
    connection.send(GET[10:])
    response = connection.read_response()
    assert response.body == b"ok"
    assert response.closes
    connection.expect_end()
    wire.serving.join()


def test_nothing_is_accepted_afterwards(wire) -> None:
    gate = Gate()
    running = wire.ask(gated(gate), GET)
    gate.expect_reached()
    wire.run(answers(b"ok"))
    since = begin_stop(wire)
    refused = False
    while not refused and time.monotonic() - since < 2:
        try:
            with RawConnection(wire.serving.address) as late:
                late.send(GET)
                # Let in by the kernel before the listener closed: answered, as the last.
                assert late.read_response().closes
        except (ConnectionError, Cut):
            refused = True
    assert refused
    gate.open()
    assert running.read_response().body == b"answer"
    wire.serving.join()


def test_many_busy_connections_lose_no_request(wire) -> None:
    """FLT-E1: every request that was sent whole gets its answer."""
    gate, called = Gate(), threading.Semaphore(0)

    async def app(scope, receive, send):
        called.release()
        await gated(gate)(scope, receive, send)

    connections = [wire.ask(app, GET) for _ in range(50)]
    for _ in connections:
        assert called.acquire(timeout=5)
    begin_stop(wire)
    gate.open()
    for connection in connections:
        response = connection.read_response()
        assert response.body == b"answer"
        assert response.closes
        connection.expect_end()
    wire.serving.join()


def test_stop_without_connections_is_quick(wire) -> None:
    since = time.monotonic()
    begin_stop(wire)
    wire.serving.join()
    assert time.monotonic() - since < 2


def test_refusal_in_the_grace_is_still_worded(wire) -> None:
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    begin_stop(wire)
    connection.send(b"GET / HTTP/1.1\r\n\r\n")
    assert connection.read_response().status == 400
    connection.expect_end()
    wire.serving.join()


def test_second_level_closes_at_once(wire) -> None:
    """O22."""
    gate = Gate()
    connection = wire.ask(gated(gate), GET)
    gate.expect_reached()
    begin_stop(wire)
    connection.expect_quiet(0.2)
    since = time.monotonic()
    wire.serving.force_stop()
    connection.read_to_end()
    assert time.monotonic() - since < 2
    wire.serving.join()


def test_graceful_timeout_cancels_and_answers(wire_with) -> None:
    """FLT-E5: the cancelled application's client gets a 500, not silence."""
    wire = wire_with(timeout_graceful_shutdown=1)
    gate = Gate()
    connection = wire.ask(gated(gate), GET)
    gate.expect_reached()
    since = begin_stop(wire)
    response = connection.read_response()
    assert response.status == 500
    assert response.closes
    assert 0.9 <= time.monotonic() - since <= 3
    wire.serving.join()


def test_closed_listener_lets_connections_go_on(wire_with) -> None:
    """U2.4: `servers[0].close()` is what it is for an asyncio server."""
    wire = wire_with()
    connection = wire.ask(answers(b"ok"), GET)
    assert connection.read_response().body == b"ok"
    closed = threading.Event()

    def close() -> None:
        wire.serving.server.servers[0].close()
        closed.set()

    wire.serving.loop.call_soon_threadsafe(close)
    assert closed.wait(5)
    refused = False
    deadline = time.monotonic() + 5
    while not refused and time.monotonic() < deadline:
        try:
            with RawConnection(wire.serving.address) as late:
                late.send(GET)
                assert late.read_response().body == b"ok"
        except (ConnectionError, Cut):
            refused = True
    assert refused
    connection.send(GET)
    response = connection.read_response()
    assert response.body == b"ok"
    assert not response.closes
