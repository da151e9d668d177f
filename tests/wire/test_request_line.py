"""The request line: FLT-A7 to A16, each case whole, byte by byte, and cut at every offset."""

from __future__ import annotations

import pytest

from tests.clients.delivery import DELIVERIES
from tests.clients.verdict import Case, accept, either, refuse

H = b"\r\nHost: a\r\n\r\n"


def line(request_line: bytes) -> bytes:
    return request_line + H


SPACING = [
    refuse("A7-two-blanks-after-method", line(b"GET  / HTTP/1.1")),
    refuse("A7-two-blanks-before-version", line(b"GET /  HTTP/1.1")),
    refuse("A7-leading-blank", line(b" GET / HTTP/1.1")),
    refuse("A7-leading-tab", line(b"\tGET / HTTP/1.1")),
    refuse("A7-trailing-blank", line(b"GET / HTTP/1.1 ")),
    refuse("A7-trailing-tab", line(b"GET / HTTP/1.1\t")),
    refuse("A7-trailing-word", line(b"GET / HTTP/1.1 x")),
    refuse("A7-tab-after-method", line(b"GET\t/ HTTP/1.1")),
    refuse("A7-tab-before-version", line(b"GET /\tHTTP/1.1")),
    refuse("A7-vertical-tab-after-method", line(b"GET\x0b/ HTTP/1.1")),
    refuse("A7-form-feed-before-version", line(b"GET /\x0cHTTP/1.1")),
    refuse("A7-missing-target", line(b"GET HTTP/1.1")),
    refuse("A7-missing-version", line(b"GET /")),
    refuse("A7-missing-version-trailing-blank", line(b"GET / ")),
    refuse("A7-http-0.9", b"GET /\r\n"),
    refuse("A7-method-alone", line(b"GET")),
    refuse("A8-bare-lf", b"GET / HTTP/1.1\nHost: a\r\n\r\n"),
    refuse("A8-bare-lf-everywhere", b"GET / HTTP/1.1\nHost: a\n\n"),
    refuse("A8-http-0.9-bare-lf", b"GET /\n"),
    accept("A9-one-empty-line-before", b"\r\n" + line(b"GET /e HTTP/1.1"), path="/e"),
    refuse("A9-empty-line-of-bare-lf-before", b"\n" + line(b"GET / HTTP/1.1")),
    either("A9-two-empty-lines-before", b"\r\n\r\n" + line(b"GET / HTTP/1.1")),
    either("A9-blank-line-before", b" \r\n" + line(b"GET / HTTP/1.1")),
    either("A9-long-run-of-empty-lines", b"\r\n" * 2000 + line(b"GET / HTTP/1.1"), 400, 414, 431),
]

