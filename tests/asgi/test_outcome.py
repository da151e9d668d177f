"""How a call of the application ends: returns, exceptions, and what of it the client sees.

ASGI-8, ASGI-56, FLT-C1, C2, C4, C5, C8, C10, C11, O10; the log lines are uvicorn's.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.apps import Gate, body, start
from tests.asgi.exchange import answer, pause, request

EXCEPTION = "Exception in ASGI application\n"
NOT_STARTED = "ASGI callable returned without starting response."
NOT_COMPLETED = "ASGI callable returned without completing response."
RETURNED = "ASGI callable should return None, but returned '%s'."


class Odd(BaseException):
    """Neither an Exception nor one that anybody knows."""


class Unprintable(Exception):
    """Breaks whoever formats it."""

    def __str__(self):
        raise RuntimeError("cannot be printed")

    __repr__ = __str__


ERRORS = [
    ValueError("v"),
    OSError(32, "Broken pipe"),
    asyncio.CancelledError(),
    asyncio.TimeoutError(),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    StopAsyncIteration(),
    MemoryError(),
    RecursionError("deep"),
    Odd("odd"),
]


def assert_internal_server_error(response):
    """uvicorn's words, and nothing of the exception."""
    assert response.status == 500
    assert response.phrase == "Internal Server Error"
    assert response.body == b"Internal Server Error"
    assert response.one("content-type") == "text/plain; charset=utf-8"
    assert response.one("content-length") == "21"
    assert response.one("connection") == "close"
    assert response.one("date")
    assert response.one("server")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after waiting"])
def test_exception_before_the_start_is_a_500(stage, error, waits):
    """FLT-C1, FLT-C10, FLT-C11, O10: logged once with its traceback; the server lives."""

    async def app(scope, receive, send):
        if waits:
            await pause()
        raise error

    server = stage(app)
    peer = server.connect(request())
    assert_internal_server_error(peer.read_response())
    peer.expect_end()
    record = server.logs.wait(EXCEPTION)
    assert record.getMessage() == EXCEPTION
    assert (record.name, record.levelno) == ("uvicorn.error", logging.ERROR)
    assert record.exc_info[1] is error
    names = []
    traceback = record.exc_info[2]
    while traceback is not None:
        names.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert names[-1] == "app"
    assert server.errors == [EXCEPTION]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_exception_in_a_chunked_body_cuts_it(stage, error):
    """FLT-C4: no last chunk; a client cannot take it for whole."""

    async def app(scope, receive, send):
        await send(start())
        await send(body(b"part", more=True))
        await pause()
        raise error

    server = stage(app)
    response = server.connect(request(), request()).read_cut_response()
    assert (response.status, response.body) == (200, b"part")
    assert server.logs.wait(EXCEPTION).exc_info[1] is error


def test_exception_in_a_body_with_length_cuts_it(stage):
    """FLT-C5."""

    async def app(scope, receive, send):
        await send(start(headers=[(b"content-length", b"10")]))
        await send(body(b"part", more=True))
        await pause()
        raise ValueError

    server = stage(app)
    response = server.connect(request()).read_cut_response()
    assert response.body == b"part"
    server.logs.wait(EXCEPTION)


def test_exception_after_the_end_closes_after_a_whole_response(stage):
    """ASGI-8: uvicorn logs it, and closes."""
    gate = Gate()

    async def app(scope, receive, send):
        await answer(send, b"whole")
        await gate.wait()
        raise ValueError

    server = stage(app)
    peer = server.connect(request())
    assert peer.read_response().body == b"whole"
    gate.open()
    server.logs.wait(EXCEPTION)
    peer.expect_end()


def test_unprintable_exception_is_a_500(stage, monkeypatch):
    """FLT-C1: an exception that cannot be formatted harms nobody."""
    monkeypatch.setattr(logging, "raiseExceptions", False)

    async def app(scope, receive, send):
        raise Unprintable

    server = stage(app)
    assert_internal_server_error(server.ask())
    assert isinstance(server.logs.wait(EXCEPTION).exc_info[1], Unprintable)


