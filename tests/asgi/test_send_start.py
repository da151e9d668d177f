"""`http.response.start`: which statuses and headers are taken, and what happens to the others.

ASGI-6, ASGI-44, ASGI-46, ASGI-54, FLT-C12..C18, O9, O11, O13. Every refused start is followed by a
valid one: it must go out alone, with not a byte of the refused one beside it.
"""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.apps import body, start
from tests.asgi.exchange import answer, request


def try_start(stage, notes, message):
    """Send a start that must raise, then a valid response; the error, and what the client saw."""

    async def app(scope, receive, send):
        try:
            await send(message)
        except Exception as error:
            notes(error)
        else:
            notes(None)
        await answer(send, b"valid", status=201)

    server = stage(app)
    response = server.ask()
    error = notes.next()
    assert error is not None, "the start was accepted"
    assert (response.status, response.body) == (201, b"valid")
    assert "x-bad" not in response.names
    assert server.errors == []
    return error


PAIRS = [(b"X-First", b"1"), (b"x-second", b"2"), (b"x-third", b"3")]
SHAPES = {
    "list": list,
    "tuple": tuple,
    "generator": lambda pairs: (pair for pair in pairs),
    "lists": lambda pairs: [list(pair) for pair in pairs],
    "dict items": lambda pairs: dict(pairs).items(),
    "iterators": lambda pairs: [iter(pair) for pair in pairs],
}


@pytest.mark.parametrize("status", [200, 204, 299, 304, 404, 418, 451, 500, 599])
def test_status_is_sent(stage, status):
    """ASGI-44."""

    async def app(scope, receive, send):
        await answer(send, b"", status=status)

    assert stage(app).ask().status == status


def test_status_may_be_an_int_enum(stage):
    """Frameworks pass http.HTTPStatus."""

    async def app(scope, receive, send):
        await answer(send, status=HTTPStatus.NOT_FOUND)

    response = stage(app).ask()
    assert (response.status, response.phrase) == (404, "Not Found")


@pytest.mark.parametrize("status", [0, 1, 99, 600, 999, 1000, -1, -200, 2**16 + 200, 2**40, 2**70])
def test_status_out_of_range_raises(stage, notes, status):
    """FLT-C17, O9."""
    error = try_start(stage, notes, start(status))
    assert isinstance(error, (KeyError, ValueError, OverflowError, RuntimeError))


@pytest.mark.parametrize("status", [None, "200", b"200", 200.5, 200.0, True, [200]], ids=repr)
def test_status_of_another_type_raises(stage, notes, status):
    """FLT-C17, O9."""
    error = try_start(stage, notes, start(status))
    assert isinstance(error, (KeyError, TypeError, ValueError))


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
def test_interim_status_as_final_raises(stage, notes, status):
    """FLT-C18, O9."""
    error = try_start(stage, notes, start(status))
    assert isinstance(error, (KeyError, ValueError, RuntimeError))


BAD_NAMES = {
    "empty": [b""],
    "controls and blank": [b"x%cy" % octet for octet in [*range(0x21), 0x7F]],
    "delimiters": [b"x%cy" % octet for octet in b'()<>@,;:\\[]={}"'],
    "ends": [b" x", b"x ", b"\tx", b"x\n", b"x\r\n", b"\0"],
    "pseudo": [b":status"],
    "injection": [b"x\r\nx-injected: 1\r\ny"],
}
BAD_VALUES = {
    "controls": [b"a%cb" % octet for octet in [*range(9), *range(10, 0x20), 0x7F]],
    "ends": [b"\n", b"a\n", b"a\r", b"\0", b"a\0"],
    "injection": [b"a\r\nx-injected: 1", b"a\r\n\r\nbody", b"a\r\n folded"],
}


@pytest.mark.parametrize("case", BAD_NAMES)
def test_bad_header_name_raises(stage, notes, case):
    """ASGI-54, ASGI-118, FLT-C12."""
    for name in BAD_NAMES[case]:
        error = try_start(stage, notes, start(headers=[(b"x-bad", b"1"), (name, b"v")]))
        assert type(error) is RuntimeError, name
        assert str(error) == "Invalid HTTP header name.", name


@pytest.mark.parametrize("case", BAD_VALUES)
def test_bad_header_value_raises(stage, notes, case):
    """ASGI-54, FLT-C12."""
    for value in BAD_VALUES[case]:
        error = try_start(stage, notes, start(headers=[(b"x-bad", value)]))
        assert type(error) is RuntimeError, value
        assert str(error) == "Invalid HTTP header value.", value


@pytest.mark.parametrize(
    "header",
    [
        ("x-bad", b"v"),
        (b"x-bad", "v"),
        (b"x-bad", None),
        (None, b"v"),
        (b"x-bad", 1),
        (1, b"v"),
        (b"x-bad", [b"v"]),
    ],
    ids=repr,
)
def test_header_that_is_not_bytes_raises_type_error(stage, notes, header):
    """ASGI-6, FLT-C15."""
    assert isinstance(try_start(stage, notes, start(headers=[header])), TypeError)


