"""Requests sent ahead: answered in order, called one after another. FLT-A54, B18."""

from __future__ import annotations

import pytest

from tests.apps import Gate, answers, body, echo, start

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def get(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n"


async def tells_path(scope, receive, send) -> None:
    await answers(scope["path"].encode())(scope, receive, send)


def test_hundred_requests_are_answered_in_order(wire) -> None:
    connection = wire.ask(tells_path, b"".join(get(b"/%d" % n) for n in range(100)))
    for n in range(100):
        assert connection.read_response().body == b"/%d" % n


def test_thousands_of_requests_in_one_write(wire) -> None:
    connection = wire.ask(tells_path)
    connection.timeout = 20
    connection.send(b"".join(get(b"/%d" % n) for n in range(5000)))
    for n in range(5000):
        assert connection.read_response().body == b"/%d" % n


def test_bodies_are_told_apart(wire) -> None:
    def post(data: bytes) -> bytes:
        return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(data), data)

    def chunked(data: bytes) -> bytes:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)

    bodies = [b"a" * n for n in (1, 10, 100, 1000, 10_000, 100_000)]
    connection = wire.ask(echo, b"".join(post(data) + chunked(data) for data in bodies))
    for data in bodies:
        assert connection.read_response().body == data
        assert connection.read_response().body == data


def test_next_is_called_only_after_the_answer_is_complete(wire) -> None:
    """FLT-B18, O33."""
    gates = {"/a": Gate(), "/b": Gate()}
    log: list[str] = []

    async def app(scope, receive, send):
        path = scope["path"]
        log.append(f"{path} called")
        await send(start())
        await send(body(b"begun", more=True))
        await gates[path].wait()
        log.append(f"{path} ends")
        await send(body(b"ended"))

    connection = wire.ask(app, get(b"/a") + get(b"/b"))
    assert connection.read_head().status == 200
    assert connection.read_chunk() == b"begun"
    gates["/a"].expect_reached()
    connection.expect_quiet(0.1)
    assert log == ["/a called"]
    gates["/a"].open()
    assert connection.read_chunk() == b"ended"
    assert connection.read_chunk() == b""
    gates["/b"].open()
    assert connection.read_response().body == b"begunended"
    assert log == ["/a called", "/a ends", "/b called", "/b ends"]


def test_request_sent_while_a_response_streams(wire) -> None:
    """FLT-B18."""
    gate = Gate()

    async def app(scope, receive, send):
        if scope["path"] == "/second":
            await tells_path(scope, receive, send)
            return
        await send(start())
        await send(body(b"x" * 1000, more=True))
        await gate.wait()
        await send(body(b"y"))

    connection = wire.ask(app, get(b"/first"))
    connection.read_head()
    assert connection.read_chunk() == b"x" * 1000
    connection.send(get(b"/second"))
    gate.open()
    assert connection.read_chunk() == b"y"
    assert connection.read_chunk() == b""
    assert connection.read_response().body == b"/second"


@pytest.mark.parametrize("count", [1, 2, 50])
def test_large_answers_to_requests_sent_ahead(wire, count) -> None:
    connection = wire.ask(answers(b"x" * 200_000), GET * count)
    for _ in range(count):
        assert len(connection.read_response().body) == 200_000


def test_failed_request_drops_those_behind_it(wire) -> None:
    """O10: the 500 closes."""
    calls = []

    async def app(scope, receive, send):
        calls.append(scope["path"])
        raise RuntimeError("on purpose")

    connection = wire.ask(app, get(b"/a") + get(b"/b"))
    assert connection.read_response().status == 500
    connection.expect_end()
    assert calls == ["/a"]


def test_leaving_with_requests_sent_ahead(wire) -> None:
    """Those behind the running one are for nobody; the server lives."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await answers(b"x")(scope, receive, send)

    connection = wire.ask(app, GET * 50)
    gate.expect_reached()
    connection.reset()
    gate.open()
    wire.run(answers(b"alive"))
    other = wire.connect()
    other.send(GET)
    assert other.read_response().body == b"alive"
    assert wire.logs.problems == []