VERSION = [
    *(
        refuse(f"A10-{version.decode('latin-1')}", line(b"GET / " + version), 400, 505)
        for version in (
            b"HTTP/2.0",
            b"HTTP/3.0",
            b"HTTP/0.9",
            b"HTTP/9.9",
            b"http/1.1",
            b"Http/1.1",
            b"HTTP/1",
            b"HTTP/1.",
            b"HTTP/.1",
            b"HTTP/11",
            b"HTTP/1.10",
            b"HTTP/01.1",
            b"HTTP/1,1",
            b"HTTP/1 1",
            b"HTTP/a.b",
            b"HTTP/1.x",
            b"HTTP1.1",
            b"HTTP/",
            b"HTTPS/1.1",
            b"HTP/1.1",
            b"ICY/1.1",
            b"HTTP/1.1\x00",
            b"HTTP/\xb1.1",
        )
    ),
    refuse("A10-http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 505),
    either("A10-unknown-minor", line(b"GET / HTTP/1.2"), 400, 505),
    accept("A10-http-1.0", line(b"GET / HTTP/1.0"), closes=True),
]

METHOD = [
    *(
        refuse(f"A11-{byte!r}-in-method", line(b"G" + byte + b"T / HTTP/1.1"), 400, 501)
        for byte in (
            *(b"\x00", b"\x01", b"\x1f", b"\x7f", b"\x80", b"\xff", b"(", b")", b",", b"/", b":"),
            *(b";", b"<", b"=", b">", b"?", b"@", b"[", b"\\", b"]", b"{", b"}", b'"'),
        )
    ),
    refuse("A11-empty-method", line(b"/ HTTP/1.1")),
    # O8, ASGI-N7
    refuse("A11-lower-case", line(b"get / HTTP/1.1")),
    refuse("A11-mixed-case", line(b"Get / HTTP/1.1")),
    accept("A11-unknown-token", line(b"FROB /t HTTP/1.1"), path="/t"),
    accept("A11-every-token-character", line(b"A!#$%&'*+-.^_`|~9 / HTTP/1.1")),
    accept("A11-m-search", line(b"M-SEARCH / HTTP/1.1")),
    accept("A11-query", line(b"QUERY / HTTP/1.1")),
    refuse("A11-absurdly-long", line(b"A" * 5000 + b" / HTTP/1.1"), 400, 405, 414, 431, 501),
]

TARGET = [
    *(
        refuse(f"A12-{byte!r}-in-target", line(b"GET /a" + byte + b"b HTTP/1.1"))
        for byte in (b" ", b"\t", b"\x00", b"\x01", b"\x0b", b"\x0c", b"\x1b", b"\x1f", b"\x7f")
    ),
    refuse("A12-nul-in-query", line(b"GET /?a=\x00 HTTP/1.1")),
    refuse("A12-cr-in-target", line(b"GET /a\rb HTTP/1.1")),
    either("A12-byte-0x80", line(b"GET /\x80 HTTP/1.1")),
    either("A12-raw-utf-8", line(b"GET /\xc3\xa9 HTTP/1.1")),
    either("A12-fragment", line(b"GET /f#g HTTP/1.1")),
    either("A12-unwise-characters", line(b'GET /<>"^`{|} HTTP/1.1')),
    accept("A12-escaped-nul", line(b"GET /a%00b HTTP/1.1"), path="/a\x00b"),  # ASGI-N6
    accept("A12-broken-escape", line(b"GET /%zz% HTTP/1.1"), path="/%zz%"),
    accept("A12-path-not-normalised", line(b"GET //a/../b/./ HTTP/1.1"), path="//a/../b/./"),
    *(
        refuse(f"A13-{target.decode()}", line(b"GET " + target + b" HTTP/1.1"))
        for target in (b"foo", b"foo/bar", b"?a=b", b"*", b"a:80", b"./a", b"\\a", b"*/a")
    ),
    refuse("A13-post-asterisk", line(b"POST * HTTP/1.1")),
    refuse("A13-options-relative", line(b"OPTIONS foo HTTP/1.1")),
    accept("A13-options-asterisk", line(b"OPTIONS * HTTP/1.1"), path="*"),
    accept("A13-options-origin-form", line(b"OPTIONS /o HTTP/1.1"), path="/o"),
]


def absolute(target: bytes) -> bytes:
    return line(b"GET " + target + b" HTTP/1.1")


ABSOLUTE = [
    accept(
        "A14-authority-replaces-host",
        absolute(b"http://b/p?q"),
        path="/p",
        sees=((b"host", (b"b",)),),
    ),
    accept("A14-port-replaces-host", absolute(b"http://b:81/"), sees=((b"host", (b"b:81",)),)),
    accept("A14-ipv6", absolute(b"http://[::1]:81/"), sees=((b"host", (b"[::1]:81",)),)),
    accept(
        "A14-http-1.0-without-host",
        b"GET http://b/p HTTP/1.0\r\n\r\n",
        closes=True,
        path="/p",
        sees=((b"host", (b"b",)),),
    ),
    either("A14-https", absolute(b"https://b/p"), path="/p", sees=((b"host", (b"b",)),)),
    either("A14-upper-case-scheme", absolute(b"HTTP://b/p"), path="/p"),
    either("A14-unknown-scheme", absolute(b"ftp://b/p")),
    either("A14-no-path", absolute(b"http://b"), path="/", sees=((b"host", (b"b",)),)),
    either("A14-no-path-but-query", absolute(b"http://b?q"), path="/"),
    *(
        refuse(f"A14-{target.decode()}", absolute(target))
        for target in (
            *(b"http:///p", b"http://", b"http:/p", b"http://:80/", b"http://u@b/p"),
            *(
                b"http://u:p@b/p",
                b"http://@b/p",
                b"http://b:x/",
                b"http://[::1/",
                b"http://b:80:80/",
            ),
        )
    ),
    refuse("A14-host-missing-all-the-same", b"GET http://b/ HTTP/1.1\r\n\r\n"),  # A18
    refuse("A14-host-malformed-all-the-same", b"GET http://b/ HTTP/1.1\r\nHost: u@a\r\n\r\n"),
]

CONNECT = [
    refuse("A15-connect", line(b"CONNECT b:443 HTTP/1.1"), 400, 404, 405, 501),
    refuse("A15-connect-origin-form", line(b"CONNECT / HTTP/1.1"), 400, 404, 405, 501),
    refuse("A15-connect-absolute-form", line(b"CONNECT http://b/ HTTP/1.1"), 400, 404, 405, 501),
    refuse(
        "A15-tunnel-bytes-are-not-parsed",
        line(b"CONNECT b:443 HTTP/1.1") + line(b"GET / HTTP/1.1"),
        *(400, 404, 405, 501),
    ),
]

LENGTH = [
    accept("A16-8000-octets", line(b"GET /" + b"a" * 7999 + b" HTTP/1.1"), path="/" + "a" * 7999),
    accept("A16-8000-octets-of-query", line(b"GET /?" + b"a" * 7998 + b" HTTP/1.1"), path="/"),
    refuse("A16-beyond-the-limit", line(b"GET /" + b"a" * 70000 + b" HTTP/1.1"), 414, 400, 431),
    refuse("A16-endless", b"GET /" + b"a" * 200_000, 414, 400, 431),
]

CASES = SPACING + VERSION + METHOD + TARGET + ABSOLUTE + CONNECT + LENGTH


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_request_line(case: Case, delivery: str, table) -> None:
    table.try_case(case, delivery)
