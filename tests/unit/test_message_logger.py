"""middleware/message_logger.py: uvicorn's trace lines, and nothing that a message carried."""

from __future__ import annotations

import asyncio
import logging

import pytest

from rsgi_bridge.middleware.message_logger import (
    MessageLoggerMiddleware,
    is_wanted,
    message_with_placeholders,
)


class Lines(logging.Handler):
    def __init__(self):
        super().__init__(level=1)
        self.texts = []

    def emit(self, record):
        assert (record.name, record.levelno) == ("uvicorn.asgi", 5)
        self.texts.append(record.getMessage())


@pytest.fixture
def lines():
    """What `uvicorn.asgi` logged, as texts."""
    handler = Lines()
    logger = logging.getLogger("uvicorn.asgi")
    logger.setLevel(5)
    logger.addHandler(handler)
    yield handler.texts
    logger.removeHandler(handler)


HTTP = {"type": "http", "client": ("127.0.0.1", 5000), "headers": [(b"cookie", b"secret")]}


def call(app, scope=HTTP, messages=()):
    """Calls the application once; returns what it sent."""
    incoming = iter(messages)
    sent = []

    async def receive():
        return next(incoming)

    async def send(message):
        sent.append(message)

    middleware = app if isinstance(app, MessageLoggerMiddleware) else MessageLoggerMiddleware(app)
    asyncio.run(middleware(scope, receive, send))
    return sent


async def echo(scope, receive, send):
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def test_lines_of_one_call(lines):
    # U5.4
    call(echo, messages=[{"type": "http.request", "body": b"secret", "more_body": False}])
    prefix = "127.0.0.1:5000 - ASGI [1]"
    assert lines == [
        f"{prefix} Started scope={{'type': 'http', 'client': ('127.0.0.1', 5000), "
        "'headers': '<...>'}",
        f"{prefix} Receive {{'type': 'http.request', 'body': '<6 bytes>', 'more_body': False}}",
        f"{prefix} Send {{'type': 'http.response.start', 'status': 200, 'headers': '<...>'}}",
        f"{prefix} Send {{'type': 'http.response.body', 'body': '<6 bytes>'}}",
        f"{prefix} Completed",
    ]


def test_messages_are_passed_on_as_they_were(lines):
    request = {"type": "http.request", "body": b"secret", "more_body": False}
    sent = call(echo, messages=[request])
    assert request["body"] == b"secret"
    assert sent[1] == {"type": "http.response.body", "body": b"secret"}


def test_client_is_left_out_where_there_is_none(lines):
    # U5.4: lifespan, and peers of Unix sockets.
    async def application(scope, receive, send):
        pass

    call(application, {"type": "lifespan"})
    call(application, {"type": "http", "client": None})
    assert lines[:2] == ["ASGI [1] Started scope={'type': 'lifespan'}", "ASGI [1] Completed"]
    assert lines[2].startswith("ASGI [1] Started scope=")


def test_calls_are_numbered(lines):
    # U5.4
    async def application(scope, receive, send):
        pass

    middleware = MessageLoggerMiddleware(application)
    for _ in range(3):
        call(middleware, {"type": "lifespan"})
    assert lines[1::2] == [f"ASGI [{number}] Completed" for number in (1, 2, 3)]
    assert middleware.task_counter == 3


def test_exception_is_told_and_passes(lines):
    # U5.4, ASGI-8
    async def application(scope, receive, send):
        raise LookupError("application's own")

    with pytest.raises(LookupError, match="application's own"):
        call(application, {"type": "lifespan"})
    assert lines[-1] == "ASGI [1] Raised exception"


def test_result_passes():
    # The server complains of a result, and must be able to at this level too.
    async def application(scope, receive, send):
        return "result"

    assert asyncio.run(MessageLoggerMiddleware(application)({}, None, None)) == "result"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ({"bytes": b"12", "text": None}, {"bytes": "<2 bytes>", "text": None}),
        ({"text": "123", "bytes": None}, {"text": "<3 chars>", "bytes": None}),
        ({"body": memoryview(b"1234")}, {"body": "<4 bytes>"}),
        ({"headers": iter([])}, {"headers": "<...>"}),
        ({"body": 5}, {"body": "<? bytes>"}),
        ("no dict", "no dict"),
    ],
)
def test_content_is_replaced_by_its_size(message, shown):
    # U5.4; ASGI-6: whatever is wrong in a message is for the server to tell.
    assert message_with_placeholders(message) == shown


@pytest.mark.parametrize(("level", "wanted"), [(5, True), (1, True), (logging.DEBUG, False)])
def test_wanted_at_level_trace(level, wanted):
    # U5.4
    logging.getLogger("uvicorn.error").setLevel(level)
    assert is_wanted() is wanted


def test_level_may_come_from_the_parent():
    # U5.1
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
    logging.getLogger("uvicorn").setLevel(5)
    assert is_wanted()
