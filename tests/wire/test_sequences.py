"""Several requests on one connection and fields with a meaning: FLT-A2, A4, A48 to A56, O33.

Each case whole, byte by byte, and cut at every offset.
"""

from __future__ import annotations

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.verdict import (
    Case,
    Verdict,
    accept,
    closed_after,
    either,
    refuse,
    refused,
    sequence,
    served,
)

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
BAD = b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"


def get(*lines: bytes, version: bytes = b"1.1", method: bytes = b"GET", body: bytes = b"") -> bytes:
    head = (
        method + b" / HTTP/" + version + b"\r\nHost: a\r\n" + b"".join(n + b"\r\n" for n in lines)
    )
    return head + b"\r\n" + body


PIPELINED = [
    sequence("A54-two", GET + GET, served(2)),
    sequence("A54-ten", GET * 10, served(10)),
    sequence("A54-bodies-between", GET + POST + CHUNKED + POST + GET, served(5)),
    sequence(
        "A54-head-between", GET + b"HEAD" + GET[3:] + GET, served(3), methods=("GET", "HEAD", "GET")
    ),
    sequence("A9-empty-line-between", POST + b"\r\n" + GET, served(2)),
    sequence("A54-trailers-between", CHUNKED[:-2] + b"X: y\r\n\r\n" + GET, served(2)),
    sequence("A2-nothing-after-a-refusal", BAD + GET, refused(400)),
    sequence(
        "A2-nothing-after-a-broken-line",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n" + GET * 3,
        refused(400),
    ),
    sequence("O33-refused-after-one", GET + BAD, refused(400, after=1)),
    sequence("O33-refused-after-three", GET + POST + CHUNKED + BAD + GET, refused(400, after=3)),
    sequence(
        "O33-bare-lf-after-one", GET + b"GET / HTTP/1.1\nHost: a\r\n\r\n", refused(400, after=1)
    ),
    sequence(
        "O33-junk-after-one",
        GET + b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        refused(400, after=1),
    ),
    sequence(
        "O33-length-and-coding-after-one",
        GET + get(b"Content-Length: 5", b"Transfer-Encoding: chunked", method=b"POST") + GET,
        refused(400, after=1),
    ),
    sequence(
        "A47-broken-chunk-after-one",
        GET + CHUNKED[:-7] + b"X\r\n" + GET,
        refused(400, after=1),
        in_body=True,
    ),
]

CLOSING = [
    sequence("A55-close", CLOSE + GET, closed_after(1)),
    sequence("A55-close-alone", CLOSE, closed_after(1)),
    sequence("A55-close-then-junk", CLOSE + b"\x00\xffjunk", closed_after(1)),
    *(
        sequence(f"A55-{value!r}", get(b"Connection: " + value) + GET, closed_after(1))
        for value in (
            b"Close",
            b"CLOSE",
            b"close, x",
            b"x, close",
            b"keep-alive, close",
            b"x,close ,y",
        )
    ),
    sequence(
        "A55-close-in-second-line",
        get(b"Connection: x", b"Connection: close") + GET,
        closed_after(1),
    ),
    sequence("A55-keep-alive", get(b"Connection: keep-alive") + GET, served(2)),
    sequence("A55-close-is-a-whole-word", get(b"Connection: closed, enclose") + GET, served(2)),
    sequence("A55-http-1.0", OLD + GET, closed_after(1)),
    sequence(
        "A55-http-1.0-close", get(b"Connection: close", version=b"1.0") + GET, closed_after(1)
    ),
    sequence(
        "A55-http-1.0-keep-alive",
        get(b"Connection: keep-alive", version=b"1.0"),
        closed_after(1),
        served(1),
    ),
    sequence(
        "A55-post-close",
        get(b"Connection: close", b"Content-Length: 5", method=b"POST", body=b"hello!") + GET,
        closed_after(1),
    ),
    sequence("A54-close-after-two", GET + POST + CLOSE + GET, closed_after(3)),
]

JUNK = [
    *(
        sequence(f"A56-{name}", first + junk, refused(400, after=1), closed_after(1))
        for name, first, junk in (
            ("bytes-after-length", POST, b"XX\r\n\r\n"),
            ("bytes-glued-to-a-request", POST, b"XX" + b" / HTTP/1.1\r\nHost a\r\n\r\n"),
            ("bytes-after-chunks", CHUNKED, b"XX\r\n\r\n"),
            ("blank-before-the-next", POST, b" " + GET),
            ("rest-of-a-chunk", CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"),
            ("bytes-after-a-get", GET, b"hello\r\n\r\n"),
            ("control-bytes", POST, b"\x00\x01\x02\x03\r\n\r\n"),
        )
    ),
]

ANY_BUT_101 = frozenset({200, 400, 405, 426, 501})


def never_101(id: str, raw: bytes) -> Case:
    verdicts = (served(1), closed_after(1), Verdict((ANY_BUT_101 - {200},), closes=True, calls=0))
    return Case(id, raw, verdicts)


HANDSHAKE = (
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")

MEANINGS = [
    either("A48-unknown-expectation", get(b"Expect: x"), 400, 417),
    accept("A48-expect-without-body", get(b"Expect: 100-continue")),
    accept(
        "A48-expect-body-at-once",
        get(b"Expect: 100-continue", b"Content-Length: 5", method=b"POST", body=b"hello"),
        body=b"hello",
    ),
    accept(
        "A48-expect-chunked",
        get(
            b"Expect: 100-Continue",
            b"Transfer-Encoding: chunked",
            method=b"POST",
            body=b"5\r\nhello\r\n0\r\n\r\n",
        ),
        body=b"hello",
    ),
    accept(
        "A49-http-1.0-gets-no-1xx",
        get(
            b"Expect: 100-continue",
            b"Content-Length: 5",
            version=b"1.0",
            method=b"POST",
            body=b"hello",
        ),
        closes=True,
        body=b"hello",
    ),
    accept("A50-head", get(method=b"HEAD"), methods=("HEAD",)),
    never_101("A51-websocket-over-http-1.0", get(*HANDSHAKE, version=b"1.0")),
    never_101("A51-websocket-by-post", get(*HANDSHAKE, method=b"POST")),
    never_101("A51-websocket-by-put", get(*HANDSHAKE, b"Content-Length: 0", method=b"PUT")),
    accept("A52-h2c", get(*H2C)),
    accept(
        "A52-h2c-with-body",
        get(*H2C, b"Content-Length: 5", method=b"POST", body=b"hello"),
        body=b"hello",
    ),
    sequence("A52-h2c-then-get", get(*H2C) + GET, served(2)),
    accept("A53-other-token", get(b"Connection: upgrade", b"Upgrade: foo/1")),
    accept(
        "A53-other-token-with-body",
        get(
            b"Connection: upgrade",
            b"Upgrade: foo",
            b"Content-Length: 5",
            method=b"POST",
            body=b"hello",
        ),
        body=b"hello",
    ),
    sequence(
        "A53-other-token-then-get", get(b"Connection: upgrade", b"Upgrade: foo") + GET, served(2)
    ),
    accept("A53-without-connection-token", get(b"Upgrade: foo")),
    refuse(
        "A6-tls-client-hello",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x5a" * 32 + b"\r\n\r\n",
    ),
]

CASES = PIPELINED + CLOSING + JUNK + MEANINGS


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_sequence(case: Case, delivery: str, table) -> None:
    table.try_case(case, delivery)
