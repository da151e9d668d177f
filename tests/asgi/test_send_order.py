"""Messages sent in the wrong order or shape raise in uvicorn's words.

ASGI-5..7, ASGI-44, ASGI-49, FLT-C9, O2.
"""

from __future__ import annotations

from collections import OrderedDict

import pytest

from tests.apps import body, start
from tests.asgi.exchange import answer, request

EXPECTED_START = "Expected ASGI message 'http.response.start', but got '{}'."
EXPECTED_BODY = "Expected ASGI message 'http.response.body', but got '{}'."
ALREADY_COMPLETED = "Unexpected ASGI message '{}' sent, after response already completed."

NOT_A_START = [
    "http.response.body",
    "http.response.trailers",
    "http.response.pathsend",
    "http.response.push",
    "http.response.debug",
    "http.request",
    "http.disconnect",
    "websocket.accept",
    "lifespan.startup.complete",
    "HTTP.RESPONSE.START",
    "nonsense",
    "",
]


async def refused(send, message):
    """What `send` raises for a message; None if it takes it."""
    try:
        await send(message)
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("kind", NOT_A_START)
def test_first_message_must_be_a_start(stage, notes, kind):
    """ASGI-6: the error is raised at the call, and a valid start is accepted afterwards."""

    async def app(scope, receive, send):
        notes(await refused(send, {"type": kind}))
        await answer(send, b"recovered")

    server = stage(app)
    assert server.ask().body == b"recovered"
    error = notes.next()
    assert type(error) is RuntimeError
    assert str(error) == EXPECTED_START.format(kind)
    assert server.errors == []


@pytest.mark.parametrize("kind", ["http.response.start", *NOT_A_START[1:]])
def test_after_a_start_only_bodies_are_taken(stage, notes, kind):
    """ASGI-6: two starts, unadvertised extensions, unknown types; the response goes on."""

    async def app(scope, receive, send):
        await send(start())
        notes(await refused(send, {"type": kind, "status": 404}))
        await send(body(b"one", more=True))
        notes(await refused(send, {"type": kind, "status": 404}))
        await send(body(b"two"))

    response = stage(app).ask()
    assert (response.status, response.body) == (200, b"onetwo")
    for error in (notes.next(), notes.next()):
        assert type(error) is RuntimeError
        assert str(error) == EXPECTED_BODY.format(kind)


@pytest.mark.parametrize(
    "kind", ["http.response.body", "http.response.start", "http.response.trailers", "nonsense"]
)
def test_after_the_end_everything_is_refused(stage, notes, kind):
    """ASGI-49, ASGI-N1, O2: and nothing of it is seen by the client."""

    async def app(scope, receive, send):
        await answer(send, b"whole")
        notes(await refused(send, {"type": kind, "status": 200, "body": b"more"}))

    peer = stage(app).connect(request())
    assert peer.read_response().body == b"whole"
    error = notes.next()
    assert type(error) is RuntimeError
    assert str(error) == ALREADY_COMPLETED.format(kind)
    peer.send(request())
    assert peer.read_response().body == b"whole"


def test_trailers_that_are_not_advertised_come_after_the_end(stage, notes):
    """ASGI-50, O4: `trailers: True` is ignored while there is no such extension."""

    async def app(scope, receive, send):
        await send(start(trailers=True))
        await send(body(b"whole"))
        notes(await refused(send, {"type": "http.response.trailers", "headers": []}))

    response = stage(app).ask()
    assert response.body == b"whole"
    assert str(notes.next()) == ALREADY_COMPLETED.format("http.response.trailers")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (None, TypeError),
        ("http.response.start", TypeError),
        (b"http.response.start", TypeError),
        ([("type", "http.response.start")], TypeError),
        (1, TypeError),
        ({}, KeyError),
        ({"status": 200}, KeyError),
    ],
    ids=["none", "str", "bytes", "pairs", "int", "empty", "no-type"],
)
def test_what_is_no_message_is_refused(stage, notes, message, kind):
    """ASGI-6: before the start and after it; the response is none the worse."""

    async def app(scope, receive, send):
        notes(await refused(send, message))
        await send(start())
        notes(await refused(send, message))
        await send(body(b"fine"))

    assert stage(app).ask().body == b"fine"
    assert isinstance(notes.next(), kind)
    assert isinstance(notes.next(), kind)


