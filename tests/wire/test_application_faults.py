"""What a peer sees when the application fails: FLT-C1 to C11, C20, O2, O3, O9, O10, O32."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.apps import PLAIN, Gate, answers, body, sends, start
from tests.clients.response import WireError

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
TRACEBACK = "Exception in ASGI application"


class OnPurpose(Exception):
    pass


def raises(error: BaseException, *messages):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)
        raise error

    return app


def expect_500(connection, method: str = "GET") -> None:
    """O10: the server's own answer to a failed application, word for word."""
    response = connection.read_response(method)
    assert response.status == 500
    assert response.phrase == "Internal Server Error"
    assert response.one("content-type") == "text/plain; charset=utf-8"
    assert response.one("content-length") == "21"
    assert response.one("connection") == "close"
    assert response.one("server") == "rsgi"
    assert response.one("date")
    assert response.body == (b"" if method == "HEAD" else b"Internal Server Error")
    connection.expect_end()


def expect_alive(wire) -> None:
    wire.run(answers(b"alive"))
    connection = wire.connect()
    connection.send(GET)
    assert connection.read_response().body == b"alive"


def expect_traceback(wire, error: type[BaseException]) -> None:
    wire.logs.wait(TRACEBACK)
    records = [r for r in wire.logs if r.levelno >= logging.ERROR]
    assert len(records) == 1
    assert records[0].name == "uvicorn.error"
    assert records[0].exc_info is not None
    assert records[0].exc_info[0] is error


ERRORS = [
    OnPurpose("secret"),
    asyncio.CancelledError("secret"),
    SystemExit(7),
    KeyboardInterrupt(),
    GeneratorExit(),
    BaseException("secret"),
    MemoryError(),
    StopAsyncIteration(),
    ConnectionResetError("secret"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_raise_before_start_is_500(wire, error) -> None:
    """FLT-C1, C10, C11: whatever it is, the server lives."""
    connection = wire.ask(raises(error), GET)
    expect_500(connection)
    expect_traceback(wire, type(error))
    expect_alive(wire)


def test_raise_before_start_of_a_head_request_has_no_body(wire) -> None:
    expect_500(wire.ask(raises(OnPurpose()), HEAD), "HEAD")


def test_raise_before_start_with_an_unread_body_is_500(wire) -> None:
    """FLT-A1: the answer is readable although the client was still sending."""
    connection = wire.ask(
        raises(OnPurpose()), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n"
    )
    connection.send(b"x" * 300_000)
    expect_500(connection)


def test_raise_synchronously_is_500(wire) -> None:
    def app(scope, receive, send):
        raise OnPurpose

    expect_500(wire.ask(app, GET))
    expect_alive(wire)


def test_return_without_a_response_is_500(wire) -> None:
    """FLT-C2."""
    expect_500(wire.ask(sends(), GET))
    wire.logs.wait("ASGI callable returned without starting response.")
    expect_alive(wire)


def test_return_after_start_alone_is_500_or_cut(wire) -> None:
    connection = wire.ask(sends(start(200, PLAIN)), GET)
    head = connection.read_head()
    assert head.status in {200, 500}
    if head.status == 200:
        with pytest.raises(WireError):
            connection.read_chunk()
    wire.logs.wait("ASGI callable returned without completing response.")
    expect_alive(wire)


def test_return_of_a_value_is_logged(wire) -> None:
    async def app(scope, receive, send):
        await answers(b"ok")(scope, receive, send)
        return 7

    response = wire.ask(app, GET).read_response()
    assert response.body == b"ok"
    wire.logs.wait("ASGI callable should return None, but returned '7'.")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_raise_after_held_start_is_500(wire, error) -> None:
    """FLT-C3, O3: nothing was on the wire yet."""
    connection = wire.ask(raises(error, start(200, [(b"x-lost", b"1")])), GET)
    expect_500(connection)
    expect_traceback(wire, type(error))


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"100")]], ids=["chunked", "length"])
def test_raise_after_the_head_is_out_is_a_cut(wire, headers) -> None:
    """FLT-C3, ASGI-45: the application waited in between."""
    gate = Gate()

    async def app(scope, receive, send):
        await send(start(200, headers))
        await gate.wait()
        raise OnPurpose

    connection = wire.ask(app, GET)
    assert connection.read_head().status == 200
    gate.open()
    assert connection.read_to_end() == b""
    assert connection.ending == "eof"
    expect_traceback(wire, OnPurpose)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_raise_in_a_chunked_body_is_a_cut(wire, error) -> None:
    """FLT-C4: no terminating chunk."""
    app = raises(error, start(200, PLAIN), body(b"one", more=True), body(b"two", more=True))
    connection = wire.ask(app, GET)
    response = connection.read_cut_response()
    assert b"onetwo".startswith(response.body)
    assert connection.ending == "eof"
    expect_traceback(wire, type(error))
    expect_alive(wire)


