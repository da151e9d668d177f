"""Field lines: FLT-A20 to A24, each case whole, byte by byte, and cut at every offset."""

from __future__ import annotations

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.verdict import Case, accept, refuse

TOP = b"GET / HTTP/1.1\r\nHost: a\r\n"


def field(line: bytes) -> bytes:
    return TOP + line + b"\r\n\r\n"


def value(data: bytes) -> bytes:
    return field(b"X: " + data)


def many(count: int) -> bytes:
    return TOP + b"".join(b"X-%d: y\r\n" % n for n in range(count)) + b"\r\n"


NOT_IN_NAMES = (
    *(b"(", b")", b",", b"/", b";", b"<", b"=", b">", b"?", b"@", b"[", b"\\", b"]", b"{", b"}"),
    *(b'"', b" ", b"\t", b"\x00", b"\x01", b"\x0b", b"\x1f", b"\x7f", b"\x80", b"\xff"),
)
NOT_IN_VALUES = (
    *(b"\x00", b"\x01", b"\x07", b"\x08", b"\x0b", b"\x0c", b"\x0e", b"\x1b", b"\x1c", b"\x1e"),
    *(b"\x1f", b"\x7f", b"\r"),
)

NAMES = [
    *(refuse(f"A20-{byte!r}-in-name", field(b"X" + byte + b"Y: z")) for byte in NOT_IN_NAMES),
    refuse("A20-blank-before-colon", field(b"X : y")),
    refuse("A20-tab-before-colon", field(b"X\t: y")),
    refuse("A20-blank-before-colon-of-first", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    refuse("A20-leading-blank-on-first", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    refuse("A20-leading-tab-on-first", b"GET / HTTP/1.1\r\n\tHost: a\r\n\r\n"),
    refuse("A20-blank-line-on-first", b"GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"),
    refuse("A20-junk-on-first", b"GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"),
    refuse("A20-fold", field(b"X: y\r\n z")),
    refuse("A20-fold-by-tab", field(b"X: y\r\n\tz")),
    refuse("A20-fold-of-blanks", field(b"X: y\r\n  ")),
    refuse("A20-fold-of-host", b"GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n"),
    refuse("A20-no-colon", field(b"X")),
    refuse("A20-no-colon-but-words", field(b"X y z")),
    refuse("A20-empty-name", field(b": y")),
    refuse("A20-colon-alone", field(b":")),
    accept("A20-every-token-character", field(b"!#$%&'*+-.^_`|~09Az: y")),
    accept("A20-no-blank-after-colon", field(b"X:y"), sees=((b"x", (b"y",)),)),
]

VALUES = [
    *(refuse(f"A21-{byte!r}-in-value", value(b"y" + byte + b"z")) for byte in NOT_IN_VALUES),
    refuse("A21-nul-at-start", value(b"\x00y")),
    refuse("A21-nul-at-end", value(b"y\x00")),
    refuse("A21-nul-alone", value(b"\x00")),
    refuse("A21-cr-at-start", value(b"\ry")),
    refuse("A21-escape-sequence", value(b"\x1b[31m")),
    accept("A21-obs-text", value(b"\x80\xa0\xff"), sees=((b"x", (b"\x80\xa0\xff",)),)),
    accept("A21-next-line-is-opaque", value(b"a\x85b"), sees=((b"x", (b"a\x85b",)),)),
    accept("A21-trimmed", value(b" \t y z\t \t"), sees=((b"x", (b"y z",)),)),
    accept("A21-inner-tab", value(b"y\tz"), sees=((b"x", (b"y\tz",)),)),
    accept("A21-empty", value(b""), sees=((b"x", (b"",)),)),
    accept("A21-blanks-alone", value(b"   \t"), sees=((b"x", (b"",)),)),
    accept("A21-colons", value(b":y:"), sees=((b"x", (b":y:",)),)),
    accept("A21-repeated", field(b"X: y\r\nx: z"), sees=((b"x", (b"y", b"z")),)),
    accept("A21-every-visible-character", value(bytes(range(0x21, 0x7F)))),
]

LINE_ENDS = [
    refuse("A22-lf-after-first", b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
    refuse("A22-lf-after-last", b"GET / HTTP/1.1\r\nHost: a\n\r\n"),
    refuse("A22-lf-ends-head", b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
    refuse("A22-lf-lf-ends-head", b"GET / HTTP/1.1\r\nHost: a\n\n"),
    refuse("A22-lf-in-value", value(b"y\nz")),
    refuse("A22-lf-smuggles-a-field", value(b"y\nContent-Length: 5")),
    refuse("A22-cr-cr-lf", b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
    refuse("A22-cr-cr-lf-ends-head", b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"),
    refuse("A22-cr-cr-lf-after-request-line", b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
    refuse("A22-cr-cr-lf-after-empty-value", field(b"X:\r")),
    refuse("A22-lf-cr", b"GET / HTTP/1.1\r\nHost: a\n\r\n\r"),
    refuse("A24-cr-after-request-line", b"GET / HTTP/1.1\rHost: a\r\n\r\n"),
    refuse("A24-cr-between-fields", b"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"),
    refuse("A24-cr-everywhere", b"GET / HTTP/1.1\rHost: a\r\r\r\n"),
    refuse("A24-cr-ends-head", b"GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n"),
    refuse("A24-cr-smuggles-a-field", value(b"y\rContent-Length: 5")),
]

LIMITS = [
    accept("A23-90-fields", many(90), sees=((b"x-0", (b"y",)), (b"x-89", (b"y",)))),
    accept("A23-8000-octets-of-value", value(b"y" * 8000)),
    accept("A23-32-fields-of-a-kibibyte", TOP + b"X: %b\r\n" % (b"y" * 1000) * 32 + b"\r\n"),
    refuse("A23-thousands-of-fields", many(5000), 431, 400),
    refuse("A23-thousands-of-equal-fields", TOP + b"X: y\r\n" * 9000 + b"\r\n", 431, 400),
    refuse("A23-megabyte-value", value(b"y" * 1_000_000), 431, 400),
    refuse("A23-megabyte-name", field(b"y" * 1_000_000 + b": z"), 431, 400),
    refuse("A23-endless-value", TOP + b"X: " + b"y" * 200_000, 431, 400),
    refuse("A23-endless-name", TOP + b"y" * 200_000, 431, 400),
    refuse("A23-endless-blanks-in-value", TOP + b"X:" + b" " * 200_000, 431, 400),
]

CASES = NAMES + VALUES + LINE_ENDS + LIMITS


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_fields(case: Case, delivery: str, table) -> None:
    table.try_case(case, delivery)
