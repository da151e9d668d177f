"""Chunked bodies: FLT-A37 to A46, each case whole, byte by byte, and cut at every offset."""

from __future__ import annotations

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.verdict import Case, accept, either, refuse

TOP = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
HELLO = b"5\r\nhello\r\n"


def chunks(data: bytes) -> bytes:
    return TOP + data


def size(line: bytes) -> bytes:
    """A body whose first size line is this."""
    return TOP + line + b"\r\nhello\r\n" + END


def broken(id: str, raw: bytes, *statuses: int) -> Case:
    """The fault comes after the head: the application may be waiting for the body."""
    return refuse(id, raw, *statuses, in_body=True)


SIZES = [
    accept("A37-one-chunk", chunks(HELLO + END), body=b"hello"),
    accept("A37-no-chunk", chunks(END), body=b""),
    accept("A37-several", chunks(HELLO + b"1\r\n \r\n" + HELLO + END), body=b"hello hello"),
    accept("A37-lower-case", chunks(b"a\r\n0123456789\r\n" + END), body=b"0123456789"),
    accept("A37-upper-case", chunks(b"A\r\n0123456789\r\n" + END), body=b"0123456789"),
    accept("A37-two-digits", chunks(b"1a\r\n" + b"x" * 26 + b"\r\n" + END), body=b"x" * 26),
    accept("A37-leading-nought", size(b"05"), body=b"hello"),
    accept("A37-many-leading-noughts", size(b"0000000005"), body=b"hello"),
    either("A37-noughts-beyond-64-bits", size(b"0" * 20 + b"5"), in_body=True, body=b"hello"),
    accept("A37-last-of-many-noughts", chunks(HELLO + b"0000\r\n\r\n"), body=b"hello"),
    accept("A37-data-of-line-ends", chunks(b"4\r\n\r\n\r\n\r\n" + END), body=b"\r\n\r\n"),
    accept("A37-data-that-looks-like-an-end", chunks(b"5\r\n0\r\n\r\n\r\n" + END), body=END),
    *(
        broken(f"A38-{line!r}", size(line))
        for line in (
            *(
                b"",
                b"g",
                b"5g",
                b"x",
                b"-5",
                b"+5",
                b"0x5",
                b"5h",
                b"5_0",
                b"5.0",
                b"5,",
                b"\x35\x00",
            ),
            *(b" 5", b"5 ", b"\t5", b"5\t", b"  5", b"5  ", b"5 ;a=b", b"5\t;a=b", b"5 5", b"\xb5"),
            *(b"5\xa0", b"5\x0b", b"\x005", b'"5"'),
        )
    ),
    broken("A38-last-blank-after", chunks(HELLO + b"0 \r\n\r\n")),
    broken("A38-last-blank-before", chunks(HELLO + b" 0\r\n\r\n")),
    broken("A38-last-minus", chunks(HELLO + b"-0\r\n\r\n")),
    broken("A38-last-hex-prefix", chunks(HELLO + b"0x0\r\n\r\n")),
    *(
        broken(f"A39-{line.decode()}", size(line), 400, 413)
        for line in (
            *(b"10000000000000000", b"10000000000000005", b"fffffffffffffffff", b"F" * 17),
            *(b"1" + b"0" * 31, b"f" * 400, b"010000000000000005"),
        )
    ),
]

EXTENSIONS = [
    *(
        accept(f"A40-{extension!r}", size(b"5" + extension), body=b"hello")
        for extension in (
            b";a",
            b";a=b",
            b';a="b"',
            b";a=b;c=d",
            b';a="b;c"',
            b';a="b c\t"',
            b';a=""',
        )
    ),
    accept("A40-escaped-quote", size(b'5;a="b\\"c"'), body=b"hello"),
    accept("A40-on-last-chunk", chunks(HELLO + b"0;a=b\r\n\r\n"), body=b"hello"),
    *(
        broken(f"A40-{extension!r}", size(b"5" + extension))
        for extension in (
            *(b";", b";;", b";;a", b";a;", b";=b", b";a=b;", b";\x00", b";a\x00", b";a=b\x00"),
            *(b";a=\x01", b";a\rb", b";a=b\rc", b";\r", b";a\nb", b";a=b\nc", b";\n", b';a="b\nc"'),
            *(b';a="b\rc"', b';a="b\r\nc"', b';a="b\r\n', b';a="b\x00"', b';a="b', b";a\x7f"),
        )
    ),
    broken("A40-empty-on-last-chunk", chunks(HELLO + b"0;\r\n\r\n")),
    broken("A40-lf-smuggles-a-chunk", chunks(b"2;\nxx\r\n4c\r\n" + END)),
    either("A40-empty-value", size(b"5;a="), in_body=True, body=b"hello"),
    either("A40-blank-in-extension", size(b"5;a b"), in_body=True, body=b"hello"),
    broken("A41-one-huge", size(b"5;a=" + b"b" * 200_000), 400, 413, 431),
    broken("A41-endless", chunks(b"5;a=" + b"b" * 200_000), 400, 413, 431),
    Case(
        "A41-many",
        TOP,
        refuse("", b"", 400, 413, 431).verdicts,
        in_body=True,
        then=b"1;" + b"a" * 60 + b"\r\nx\r\n",
        times=8000,
    ),
]