def test_raise_in_a_sized_body_is_a_cut(wire) -> None:
    """FLT-C5."""
    headers = [(b"content-length", b"100")]
    connection = wire.ask(raises(OnPurpose(), start(200, headers), body(b"one", more=True)), GET)
    response = connection.read_cut_response()
    assert response.body == b"one"
    assert connection.ending == "eof"
    expect_traceback(wire, OnPurpose)


def test_raise_in_a_body_of_http_1_0_is_a_close(wire) -> None:
    app = raises(OnPurpose(), start(200, PLAIN), body(b"one", more=True))
    connection = wire.ask(app, b"GET / HTTP/1.0\r\n\r\n")
    assert connection.read_head().framing == "close"
    connection.read_to_end()
    expect_traceback(wire, OnPurpose)


def test_raise_after_the_end_keeps_the_answer(wire) -> None:
    connection = wire.ask(raises(OnPurpose(), *(start(200, PLAIN), body(b"whole"))), GET)
    assert connection.read_response().body == b"whole"
    expect_traceback(wire, OnPurpose)
    expect_alive(wire)


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"100")]], ids=["chunked", "length"])
def test_return_with_more_body_promised_is_a_cut(wire, headers) -> None:
    """FLT-C8."""
    connection = wire.ask(sends(start(200, headers), body(b"one", more=True)), GET)
    response = connection.read_cut_response()
    assert b"one".startswith(response.body)
    assert connection.ending == "eof"
    wire.logs.wait("ASGI callable returned without completing response.")
    expect_alive(wire)


@pytest.mark.parametrize("sent", [[b"four"], [b"fo", b"ur"], [b""], [b"four", b""]], ids=str)
def test_body_shorter_than_declared_is_a_cut(wire, sent) -> None:
    """FLT-C6, ASGI-55."""
    messages = [body(piece, more=True) for piece in sent[:-1]] + [body(sent[-1])]
    connection = wire.ask(sends(start(200, [(b"content-length", b"100")]), *messages), GET)
    response = connection.read_head()
    rest = connection.read_to_end()
    if response.status == 200:
        assert response.one("content-length") == "100"
        assert b"".join(sent).startswith(rest)
    else:
        assert response.status == 500
    assert connection.ending == "eof"
    record = wire.logs.wait(TRACEBACK)
    assert str(record.exc_info[1]) == "Response content shorter than Content-Length"
    expect_alive(wire)


@pytest.mark.parametrize(
    ("length", "sent"),
    [
        (b"2", [b"hello world"]),
        (b"2", [b"hell", b"o"]),
        (b"7", [b"hello", b" world"]),
        (b"5", [b"hello", b"!"]),
        (b"0", [b"x"]),
    ],
    ids=str,
)
def test_body_longer_than_declared_is_never_sent(wire, length, sent) -> None:
    """FLT-C7, O32: nothing of the message that goes too far."""
    messages = [body(piece, more=True) for piece in sent[:-1]] + [body(sent[-1])]
    app = sends(start(200, [(b"content-length", length)]), *messages)
    connection = wire.ask(app, GET + GET)
    raw = connection.read_to_end()
    assert connection.ending == "eof"
    head, _, rest = raw.partition(b"\r\n\r\n")
    assert raw.count(b"HTTP/1.1 ") <= 1
    if head.startswith(b"HTTP/1.1 200"):
        fitting = b""
        for piece in sent:
            if len(fitting) + len(piece) > int(length):
                break
            fitting += piece
        assert rest == fitting
    elif raw:
        assert head.startswith(b"HTTP/1.1 500")
    record = wire.logs.wait(TRACEBACK)
    assert str(record.exc_info[1]) == "Response content longer than Content-Length"
    expect_alive(wire)


