"""Transfer-Encoding: FLT-A31 to A36, each case whole, byte by byte, and cut at every offset."""

from __future__ import annotations

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.verdict import Case, accept, either, refuse

TOP = b"POST / HTTP/1.1\r\nHost: a\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def coding(value: bytes, body: bytes = HELLO) -> bytes:
    return TOP + b"Transfer-Encoding: " + value + b"\r\n\r\n" + body


def fields(*lines: bytes, body: bytes = HELLO) -> bytes:
    return TOP + b"\r\n".join(lines) + b"\r\n\r\n" + body


ACCEPTED = [
    accept("A33-chunked", coding(b"chunked"), body=b"hello"),
    accept("A33-capital", coding(b"Chunked"), body=b"hello"),
    accept("A33-upper-case", coding(b"CHUNKED"), body=b"hello"),
    accept("A33-mixed-case", coding(b"cHuNkEd"), body=b"hello"),
    accept("A33-blanks-around", coding(b" \tchunked \t"), body=b"hello"),
    accept("A33-no-blank-after-colon", fields(b"transfer-encoding:chunked"), body=b"hello"),
    accept(
        "A33-get",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO,
        body=b"hello",
    ),
]

HTTP_1_0 = [
    refuse("A31-http-1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO),
    refuse(
        "A31-http-1.0-with-host-and-keep-alive",
        b"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + HELLO,
    ),
    refuse(
        "A31-http-1.0-with-content-length",
        b"POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO,
    ),
]

BOTH = [
    *(
        refuse(
            f"A32-length-then-{name.decode()}",
            fields(b"Content-Length: 5", b"Transfer-Encoding: " + name),
        )
        for name in (b"chunked", b"Chunked", b"CHUNKED", b"chunKed")
    ),
    *(
        refuse(
            f"A32-{name.decode()}-then-length",
            fields(b"Transfer-Encoding: " + name, b"Content-Length: 5"),
        )
        for name in (b"chunked", b"Chunked", b"CHUNKED", b"chunKed")
    ),
    refuse("A32-length-nought", fields(b"Content-Length: 0", b"Transfer-Encoding: chunked")),
    refuse("A32-nought-after", fields(b"Transfer-Encoding: chunked", b"Content-Length: 0")),
    refuse(
        "A32-far-apart",
        fields(b"content-length: 15", b"X: y", b"Y: z", b"transfer-encoding: chunked"),
    ),
    refuse(
        "A32-length-twice",
        fields(b"Content-Length: 5", b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    ),
    refuse(
        "A32-in-a-get",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        + HELLO,
    ),
]

OTHER_CODINGS = (
    *(b"gzip", b"deflate", b"compress", b"br", b"identity", b"trailers", b"cow", b"x", b"none"),
    *(b"gzip, chunked", b"chunked, gzip", b"identity, chunked", b"chunked, identity"),
    *(b"chunked, chunked", b"chunked,chunked", b"gzip, chunked, chunked", b"chunked, cow"),
    *(b"xchunked", b"chunkedx", b"chunke", b"chunk", b"chunked-", b"chunked chunked", b"x chunked"),
)
OTHER_LINES = (
    (b"chunked", b"chunked"),
    (b"gzip", b"chunked"),
    (b"chunked", b"gzip"),
    (b"identity", b"chunked"),
    (b"chunked", b"identity"),
    (b"chunked", b""),
    (b"", b"chunked"),
)
NOT_A_CODING = (
    *(b"", b"chunked;q=1", b"chunked; a=b", b"chunked;", b'"chunked"', b"'chunked'", b"chu nked"),
    *(
        b"\x0bchunked",
        b"chunked\x0b",
        b"\x0cchunked",
        b"chunked\x00",
        b"\x00chunked",
        b"\xa0chunked",
    ),
    *(b"chunked\xff", b"chunked\x7f", b"chunked/", b"chunked=", b"[chunked]", b"\x1fchunked", b","),
    b"chun\xc4\xb1ked",
)

REFUSED = [
    *(refuse(f"A34-{value.decode()}", coding(value), 400, 501) for value in OTHER_CODINGS),
    *(
        refuse(
            f"A34-lines-{first.decode()}-{second.decode()}",
            fields(b"Transfer-Encoding: " + first, b"Transfer-Encoding: " + second),
            *(400, 501),
        )
        for first, second in OTHER_LINES
    ),
    *(refuse(f"A35-{value!r}", coding(value), 400, 501) for value in NOT_A_CODING),
    *(
        refuse(
            f"A34-{value.decode()}-beside-a-length",
            fields(b"Content-Length: 5", b"Transfer-Encoding: " + value),
            *(400, 501),
        )
        for value in (b"gzip", b"identity", b"xchunked", b"chunked, identity", b"chunked;a", b"")
    ),
    refuse("A20-blank-before-colon", fields(b"Transfer-Encoding : chunked")),
    refuse(
        "A20-blank-before-colon-beside-a-length",
        fields(b"Content-Length: 15", b"Transfer-Encoding : chunked"),
    ),
    refuse("A20-tab-before-colon", fields(b"Transfer-Encoding\t: chunked")),
    refuse("A20-fold", fields(b"Transfer-Encoding:", b" chunked")),
    refuse("A20-fold-after-other", fields(b"X: y", b" Transfer-Encoding: chunked")),
    refuse("A20-soft-hyphen-in-name", fields(b"Transfer\xadEncoding: chunked")),
    refuse("A20-nul-in-name", fields(b"Transfer-Encoding\x00: chunked")),
    refuse("A22-lf-before", fields(b"X: y\nTransfer-Encoding: chunked")),
    refuse("A24-cr-before", fields(b"X: y\rTransfer-Encoding: chunked")),
]

EITHER = [
    either("A36-trailing-comma", coding(b"chunked,"), 400, 501, body=b"hello"),
    either("A36-trailing-comma-and-blank", coding(b"chunked, "), 400, 501, body=b"hello"),
    either("A36-leading-comma", coding(b",chunked"), 400, 501, body=b"hello"),
    either("A36-leading-comma-and-blank", coding(b", chunked"), 400, 501, body=b"hello"),
    accept("A36-underscore", fields(b"Transfer_Encoding: chunked", body=b""), body=b""),
    accept(
        "A36-underscore-beside-a-length",
        fields(b"Transfer_Encoding: chunked", b"Content-Length: 5", body=b"hello"),
        body=b"hello",
    ),
    accept("A36-longer-name", fields(b"X-Transfer-Encoding: chunked", body=b""), body=b""),
    accept("A36-shorter-name", fields(b"Transfer-Encodin: chunked", body=b""), body=b""),
    accept("A36-te-is-not-framing", fields(b"TE: chunked", body=b""), body=b""),
    accept("A36-content-encoding", fields(b"Content-Encoding: chunked", body=b""), body=b""),
]

CASES = ACCEPTED + HTTP_1_0 + BOTH + REFUSED + EITHER


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_transfer_encoding(case: Case, delivery: str, table) -> None:
    table.try_case(case, delivery)