@pytest.mark.parametrize("kind", [None, 1, b"http.response.start", ["x"]])
def test_type_that_is_no_string_is_refused(stage, notes, kind):
    """ASGI-6."""

    async def app(scope, receive, send):
        notes(await refused(send, {"type": kind, "status": 200}))
        await answer(send, b"fine")

    assert stage(app).ask().body == b"fine"
    assert isinstance(notes.next(), (RuntimeError, TypeError))


def test_extra_keys_never_raise(stage):
    """ASGI-7."""

    async def app(scope, receive, send):
        await send(start(x=1, more_body=True, body=b"not yet"))
        await send({**body(b"a", more=True), "x": [1], "status": 500, "headers": 5})
        await send({**body(b"b"), "x": None, "trailers": True})

    response = stage(app).ask()
    assert (response.status, response.body) == (200, b"ab")


def test_keys_with_defaults_may_be_missing(stage):
    """ASGI-44: `headers`, `body` and `more_body`."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    response = stage(app).ask()
    assert (response.status, response.body) == (200, b"")


def test_missing_status_raises_key_error(stage, notes):
    """ASGI-6, O9."""

    async def app(scope, receive, send):
        notes(await refused(send, {"type": "http.response.start", "headers": []}))
        await answer(send, b"fine")

    assert stage(app).ask().body == b"fine"
    error = notes.next()
    assert isinstance(error, KeyError)
    assert error.args == ("status",)


@pytest.mark.parametrize("more", [1, "yes", [0]])
def test_more_body_is_read_as_truth(stage, more):
    """uvicorn reads its truth value, and so do applications that count on it."""

    async def app(scope, receive, send):
        await send(start())
        await send({"type": "http.response.body", "body": b"a", "more_body": more})
        await send({"type": "http.response.body", "body": b"b", "more_body": None})

    assert stage(app).ask().body == b"ab"


def test_subclass_of_dict_is_a_message(stage):
    """Middleware sends OrderedDict and the like."""

    class Str(str):
        pass

    async def app(scope, receive, send):
        await send(OrderedDict(type=Str("http.response.start"), status=200, headers=[]))
        await send(OrderedDict(type=Str("http.response.body"), body=b"ordered"))

    assert stage(app).ask().body == b"ordered"


def test_send_returns_none_and_keeps_nothing(stage, notes):
    """ASGI-5: a message is the application's again when `send` has returned."""

    async def app(scope, receive, send):
        headers = [(b"x-a", b"1")]
        message = start(headers=headers)
        message["headers"] = headers
        notes(await send(message))
        headers.append((b"x-late", b"1"))
        message["status"] = 500
        message = body(b"first", more=True)
        notes(await send(message))
        message["body"] = b"other"
        notes(await send(body(b" last")))

    response = stage(app).ask()
    assert (response.status, response.body) == (200, b"first last")
    assert response.one("x-a") == "1"
    assert response.one("x-late") is None
    assert notes.rest() == [None, None, None]


@pytest.mark.parametrize("arguments", [(), ({}, {})], ids=["none", "two"])
def test_send_takes_exactly_one_argument(stage, notes, arguments):
    """ASGI-5."""

    async def app(scope, receive, send):
        try:
            await send(*arguments)
        except TypeError as error:
            notes(error)
        await answer(send, b"fine")

    assert stage(app).ask().body == b"fine"
    assert isinstance(notes.next(), TypeError)


def test_receive_takes_no_argument(stage, notes):
    """ASGI-5."""

    async def app(scope, receive, send):
        try:
            await receive(1)
        except TypeError as error:
            notes(error)
        await answer(send, b"fine")

    assert stage(app).ask().body == b"fine"
    assert isinstance(notes.next(), TypeError)