ENDS = [
    broken("A42-size-ends-in-lf", chunks(b"5\nhello\r\n" + END)),
    broken("A42-size-ends-in-cr", chunks(b"5\rhello\r\n" + END)),
    broken("A42-size-ends-in-cr-cr-lf", chunks(b"5\r\r\nhello\r\n" + END)),
    broken("A42-size-ends-in-lf-cr", chunks(b"5\n\rhello\r\n" + END)),
    broken("A42-data-ends-in-lf", chunks(b"5\r\nhello\n" + END)),
    broken("A42-data-ends-in-cr", chunks(b"5\r\nhello\r" + END)),
    broken("A42-data-ends-in-cr-cr-lf", chunks(b"5\r\nhello\r\r\n" + END)),
    broken("A42-second-size-ends-in-lf", chunks(HELLO + b"1\nx\r\n" + END)),
    broken("A43-longer", chunks(b"5\r\nhello!\r\n" + END)),
    broken("A43-much-longer", chunks(b"1\r\nhello\r\n" + END)),
    broken("A43-shorter", chunks(b"6\r\nhello\r\n" + END)),
    broken("A43-two-other-bytes", chunks(b"5\r\nhelloXX" + END)),
    broken("A43-other-then-lf", chunks(b"5\r\nhelloX\n" + END)),
    broken("A43-cr-then-other", chunks(b"5\r\nhello\rX" + END)),
    broken("A43-no-end", chunks(b"5\r\nhello" + END)),
    broken("A43-size-of-next-in-its-place", chunks(b"5\r\nhello5\r\nhello\r\n" + END)),
    broken("A44-last-ends-in-lf", chunks(HELLO + b"0\n\r\n")),
    broken("A44-last-ends-in-cr", chunks(HELLO + b"0\r\r\n\r\n")),
    broken("A44-body-ends-in-lf", chunks(HELLO + b"0\r\n\n")),
    broken("A44-both-end-in-lf", chunks(HELLO + b"0\n\n")),
    broken("A44-body-ends-in-cr-cr-lf", chunks(HELLO + b"0\r\n\r\r\n")),
    broken("A44-trailer-ends-in-lf", chunks(HELLO + b"0\r\nX: y\n\r\n")),
    broken("A44-trailers-end-in-lf", chunks(HELLO + b"0\r\nX: y\r\n\n")),
    broken("A44-trailer-ends-in-cr", chunks(HELLO + b"0\r\nX: y\rZ: a\r\n\r\n")),
    broken("A44-trailer-ends-in-cr-cr-lf", chunks(HELLO + b"0\r\nX: y\r\r\n\r\n")),
]


def trailer(line: bytes) -> bytes:
    return TOP + HELLO + b"0\r\n" + line + b"\r\n\r\n"


TRAILERS = [
    *(
        broken(f"A45-{line!r}", trailer(line))
        for line in (
            *(b"X : y", b"X\t: y", b": y", b":", b"X", b"X y", b"X Y: z", b"X\x00: y", b"X\x80: y"),
            *(b"X: \x00", b"X: y\x01", b"X: y\x7f", b" X: y", b"X: y\r\n z", b"X(: y", b'"X": y'),
        )
    ),
    broken("A45-huge", trailer(b"X: " + b"y" * 1_000_000), 400, 413, 431),
    broken("A45-endless", TOP + HELLO + b"0\r\nX: " + b"y" * 200_000, 400, 413, 431),
    broken("A45-many", TOP + HELLO + b"0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", 400, 413, 431),
    accept("A46-trailer", trailer(b"X: y"), body=b"hello", sees=((b"x", ()),)),
    accept(
        "A46-announced",
        TOP[:-2] + b"Trailer: X\r\n\r\n" + HELLO + b"0\r\nX: y\r\n\r\n",
        sees=((b"x", ()),),
    ),
    accept("A46-several", trailer(b"X: y\r\nZ: a\r\nX: b"), sees=((b"x", ()), (b"z", ()))),
    accept("A46-obs-text", trailer(b"X: \x80\xff"), sees=((b"x", ()),)),
    *(
        either(
            f"A46-{name.decode()}",
            trailer(name + b": " + data),
            in_body=True,
            body=b"hello",
            sees=((name.lower(), values),),
        )
        for name, data, values in (
            (b"Authorization", b"x", ()),
            (b"Cookie", b"a=b", ()),
            (b"Content-Length", b"99", ()),
            (b"Transfer-Encoding", b"gzip", (b"chunked",)),
            (b"Host", b"evil", (b"a",)),
            (b"Connection", b"x", ()),
        )
    ),
]

CASES = SIZES + EXTENSIONS + ENDS + TRAILERS


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_chunked(case: Case, delivery: str, table) -> None:
    table.try_case(case, delivery)