@pytest.mark.parametrize("headers", [None, 5, [5], [None], "ab", [()], [(b"x-bad",)], [b"x-bad"]])
def test_headers_of_another_shape_raise(stage, notes, headers):
    """ASGI-6: neither an iterable, nor of pairs."""
    message = {"type": "http.response.start", "status": 200, "headers": headers}
    assert isinstance(try_start(stage, notes, message), (TypeError, ValueError))


def test_header_of_three_parts_raises(stage, notes):
    """ASGI-6."""
    error = try_start(stage, notes, start(headers=[(b"x-bad", b"1", b"2")]))
    assert isinstance(error, (TypeError, ValueError))


def test_headers_whose_iteration_fails_raise_that(stage, notes):
    """ASGI-6: the application's own error comes back to it."""

    def broken():
        yield (b"x-bad", b"1")
        raise LookupError("mine")

    message = {"type": "http.response.start", "status": 200, "headers": broken()}
    assert isinstance(try_start(stage, notes, message), LookupError)


@pytest.mark.parametrize("shape", SHAPES)
def test_headers_may_be_any_iterable_of_pairs(stage, shape):
    """ASGI-29, ASGI-44: order is kept, names are sent in lower case."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": SHAPES[shape](PAIRS)})
        await send(body(b"ok"))

    response = stage(app).ask()
    sent = [(name, value) for name, value in response.fields if name.startswith("x-")]
    assert sent == [("x-first", "1"), ("x-second", "2"), ("x-third", "3")]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_header_values_may_be_any_bytes_like(stage, kind):
    """As in uvicorn, and for names a bytearray."""

    async def app(scope, receive, send):
        await answer(send, headers=[(bytearray(b"x-kind"), kind(b"value"))])

    assert stage(app).ask().one("x-kind") == "value"


@pytest.mark.parametrize(
    "value", [b"", b"\x80\xff", b"a\tb", b"a  b", b'"quoted", (all) [of] {it}=']
)
def test_lawful_header_values_are_sent_as_they_are(stage, value):
    """ASGI-54: tabs and bytes from 0x80 up are lawful."""

    async def app(scope, receive, send):
        await answer(send, headers=[(b"x-value", value)])

    assert stage(app).ask().one("x-value") == value.decode("latin-1")


def test_equal_header_names_are_kept_in_order(stage):
    """ASGI-29: set-cookie above all."""
    cookies = [(b"set-cookie", b"a=1"), (b"x-other", b"1"), (b"Set-Cookie", b"b=2")]

    async def app(scope, receive, send):
        await answer(send, headers=cookies)

    assert stage(app).ask().every("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    "value", [b"abc", b"", b"-1", b"+5", b"1_0", b"5, 5", b"0x5", b"5.0", b"9" * 30]
)
def test_content_length_that_is_no_number_raises(stage, notes, value):
    """ASGI-6, O9."""
    error = try_start(stage, notes, start(headers=[(b"content-length", value)]))
    assert isinstance(error, (ValueError, OverflowError, RuntimeError))


def test_differing_content_lengths_raise(stage, notes):
    """FLT-C14, O11."""
    lengths = [(b"content-length", b"5"), (b"Content-Length", b"6")]
    error = try_start(stage, notes, start(headers=lengths))
    assert isinstance(error, (ValueError, RuntimeError))


def test_equal_content_lengths_are_one(stage):
    """FLT-C14, O11."""

    async def app(scope, receive, send):
        lengths = [(b"content-length", b"5"), (b"Content-Length", b"5")]
        await answer(send, b"hello", headers=lengths)

    response = stage(app).ask()
    assert (response.body, response.one("content-length")) == (b"hello", "5")


@pytest.mark.parametrize("coding", [b"chunked", b"identity", b"gzip, chunked", b"gzip"])
@pytest.mark.parametrize("length", [[], [(b"content-length", b"5")]], ids=["alone", "with length"])
def test_transfer_encoding_is_the_servers_business(stage, coding, length):
    """ASGI-46, FLT-C13, O11: dropped; the framing is one and valid, the connection usable."""

    async def app(scope, receive, send):
        await answer(send, b"hello", headers=[(b"Transfer-Encoding", coding), *length])

    peer = stage(app).connect(request(), request())
    for _ in range(2):
        response = peer.read_response()
        assert response.body == b"hello"
        assert response.framing == "length"


@pytest.mark.parametrize("name", ["date", "server"])
def test_date_and_server_of_the_application_win(stage, name):
    """ASGI-N14, O13."""

    async def app(scope, receive, send):
        await answer(send, headers=[(name.title().encode(), b"mine")])

    assert stage(app).ask().every(name) == ["mine"]


def test_invalid_start_that_escapes_is_a_500(stage):
    """FLT-C12, C17, O9, O10: logged, and not a byte of the refused head on the wire."""

    async def app(scope, receive, send):
        await send(start(headers=[(b"x-bad", b"a\r\nx-injected: 1")]))

    server = stage(app)
    peer = server.connect(request())
    response = peer.read_response()
    assert (response.status, response.body) == (500, b"Internal Server Error")
    assert not {"x-bad", "x-injected"} & set(response.names)
    peer.expect_end()
    assert server.logs.wait("Exception in ASGI application").exc_info[0] is RuntimeError
