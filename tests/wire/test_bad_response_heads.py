"""Status and header values that an application may not send: FLT-C12 to C18, ASGI-54, O9, O11."""

from __future__ import annotations

import pytest

from tests.apps import answers, body, sends, start

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SIGN = b"x-injected"

BAD_NAMES = [
    *(
        b"",
        b" ",
        b"a b",
        b" a",
        b"a ",
        b"a:",
        b":",
        b"a:b",
        b"a\r\nx-injected: 1",
        b"a\nb",
        b"a\rb",
    ),
    *(
        b"a\x00",
        b"a\x01",
        b"a\x7f",
        b"a\tb",
        b"a(b",
        b"a,b",
        b'a"b',
        b"a/b",
        b"a[b]",
        b"a{b}",
        b"a@b",
    ),
    *(b"\x80", b"a\xff"),
]
BAD_VALUES = [
    *(b"a\r\nx-injected: 1", b"a\nx-injected: 1", b"a\rx-injected: 1", b"\r\n", b"\n", b"\r"),
    *(
        b"a\x00",
        b"\x00",
        b"a\x01b",
        b"a\x08",
        b"a\x0bb",
        b"a\x0cb",
        b"a\x1b[31m",
        b"a\x1f",
        b"a\x7f",
    ),
    *(b"a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"a\r\n b"),
]


def expect_refused(wire, *messages) -> None:
    """The error surfaces in `send`, the client gets a 500, and nothing of the bad head."""
    caught: list[Exception] = []

    async def app(scope, receive, send):
        for message in messages:
            try:
                await send(message)
            except Exception as error:
                caught.append(error)
                raise

    connection = wire.ask(app, GET + GET)
    raw = connection.read_to_end()
    assert raw.startswith(b"HTTP/1.1 500 ")
    assert raw.count(b"HTTP/1.1 ") == 1
    assert raw.endswith(b"\r\n\r\nInternal Server Error")
    assert SIGN not in raw
    assert connection.ending == "eof"
    assert len(caught) == 1
    wire.run(answers(b"alive"))
    following = wire.connect()
    following.send(GET)
    assert following.read_response().body == b"alive"


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_header_name_is_refused(wire, name) -> None:
    """FLT-C12."""
    expect_refused(wire, start(200, [(b"x-injected-before", b"1"), (name, b"x")]), body(b"x"))


@pytest.mark.parametrize("value", BAD_VALUES, ids=repr)
@pytest.mark.parametrize("name", [b"x-a", b"location", b"set-cookie", b"server", b"date"])
def test_header_value_is_refused(wire, name, value) -> None:
    """FLT-C12, ASGI-54: also where the server treats the name in a way of its own."""
    expect_refused(wire, start(200, [(name, value)]), body(b"x"))


@pytest.mark.parametrize("value", [b"chunked\r\nx-injected: 1", b"a\nx-injected: 1", b"\x00"])
@pytest.mark.parametrize("name", [b"transfer-encoding", b"connection", b"content-length"])
def test_framing_value_cannot_inject(wire, name, value) -> None:
    """FLT-C12, C13: dropped or refused, never written."""
    connection = wire.ask(answers(b"x", 200, [(name, value)]), GET)
    response = connection.read_response()
    assert response.status in ({200, 500} if name == b"transfer-encoding" else {500})
    assert response.every("x-injected") == []


@pytest.mark.parametrize(
    "headers",
    [
        [("x-a", b"b")],
        [(b"x-a", "b")],
        [("x-a", "b")],
        [(b"x-a", None)],
        [(b"x-a", 5)],
        [(None, b"b")],
        [(b"x-a",)],
        [(b"x-a", b"b", b"c")],
        [b"x-a"],
        [None],
        5,
    ],
    ids=repr,
)
def test_header_of_a_wrong_type_is_refused(wire, headers) -> None:
    """FLT-C15."""
    expect_refused(wire, {"type": "http.response.start", "status": 200, "headers": headers})


@pytest.mark.parametrize(
    "status",
    [0, 1, 99, 600, 999, 1000, -1, 2**31, 2**64, None, "200", b"200", 200.5, 200.0, [200]],
    ids=repr,
)
def test_status_is_refused(wire, status) -> None:
    """FLT-C17."""
    expect_refused(wire, start(status), body(b"x"))


def test_status_true_is_refused(wire) -> None:
    """FLT-C17: a bool is an int of Python's, and 1 is no status."""
    expect_refused(wire, start(True), body(b"x"))


@pytest.mark.parametrize("status", [100, 101, 102, 103, 150, 199])
def test_interim_status_as_final_is_refused(wire, status) -> None:
    """FLT-C18."""
    expect_refused(wire, start(status), body(b"x"))


@pytest.mark.parametrize(
    "values",
    [(b"5", b"6"), (b"6", b"5"), (b"5, 6",), (b"5", b"5", b"6"), (b"05", b"6")],
    ids=repr,
)
def test_content_lengths_that_differ_are_refused(wire, values) -> None:
    """FLT-C14, O11."""
    expect_refused(wire, start(200, [(b"content-length", v) for v in values]), body(b"hello"))


def test_content_lengths_that_agree_are_one(wire) -> None:
    headers = [(b"content-length", b"5"), (b"Content-Length", b"5")]
    connection = wire.ask(answers(b"hello", 200, headers), GET)
    response = connection.read_response()
    assert response.every("content-length") == ["5"]
    assert response.body == b"hello"
    connection.send(GET)
    assert connection.read_response().body == b"hello"


@pytest.mark.parametrize(
    "value", [b"", b"abc", b"-1", b"5.0", b"0x5", b"99999999999999999999", b"\xb2"]
)
def test_content_length_that_is_no_number_is_refused(wire, value) -> None:
    expect_refused(wire, start(200, [(b"content-length", value)]), body(b"hello"))


def test_huge_heads_are_sent_whole(wire) -> None:
    headers = [(b"x-%d" % n, b"v" * 100) for n in range(1000)]
    connection = wire.ask(sends(start(200, headers), body(b"x")), GET)
    response = connection.read_response()
    assert len([name for name in response.names if name.startswith("x-")]) == 1000
    connection.send(GET)
    assert connection.read_response().body == b"x"
