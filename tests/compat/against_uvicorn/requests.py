"""Request shapes: what is sent, by the name of the observation. Nothing of what comes back."""

from __future__ import annotations


def get(target="/", *fields, method="GET", version="1.1", host="Host: example.test"):
    """A request with these field lines, text or bytes, after Host."""
    lines = [f"{method} {target} HTTP/{version}", *([host] if host else []), *fields]
    raw = [line if isinstance(line, bytes) else line.encode("latin-1") for line in lines]
    return b"\r\n".join(raw) + b"\r\n\r\n"


def post(data, *fields, target="/"):
    return get(target, *fields, f"Content-Length: {len(data)}", method="POST") + data


CHUNKED = "Transfer-Encoding: chunked"

TARGETS = {
    "root": "/",
    "query": "/a?b=1&b=2&c",
    "empty-query": "/a?",
    "two-question-marks": "/a?b?c",
    "escapes": "/a%20b%2Fc%C3%A9+d?x=%20+y",
    "bad-escapes": "/%zz/%4",
    "not-utf-8": "/%FF%C3",
    "nul": "/a%00b",
    "dots-and-slashes": "//a/../b/./c//",
    "fragment": "/a?b#c",
    "raw-punctuation": "/^{|}~!$&'()*,;=:@[]\\",
    "raw-quotes": '/"<>`',
    "not-ascii": "/\xe9",
    "absolute": "http://other.test:81/a?b",
    "absolute-without-path": "http://other.test",
    "authority": "example.test:80",
    "star": "*",
    "no-slash": "a",
    "8000-bytes": "/" + "a" * 8000,
    "70000-bytes": "/" + "a" * 70000,
}

FIELDS = {
    "repeated": ("X-A: 1", "X-B: 2", "x-a: 3"),
    "upper-case": ("X-UPPER: 1",),
    "blanks-around": ("X-A:  \t a b \t ",),
    "no-blank": ("X-A:1",),
    "empty-value": ("X-A:", "X-B: "),
    "latin-1": (b"X-A: \xe9\xff",),
    "cookies": ("Cookie: a=1", "Cookie: b=2"),
    "folded": ("X-A: 1", " 2"),
    "blank-before-colon": ("X-A : 1",),
    "no-colon": ("X-A",),
    "name-not-token": ("X(A): 1",),
    "control-in-value": (b"X-A: a\x01b",),
    "cr-in-value": (b"X-A: a\rb",),
    "ninety": tuple(f"X-{number}: {number}" for number in range(90)),
    "two-hundred": tuple(f"X-{number}: {number}" for number in range(200)),
    "100-kib": ("X-A: " + "a" * 100_000,),
    "upgrade-without-connection": ("Upgrade: websocket",),
    "connection-keep-alive": ("Connection: keep-alive",),
    "expect-other": ("Expect: miracles",),
}

SHAPES = {
    **{f"target/{name}": get(target) for name, target in TARGETS.items()},
    **{f"fields/{name}": get("/", *fields) for name, fields in FIELDS.items()},
    "target/star-options": get("*", method="OPTIONS"),
    "host/missing": get(host=None),
    "host/twice": get("/", "Host: example.test"),
    "host/empty": get(host="Host:"),
    "host/with-path": get(host="Host: example.test/a"),
    "version/1.0": get(version="1.0"),
    "version/1.0-without-host": get(version="1.0", host=None),
    "version/1.2": get(version="1.2"),
    "version/2.0": get(version="2.0"),
    "version/0.9": b"GET /\r\n\r\n",
    "version/lower-case": b"GET / http/1.1\r\nHost: example.test\r\n\r\n",
    "method/lower-case": get(method="get"),
    "method/unknown": get(method="BREW"),
    "method/m-search": get(method="M-SEARCH"),
    "method/query": get(method="QUERY"),
    "method/connect": get("example.test:80", method="CONNECT"),
    "line/two-blanks": b"GET  / HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "line/bare-lf": b"GET / HTTP/1.1\nHost: example.test\n\n",
    "line/empty-line-before": b"\r\n" + get(),
    "line/rubbish": b"rubbish\r\n\r\n",
    "line/tls": bytes.fromhex("16030100050100000100") + b"\r\n\r\n",
    "line/http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "body/length": post(b"hello"),
    "body/length-zero": post(b""),
    "body/none": get(method="POST"),
    "body/of-get": get("/", "Content-Length: 5") + b"hello",
    "body/length-twice": post(b"hello", "Content-Length: 5"),
    "body/length-differs": post(b"hello", "Content-Length: 6"),
    "body/length-list": get("/", "Content-Length: 5, 5", method="POST") + b"hello",
    "body/length-signed": get("/", "Content-Length: +5", method="POST") + b"hello",
    "body/length-word": get("/", "Content-Length: five", method="POST") + b"hello",
    "body/chunked": get("/", CHUNKED, method="POST") + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    "body/chunked-trailers": get("/", CHUNKED, method="POST") + b"1\r\na\r\n0\r\nX-T: 1\r\n\r\n",
    "body/chunked-extension": get("/", CHUNKED, method="POST") + b"1;a=b\r\na\r\n0\r\n\r\n",
    "body/chunked-and-length": post(b"0\r\n\r\n", CHUNKED),
    "body/chunked-1.0": get("/", CHUNKED, method="POST", version="1.0") + b"0\r\n\r\n",
    "body/chunk-size-wrong": get("/", CHUNKED, method="POST") + b"xyz\r\na\r\n0\r\n\r\n",
    "body/gzip-chunked": get("/", "Transfer-Encoding: gzip, chunked", method="POST")
    + b"1\r\na\r\n0\r\n\r\n",
    "body/identity": get("/", "Transfer-Encoding: identity", method="POST"),
    "upgrade/h2c-with-body": post(b"hello", "Connection: Upgrade", "Upgrade: h2c"),
}

# Sent to servers with options of their own.
FORWARDED = {
    "for": ("X-Forwarded-For: 9.9.9.9",),
    "for-with-port": ("X-Forwarded-For: 9.9.9.9:1234",),
    "for-list": ("X-Forwarded-For: 1.1.1.1, 9.9.9.9, 127.0.0.1",),
    "for-twice": ("X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 9.9.9.9"),
    "for-trusted-only": ("X-Forwarded-For: 127.0.0.1, ::1",),
    "for-ipv6": ("X-Forwarded-For: 2001:db8::1",),
    "for-ipv6-port": ("X-Forwarded-For: [2001:db8::1]:99",),
    "for-unknown": ("X-Forwarded-For: unknown",),
    "for-empty": ("X-Forwarded-For:",),
    "for-blanks": ("X-Forwarded-For:  , 9.9.9.9 ,",),
    "proto": ("X-Forwarded-Proto: https",),
    "proto-twice": ("X-Forwarded-Proto: https", "X-Forwarded-Proto: http"),
    "proto-upper-case": ("X-Forwarded-Proto: HTTPS",),
    "proto-websocket": ("X-Forwarded-Proto: wss",),
    "proto-unknown": ("X-Forwarded-Proto: gopher",),
    "host": ("X-Forwarded-Host: public.test", "X-Forwarded-Port: 443"),
    "rfc-7239": ("Forwarded: for=9.9.9.9;proto=https",),
}
