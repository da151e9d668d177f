"""How a refusal leaves (readable, once, by FIN), and broken bodies: FLT-A1, A3, A6, A47, B17."""

from __future__ import annotations

import logging
import threading

import pytest

from tests.apps import PLAIN, Gate, Recorder, answers, body, read_body, start
from tests.clients.delivery import Bench
from tests.clients.serving import Serving
from tests.clients.verdict import WORDS, check_refusal
from tests.wire import (
    test_chunked,
    test_content_length,
    test_fields,
    test_host,
    test_request_line,
    test_sequences,
    test_transfer_encoding,
)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BAD = b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
TABLES = [
    test_request_line,
    test_host,
    test_fields,
    test_content_length,
    test_transfer_encoding,
    test_chunked,
    test_sequences,
]


@pytest.fixture(scope="module")
def unix_bench(tmp_path_factory):
    recorder = Recorder()
    path = str(tmp_path_factory.mktemp("wire") / "s")
    with Serving(recorder, uds=path, lifespan="off") as serving:
        bench = Bench(serving.address, recorder)
        yield bench
        bench.close()


@pytest.mark.parametrize("module", TABLES, ids=lambda module: module.__name__.rpartition("_")[2])
def test_same_verdicts_over_a_unix_socket(unix_bench, module) -> None:
    """FLT-A6."""
    failures = []
    for case in module.CASES:
        try:
            unix_bench.try_whole(case)
        except AssertionError as error:
            failures.append(f"{case.id}: {error}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("flood", [1, 20_000, 300_000], ids=str)
def test_refusal_is_readable_while_the_client_sends(wire, flood) -> None:
    """FLT-A1, B17: an RST would eat the answer."""
    connection = wire.ask(
        answers(), b"POST / HTTP/1.1\r\nHost: u@a\r\nContent-Length: 9999999\r\n\r\n"
    )
    connection.send(b"x" * flood)
    response = connection.read_response()
    assert response.status == 400
    check_refusal(response)
    connection.expect_end()


def test_refusal_is_readable_by_a_client_that_reads_last(wire) -> None:
    connection = wire.ask(answers(), BAD)
    connection.send(b"x" * 1000)
    connection.half_close()
    assert connection.read_response().status == 400
    connection.expect_end()


def test_refused_connection_ends_although_the_client_stays(wire) -> None:
    """FLT-A1: the lingering read is short, and the FIN does not wait for it."""
    connection = wire.ask(answers(), BAD)
    assert connection.read_response().status == 400
    connection.timeout = 2.0
    connection.expect_end()


def test_refusal_of_a_head_request_is_worded_all_the_same(wire) -> None:
    connection = wire.ask(answers(), b"HEAD / HTTP/1.1\r\n\r\n")
    head = connection.read_head()
    assert head.status == 400
    assert head.closes
    assert connection.read_to_end() in (b"", WORDS)


def test_refusal_is_one_warning_and_no_access_line(wire) -> None:
    """O34, FLT-A3."""
    wire.ask(answers(), BAD + GET).read_to_end()
    warnings = [r for r in wire.logs if r.levelno >= logging.WARNING]
    assert [(r.name, r.levelname, r.getMessage()) for r in warnings] == [
        ("uvicorn.error", "WARNING", WORDS.decode())
    ]
    assert wire.logs.access == []


def test_request_before_a_refusal_is_answered_first(wire) -> None:
    """O33: also when its answer takes a while."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await answers(b"first")(scope, receive, send)

    connection = wire.ask(app, GET + BAD + GET)
    gate.expect_reached()
    connection.expect_quiet(0.1)
    gate.open()
    assert connection.read_response().body == b"first"
    refusal = connection.read_response()
    assert refusal.status == 400
    check_refusal(refusal)
    connection.expect_end()
    assert len(wire.logs.access) == 1


@pytest.mark.parametrize("junk", [b"XX\r\n", b"5\r\nhelloXX", b"5\r\nhello\n", b"-1\r\n"], ids=repr)
def test_broken_body_after_the_answer_began_is_a_cut(wire, junk) -> None:
    """FLT-A47: nothing can be refused any more; nothing pipelined is parsed."""
    paths, told = [], Gate()

    async def app(scope, receive, send):
        paths.append(scope["path"])
        await send(start(200, PLAIN))
        await send(body(b"begun", more=True))
        assert await read_body(receive) is None
        await told.wait()

    connection = wire.ask(app, CHUNKED)
    assert connection.read_head().status == 200
    assert connection.read_chunk() == b"begun"
    connection.send(junk + b"\r\n0\r\n\r\n" + GET.replace(b"/ ", b"/smuggled ", 1))
    told.expect_reached()
    told.open()
    assert b"0\r\n\r\n" not in connection.read_to_end()
    assert paths == ["/"]


@pytest.mark.parametrize("junk", [b"XX\r\n", b"5\r\nhelloXX", b"5\r\nhello\n", b"-1\r\n"], ids=repr)
def test_broken_body_after_the_whole_answer_closes(wire, junk) -> None:
    """FLT-A47: the connection is never used again."""
    paths = []

    async def app(scope, receive, send):
        paths.append(scope["path"])
        await answers(b"early")(scope, receive, send)

    connection = wire.ask(app, CHUNKED)
    assert connection.read_response().body == b"early"
    connection.send(junk + b"\r\n0\r\n\r\n" + GET.replace(b"/ ", b"/smuggled ", 1))
    rest = connection.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
    assert paths == ["/"]


def test_broken_body_that_the_application_never_reads_closes(wire) -> None:
    """FLT-A47, A56: answered or refused, but nothing after it is a request."""
    paths, gate, done = [], Gate(), threading.Event()

    async def app(scope, receive, send):
        paths.append(scope["path"])
        await gate.wait()
        await answers(b"late")(scope, receive, send)
        done.set()

    connection = wire.ask(app, CHUNKED)
    gate.expect_reached()
    connection.send(b"XX\r\n" + GET.replace(b"/ ", b"/smuggled ", 1))
    gate.open()
    response = connection.read_response()
    assert response.status in {200, 400}
    rest = connection.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
    assert done.wait(5)
    assert paths == ["/"]
    # O36: an access line tells the status that was sent.
    sent = str(response.status)
    assert [line for line in wire.logs.access if not line.endswith(sent)] == []


@pytest.mark.parametrize(
    "partial",
    [b"G", b"GET", b"GET /", b"GET / HTTP/1.1\r\n", GET[:-2], GET[:-1], b"\r\n", b"\r"],
    ids=repr,
)
def test_end_within_a_head_is_an_end(wire, partial) -> None:
    """FLT-A1: no hang; a refusal or a plain close."""
    connection = wire.ask(answers(), partial)
    connection.half_close()
    rest = connection.read_to_end()
    assert rest == b"" or rest.startswith(b"HTTP/1.1 400 ")
    assert connection.ending == "eof"
    assert wire.logs.access == []
