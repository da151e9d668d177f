"""The Host field: FLT-A17 to A19, each case whole, byte by byte, and cut at every offset."""

from __future__ import annotations

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.verdict import Case, accept, either, refuse


def host(value: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n"


MALFORMED = (
    *(b"u@a", b"u:p@a", b"@a", b"a/b", b"a/", b"http://a", b"a?b", b"a#b", b"a b", b"a\tb"),
    *(b"a:b", b"a:8x", b"a:-1", b"a:+1", b"a: 80", b"a:80:80", b"a:0x50", b":80:", b"a\\b"),
    *(b"[::1", b"::1]", b"[::1]x", b"[::1]:x", b"[::1]80", b"[]", b"[g]", b"[::1]]", b"a[::1]"),
    *(b'a"b', b"<a>", b"{a}", b"a^b", b"a|b", b"a`b", b"a\x80", b"\xc3\xa9", b"a\x00", b"a\x01"),
    b"a\x7f",
)
WELL_FORMED = (
    *(b"a", b"a:80", b"A.Example", b"a.example.", b"127.0.0.1", b"127.0.0.1:8000", b"[::1]"),
    *(b"[::1]:80", b"[2001:db8::ffff:1.2.3.4]", b"a-b_c~d!$&'()*+;=", b"%61", b"xn--bcher-kva"),
    b"a:",
)

CASES = [
    *(refuse(f"A17-{value!r}", host(value)) for value in MALFORMED),
    *(accept(f"A19-{value!r}", host(value), sees=((b"host", (value,)),)) for value in WELL_FORMED),
    accept("A19-blanks-around", host(b" \ta \t"), sees=((b"host", (b"a",)),)),
    refuse("A18-missing", b"GET / HTTP/1.1\r\n\r\n"),
    refuse("A18-missing-among-others", b"GET / HTTP/1.1\r\nX: a\r\nHosts: a\r\n\r\n"),
    refuse("A18-two-equal", host(b"a\r\nHost: a")),
    refuse("A18-two-different", host(b"a\r\nHost: b")),
    refuse("A18-two-in-other-case", host(b"a\r\nhOST: b")),
    refuse("A18-two-apart", host(b"a\r\nX: y\r\nHost: b")),
    refuse("A18-second-empty", host(b"a\r\nHost:")),
    refuse("A18-three", host(b"a\r\nHost: a\r\nHost: a")),
    refuse("A18-two-in-http-1.0", b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    refuse("A17-malformed-in-http-1.0", b"GET / HTTP/1.0\r\nHost: u@a\r\n\r\n"),
    refuse(
        "A17-malformed-with-a-body", b"POST / HTTP/1.1\r\nHost: a b\r\nContent-Length: 2\r\n\r\nhi"
    ),
    accept("A19-http-1.0-without", b"GET / HTTP/1.0\r\n\r\n", closes=True),
    accept("A19-last-field", b"GET / HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n"),
    accept("A19-upper-case-name", b"GET / HTTP/1.1\r\nHOST: a\r\n\r\n", sees=((b"host", (b"a",)),)),
    either("A19-empty-value", host(b"")),
    either("A19-port-beyond-16-bits", host(b"a:65536")),
    either("A19-port-of-many-digits", host(b"a:99999999999999999999")),
    either("A19-port-alone", host(b":80")),
    either("A19-zone", host(b"[fe80::1%25eth0]")),
    either("A19-ip-future", host(b"[v1.a]")),
    either("A19-broken-escape", host(b"a%zz")),
    either("A19-comma", host(b"a,b")),
]


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_host(case: Case, delivery: str, table) -> None:
    table.try_case(case, delivery)