def test_body_longer_than_declared_and_swallowed_still_closes(wire) -> None:
    async def app(scope, receive, send):
        await send(start(200, [(b"content-length", b"5")]))
        await send(body(b"hello", more=True))
        with pytest.raises(RuntimeError, match="longer than Content-Length"):
            await send(body(b"!", more=True))

    connection = wire.ask(app, GET + GET)
    raw = connection.read_to_end()
    assert raw.count(b"HTTP/1.1 ") == 1
    assert raw.endswith(b"\r\n\r\nhello")


ORDER = {
    "body-first": [body(b"x")],
    "two-starts": [start(200), start(200)],
    "unknown-first": [{"type": "http.response.nonsense"}],
    "unknown-then": [start(200), {"type": "http.response.nonsense"}],
    "str-body": [start(200), {"type": "http.response.body", "body": "text"}],
    "none-body": [start(200), {"type": "http.response.body", "body": None}],
    "int-body": [start(200), {"type": "http.response.body", "body": 5}],
    "no-type": [{}],
    "no-status": [{"type": "http.response.start"}],
    "not-a-dict": [None],
    "list": [["http.response.start"]],
}


@pytest.mark.parametrize("messages", ORDER.values(), ids=ORDER)
def test_wrong_message_is_500_when_nothing_was_sent(wire, messages) -> None:
    """FLT-C9, ASGI-6: `send` raises, and what escapes is answered as any other error."""
    expect_500(wire.ask(sends(*messages), GET))
    wire.logs.wait(TRACEBACK)
    expect_alive(wire)


@pytest.mark.parametrize("wrong", [start(200), {"type": "x"}, body("text"), None], ids=str)
def test_wrong_message_in_a_body_is_a_cut(wire, wrong) -> None:
    connection = wire.ask(sends(start(200), body(b"one", more=True), wrong), GET)
    connection.read_cut_response()
    assert connection.ending == "eof"
    expect_alive(wire)


@pytest.mark.parametrize("extra", [body(b"again"), start(200), {"type": "x"}], ids=str)
def test_message_after_the_end_changes_nothing_on_the_wire(wire, extra) -> None:
    """O2: RuntimeError in the application, one whole answer for the client."""
    raised: list[BaseException] = []

    async def app(scope, receive, send):
        await answers(b"whole")(scope, receive, send)
        try:
            await send(extra)
        except RuntimeError as error:
            raised.append(error)

    connection = wire.ask(app, GET)
    assert connection.read_response().body == b"whole"
    connection.send(GET)
    assert connection.read_response().body == b"whole"
    assert "after response already completed" in str(raised[0])


def test_wrong_start_then_a_right_one_is_served(wire) -> None:
    """O9: a valid start is still accepted afterwards."""

    async def app(scope, receive, send):
        for wrong in (start(99), start(200, [(b"a b", b"c")]), start(200, [(b"a", b"b\r\nc: d")])):
            try:
                await send(wrong)
            except Exception:
                continue
            raise AssertionError(wrong)
        await answers(b"fine")(scope, receive, send)

    connection = wire.ask(app, GET)
    response = connection.read_response()
    assert response.body == b"fine"
    assert response.every("c") == []
    connection.send(GET)
    assert connection.read_response().body == b"fine"


def test_application_that_hangs_leaves_the_server_alive(wire) -> None:
    """FLT-C20."""
    gate = Gate()

    async def app(scope, receive, send):
        await gate.wait()
        await answers(b"at last")(scope, receive, send)

    hanging = wire.ask(app, GET)
    gate.expect_reached()
    expect_alive(wire)
    gate.open()
    assert hanging.read_response().body == b"at last"