def test_exception_from_deep_recursion_is_a_500(stage):
    """FLT-C1: there is room left to handle it."""

    async def app(scope, receive, send):
        await app(scope, receive, send)

    server = stage(app)
    assert_internal_server_error(server.ask())
    assert server.logs.wait(EXCEPTION).exc_info[0] is RecursionError


def test_exception_with_the_body_unread_is_a_500(stage):
    """FLT-C1, O10: the client gets the answer although it is still sending."""

    async def app(scope, receive, send):
        raise ValueError

    peer = stage(app).connect()
    peer.send(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\n\r\n" + b"x" * 500)
    assert_internal_server_error(peer.read_response())


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after waiting"])
def test_return_without_a_response_is_a_500(stage, waits):
    """ASGI-56, FLT-C2."""

    async def app(scope, receive, send):
        if waits:
            await pause()

    server = stage(app)
    peer = server.connect(request())
    assert_internal_server_error(peer.read_response())
    peer.expect_end()
    assert server.logs.wait(NOT_STARTED).levelno == logging.ERROR
    assert server.errors == [NOT_STARTED]


def test_return_with_body_pending_cuts_the_response(stage):
    """ASGI-56, FLT-C8."""

    async def app(scope, receive, send):
        await send(start())
        await send(body(b"part", more=True))

    server = stage(app)
    response = server.connect(request()).read_cut_response()
    assert response.body == b"part"
    server.logs.wait(NOT_COMPLETED)
    assert server.errors == [NOT_COMPLETED]


def test_return_with_head_sent_and_no_body_cuts_the_response(stage):
    """ASGI-56, O3: the head was on the wire, because the application waited."""

    async def app(scope, receive, send):
        await send(start())
        await pause()

    server = stage(app)
    assert server.connect(request()).read_cut_response().status == 200
    server.logs.wait(NOT_COMPLETED)
    assert server.errors == [NOT_COMPLETED]


@pytest.mark.parametrize("value", ["text", 0, False, b"", [1]])
def test_return_of_a_value_is_logged_and_closes(stage_with, value):
    """As uvicorn: even though the response is complete."""

    async def app(scope, receive, send):
        await answer(send, b"whole")
        return value

    server = stage_with(app, lifespan="off")
    peer = server.connect(request())
    assert peer.read_response().body == b"whole"
    peer.expect_end()
    server.logs.wait("ASGI callable should return None")
    assert server.errors == [RETURNED % (value,)]


def test_return_of_a_value_without_response_closes(stage_with):
    """As uvicorn: a bare close in uvicorn; a 500 would do as well, silence would not."""

    async def app(scope, receive, send):
        return "text"

    server = stage_with(app, lifespan="off")
    peer = server.connect(request())
    raw = peer.read_to_end()
    assert raw == b"" or raw.startswith(b"HTTP/1.1 500 ")
    server.logs.wait("ASGI callable should return None")


def test_failed_calls_do_not_disturb_their_neighbours(stage):
    """ASGI-8: the exception ends its own request, not another connection's."""
    gate = Gate()

    async def app(scope, receive, send):
        if scope["path"] == "/fails":
            raise Odd
        await send(start())
        await send(body(b"a", more=True))
        await gate.wait()
        await send(body(b"b"))

    server = stage(app)
    neighbour = server.connect(request("/fine"))
    gate.expect_reached()
    assert_internal_server_error(server.ask("/fails"))
    gate.open()
    assert neighbour.read_response().body == b"ab"


def test_response_sent_by_an_exception_handler_is_whole(stage):
    """ASGI-8: what middleware such as Starlette's ServerErrorMiddleware does, then raises."""

    async def app(scope, receive, send):
        try:
            raise LookupError("inner")
        except LookupError:
            await answer(send, b"sorry", status=500)
            raise

    server = stage(app)
    response = server.ask()
    assert (response.status, response.body) == (500, b"sorry")
    assert server.logs.wait(EXCEPTION).exc_info[0] is LookupError
