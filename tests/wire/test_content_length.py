"""Content-Length: FLT-A25 to A30, each case whole, byte by byte, and cut at every offset."""

from __future__ import annotations

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.verdict import Case, accept, either, refuse

TOP = b"POST / HTTP/1.1\r\nHost: a\r\n"


def length(value: bytes, body: bytes = b"") -> bytes:
    return TOP + b"Content-Length: " + value + b"\r\n\r\n" + body


NOT_DECIMAL = (
    *(b"", b"abc", b"5a", b"a5", b"1 2", b"1\t2", b"5.0", b".5", b"5.", b"1_0", b"0x5", b"5h"),
    *(b"1e1", b"5;", b"5;a", b'"5"', b"5\x00", b"\xb2", b"5\xa0", b"\xd9\xa1", b"5\x0b", b"(5)"),
)
BEYOND_64_BITS = (
    *(b"18446744073709551616", b"18446744073709551621", b"36893488147419103237"),
    *(b"1" + b"0" * 30, b"9" * 400),
)

CASES = [
    *(refuse(f"A25-{value!r}", length(value)) for value in NOT_DECIMAL),
    *(refuse(f"A26-{value!r}", length(value)) for value in (b"+5", b"-5", b"+0", b"-0", b"-1")),
    *(refuse(f"A27-{value[:22]!r}", length(value), 400, 413) for value in BEYOND_64_BITS),
    refuse("A28-list-differs", length(b"5, 6", b"hello!")),
    refuse("A28-list-differs-reversed", length(b"6, 5", b"hello!")),
    refuse("A28-lines-differ", length(b"5\r\nContent-Length: 6", b"hello!")),
    refuse("A28-lines-differ-reversed", length(b"6\r\nContent-Length: 5", b"hello!")),
    refuse("A28-lines-differ-from-nought", length(b"0\r\nContent-Length: 5", b"hello")),
    refuse("A28-lines-differ-apart", length(b"5\r\nX: y\r\ncontent-length: 6", b"hello!")),
    refuse("A28-second-line-malformed", length(b"5\r\nContent-Length: a", b"hello")),
    refuse("A28-second-line-empty", length(b"5\r\nContent-Length:", b"hello")),
    either("A29-list-equal", length(b"5, 5", b"hello"), body=b"hello"),
    either("A29-list-equal-no-blank", length(b"5,5", b"hello"), body=b"hello"),
    either("A29-list-trailing-comma", length(b"5,", b"hello"), body=b"hello"),
    either("A29-lines-equal", length(b"5\r\nContent-Length: 5", b"hello"), body=b"hello"),
    either("A29-leading-nought", length(b"05", b"hello"), body=b"hello"),
    either("A29-many-leading-noughts", length(b"0" * 40 + b"5", b"hello"), body=b"hello"),
    accept(
        "A30-get-with-a-body",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        body=b"hello",
    ),
    accept(
        "A30-delete-with-a-body",
        b"DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        body=b"hello",
    ),
    accept(
        "A30-head-with-a-body",
        b"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        methods=("HEAD",),
        body=b"hello",
    ),
    accept(
        "A30-body-that-looks-like-a-request",
        length(b"35", b"GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n"),
        body=b"GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n",
    ),
    accept("A30-body-of-line-feeds", length(b"6", b"\n\n\r\r\n\x00"), body=b"\n\n\r\r\n\x00"),
    accept("A30-nought", length(b"0"), body=b""),
    accept("A30-blanks-around", length(b" \t5 \t", b"hello"), body=b"hello"),
    accept("A30-no-length", TOP + b"\r\n", body=b""),
    accept("A30-lower-case-name", TOP + b"content-length:5\r\n\r\nhello", body=b"hello"),
    accept(
        "A30-http-1.0",
        b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
        closes=True,
        body=b"hello",
    ),
    # A field of another name is never framing.
    accept("A36-underscore", TOP + b"Content_Length: 5\r\n\r\n", body=b""),
    accept("A36-longer-name", TOP + b"X-Content-Length: 5\r\n\r\n", body=b""),
    refuse("A20-blank-before-colon", TOP + b"Content-Length : 5\r\n\r\nhello"),
    refuse("A20-fold", TOP + b"Content-Length:\r\n 5\r\n\r\nhello"),
]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_content_length(case: Case, delivery: str, table) -> None:
    table.try_case(case, delivery)
