"""Handshakes, good and bad: RFC 6455 4.2, ASGI-83, U4.2, O20, FLT-F17, FLT-A5.

A bad one is refused by the server itself, in uvicorn's words, and the application is not called.
Includes CVE-2026-42544 (a subprotocol that is no text) and CVE-2026-44546 (odd line ends).
"""

from __future__ import annotations

import pytest

from tests.apps import Recorder
from tests.clients.delivery import Bench, cut_offsets
from tests.clients.serving import Serving
from tests.clients.websocket import KEY, WebSocket, accept_of, handshake
from tests.websocket_apps import echo

WORDS = b"Failed to open a WebSocket connection: "
KEY_FIELD, VERSION_FIELD = b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Version: "


class Hall:
    """Answers HTTP as a `Recorder`, echoes on WebSockets, and keeps the scopes of those."""

    def __init__(self):
        self.recorder = Recorder()
        self.scopes = []

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            self.scopes.append(scope)
            await echo(scope, receive, send)
        else:
            await self.recorder(scope, receive, send)


@pytest.fixture(scope="module")
def running():
    """Handshakes do not depend on the event loop: one server for the module."""
    hall = Hall()
    with Serving(hall, lifespan="off") as serving:
        yield hall, serving


@pytest.fixture
def hall(running):
    hall, serving = running
    hall.scopes.clear()
    hall.recorder.calls.clear()
    serving.logs.clear()
    return hall


@pytest.fixture
def address(running):
    return running[1].address


GOOD = {
    "usual": handshake(),
    "connection in any case": handshake(b"/", b"CONNECTION: upgrade"),
    "connection in a list": handshake(b"/", b"Connection: keep-alive, Upgrade"),
    "connection in a list without blanks": handshake(b"/", b"Connection: keep-alive,UPGRADE"),
    "connection on two lines": handshake(b"/", b"Connection: keep-alive", b"Connection: Upgrade"),
    "upgrade in any case": handshake(b"/", b"upgrade: WebSocket"),
    "upgrade in a list": handshake(b"/", b"Upgrade: h2c, websocket"),
    "names in any case": handshake(
        b"/", b"sec-websocket-KEY: " + KEY, b"SEC-WEBSOCKET-VERSION: 13"
    ),
    "blanks around values": handshake(
        b"/", b"Sec-WebSocket-Key:\t " + KEY + b" \t", b"Sec-WebSocket-Version:  13 "
    ),
    "no body in so many words": handshake(b"/", b"Content-Length: 0"),
    "origin": handshake(b"/", b"Origin: https://example.org"),
    "null origin": handshake(b"/", b"Origin: null"),
    "absolute target": handshake(b"http://test/x?y"),
    "long target": handshake(b"/" + b"x" * 5000),
    "many fields": handshake(b"/", *(b"X-%d: %d" % (i, i) for i in range(80))),
    "subprotocol that is no text": handshake(b"/", b"Sec-WebSocket-Protocol: \xff\xfe, \xe9"),
    "subprotocol that is empty": handshake(b"/", b"Sec-WebSocket-Protocol:"),
    "subprotocols that are empty": handshake(b"/", b"Sec-WebSocket-Protocol: ,, a,,"),
    "subprotocol with quotes": handshake(b"/", b'Sec-WebSocket-Protocol: "a,b"'),
}

# Statuses that are lawful, and what the sentence must name.
BAD = {
    "no key": (handshake(without=[b"sec-websocket-key"]), {400}, b"Sec-WebSocket-Key"),
    "empty key": (handshake(b"/", KEY_FIELD), {400}, b"Sec-WebSocket-Key"),
    "short key": (handshake(b"/", KEY_FIELD + b"dGhlIHNhbXBsZQ=="), {400}, b"Sec-WebSocket-Key"),
    "long key": (
        handshake(b"/", KEY_FIELD + b"dGhlIHNhbXBsZSBub25jZSBpcyBs"),
        {400},
        b"Sec-WebSocket-Key",
    ),
    "key of 17 bytes": (
        handshake(b"/", KEY_FIELD + b"dGhlIHNhbXBsZSBub25jZWU="),
        {400},
        b"Sec-WebSocket-Key",
    ),
    "key without padding": (handshake(b"/", KEY_FIELD + KEY[:-2]), {400}, b"Sec-WebSocket-Key"),
    "key with a blank": (
        handshake(b"/", KEY_FIELD + KEY[:10] + b" " + KEY[11:]),
        {400},
        b"Sec-WebSocket-Key",
    ),
    "key that is no base64": (
        handshake(b"/", KEY_FIELD + b"!" * 22 + b"=="),
        {400},
        b"Sec-WebSocket-Key",
    ),
    "key in the alphabet of URLs": (
        handshake(b"/", KEY_FIELD + b"_-" * 11 + b"=="),
        {400},
        b"Sec-WebSocket-Key",
    ),
    "key that is no ASCII": (
        handshake(b"/", KEY_FIELD + b"\xff" * 22 + b"=="),
        {400},
        b"Sec-WebSocket-Key",
    ),
    "two keys": (handshake(b"/", KEY_FIELD + KEY, KEY_FIELD + KEY), {400}, b"Sec-WebSocket-Key"),
    "two keys in a list": (
        handshake(b"/", KEY_FIELD + KEY + b", " + KEY),
        {400},
        b"Sec-WebSocket-Key",
    ),
    "no version": (
        handshake(without=[b"sec-websocket-version"]),
        {426},
        b"Sec-WebSocket-Version",
    ),
    **{
        f"version {version!r}": (
            handshake(b"/", VERSION_FIELD + version.encode()),
            {426},
            b"Sec-WebSocket-Version",
        )
        for version in ("8", "7", "0", "12", "14", "", "013", "+13", "13.0", "x", "1300")
    },
    "versions in a list": (handshake(b"/", VERSION_FIELD + b"13, 8"), {400, 426}, b""),
    "two versions": (
        handshake(b"/", VERSION_FIELD + b"13", VERSION_FIELD + b"8"),
        {400, 426},
        b"",
    ),
    **{
        f"method {method.decode()}": (handshake(method=method), {405}, b"")
        for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"BREW")
    },
    "post with a body": (
        handshake(b"/", b"Content-Length: 5", method=b"POST") + b"hello",
        {400, 405},
        b"",
    ),
    "body": (handshake(b"/", b"Content-Length: 5") + b"hello", {400}, b""),
    "body that does not come": (handshake(b"/", b"Content-Length: 5"), {400}, b""),
    "chunked body": (
        handshake(b"/", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        {400},
        b"",
    ),
}

# Refused as any request is: FLT-A.
MALFORMED = {
    "no host": handshake(without=[b"host"]),
    "two hosts": handshake(b"/", b"Host: a", b"Host: b"),
    "bad host": handshake(b"/", b"Host: a b"),
    "bare line feeds": handshake().replace(b"\r\n", b"\n"),
    "folded field": handshake(b"/", b"X-A: 1\r\n 2"),
    "blank before a colon": handshake(b"/", b"Upgrade : websocket"),
    "lower-case method": handshake(method=b"get"),
    "raw NUL": handshake(b"/", b"X-A: a\0b"),
    "key with a line feed": handshake(b"/", KEY_FIELD + KEY[:8] + b"\n" + KEY[8:]),
}


def check_refusal(response, statuses, word) -> None:
    assert response.status in statuses
    assert response.closes
    assert response.one("content-type") == "text/plain; charset=utf-8"
    assert response.one("content-length") == str(len(response.body))
    assert response.one("sec-websocket-accept") is None
    if response.status == 405:
        assert response.one("allow") == "GET"
    if response.status == 426:
        assert response.one("sec-websocket-version") == "13"


@pytest.mark.parametrize("name", GOOD)
def test_good_handshake(hall, address, name) -> None:
    with WebSocket(address) as peer:
        peer.send(GOOD[name])
        peer.read_accepted()
        peer.send_text("a")
        assert peer.read_message() == "a"
    assert len(hall.scopes) == 1


@pytest.mark.parametrize("name", BAD)
def test_bad_handshake(hall, address, name) -> None:
    """U4.2, FLT-F17, FLT-A3: refused in a sentence; the connection ends."""
    raw, statuses, word = BAD[name]
    with WebSocket(address) as peer:
        peer.send(raw)
        response = peer.read_response()
        check_refusal(response, statuses, word)
        assert response.body.startswith(WORDS)
        assert response.body.endswith(b".\n")
        assert word in response.body
        peer.expect_end()
    assert hall.scopes == []
    assert hall.recorder.calls == {}


def test_sentence_for_a_missing_key_is_uvicorns(address) -> None:
    """U4.2."""
    with WebSocket(address) as peer:
        peer.send(BAD["no key"][0])
        assert peer.read_response().body == WORDS + b"missing Sec-WebSocket-Key header.\n"


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_request(hall, address, name) -> None:
    """FLT-A1, FLT-A3: 400 in the words of every request, and the end."""
    with WebSocket(address) as peer:
        peer.send(MALFORMED[name])
        response = peer.read_response()
        assert (response.status, response.body) == (400, b"Invalid HTTP request received.")
        peer.expect_end()
    assert hall.scopes == []


@pytest.mark.parametrize("name", ["no key", "version '8'", "method POST", "body"])
def test_nothing_after_a_refused_handshake_is_parsed(hall, address, name) -> None:
    """FLT-A2: what follows may be anything."""
    with WebSocket(address) as peer:
        peer.send(BAD[name][0] + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        assert peer.read_response().status >= 400
        assert peer.read_to_end() == b""
    assert hall.recorder.calls == {}


@pytest.mark.parametrize("name", ["usual", "names in any case", "subprotocol that is no text"])
def test_good_handshake_cut_anywhere(address, name) -> None:
    """FLT-A5."""
    bench = Bench(address, Recorder())
    raw = GOOD[name]
    for offset in cut_offsets(raw):
        with WebSocket(address) as peer:
            peer.send(raw[:offset])
            bench.settle()
            peer.send(raw[offset:])
            peer.read_accepted()
    bench.close()


@pytest.mark.parametrize("name", ["no key", "version '8'"])
def test_bad_handshake_cut_anywhere(address, name) -> None:
    """FLT-A5."""
    bench = Bench(address, Recorder())
    raw, statuses, word = BAD[name]
    for offset in cut_offsets(raw):
        with WebSocket(address) as peer:
            peer.send(raw[:offset])
            bench.settle()
            peer.send(raw[offset:])
            check_refusal(peer.read_response(), statuses, word)
            peer.expect_end()
    bench.close()


@pytest.mark.parametrize(
    "extra", [(), (b"Connection: Upgrade, keep-alive",)], ids=["close", "keep"]
)
def test_http_1_0_is_never_upgraded(hall, address, extra) -> None:
    """O20, FLT-F17, RFC 9110 7.8: the field means nothing there."""
    with WebSocket(address) as peer:
        peer.send(handshake(b"/old", *extra, version=b"1.0"))
        response = peer.read_response()
        assert (response.status, response.body) == (200, b"GET /old ")
    assert hall.scopes == []


@pytest.mark.parametrize(
    "fields",
    [
        [b"Upgrade: websocket13"],
        [b"Upgrade: web socket"],
        [b"Upgrade: h2c"],
        [b"Connection: keep-alive"],
        [b"Connection: Upgraded"],
        [b"Connection: close"],
        [b"Connection:"],
    ],
    ids=repr,
)
def test_what_asks_for_no_websocket_is_a_request(hall, address, fields) -> None:
    """U3.4."""
    with WebSocket(address) as peer:
        peer.send(handshake(b"/plain", *fields))
        assert peer.read_response().body == b"GET /plain "
    assert hall.scopes == []


@pytest.mark.parametrize("byte", [0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0xA0], ids=hex)
def test_odd_bytes_end_no_line(hall, address, byte) -> None:
    """CVE-2026-44546: one field or a refusal, never two fields (U+0085 and its kin are no CRLF)."""
    with WebSocket(address) as peer:
        peer.send(handshake(b"/", b"X-A: a%cX-Injected: b" % byte))
        response = peer.read_head()
        assert response.status in (101, 400)
    for scope in hall.scopes:
        names = [name for name, _ in scope["headers"]]
        assert b"x-injected" not in names
        assert names.count(b"x-a") == 1


@pytest.mark.parametrize("value", [b"\xff", b"caf\xe9", b"\x80, chat", "\u20ac".encode()])
def test_server_lives_on_after_a_subprotocol_that_is_no_text(hall, address, value) -> None:
    """CVE-2026-42544: every name is a str, and the next session opens."""
    for field in (b"Sec-WebSocket-Protocol: " + value, b"X-Usual: 1"):
        with WebSocket(address) as peer:
            peer.send(handshake(b"/", field))
            response = peer.read_head()
            assert response.status in (101, 400)
    assert response.status == 101
    for scope in hall.scopes:
        assert all(type(name) is str for name in scope["subprotocols"])


def test_key_is_the_clients(address) -> None:
    """RFC 6455 4.2.2: another key, another answer."""
    for key in (
        b"x3JJHMbDL1EzLkh9GBhXDw==",
        b"AAAAAAAAAAAAAAAAAAAAAA==",
        b"+/+/+/+/+/+/+/+/+/+/+w==",
    ):
        with WebSocket(address) as peer:
            peer.send(handshake(b"/", KEY_FIELD + key))
            assert peer.read_head().one("sec-websocket-accept") == accept_of(key)


def test_limits_of_heads_hold_for_handshakes(serve) -> None:
    """U4.2, O6: 431 and 414, as for any request."""
    server = serve(echo, lifespan="off", limit_request_head=2000, limit_request_fields=20)
    for raw, status in (
        (handshake(b"/", b"X-A: " + b"a" * 3000), 431),
        (handshake(b"/" + b"a" * 3000), 414),
        (handshake(b"/", *[b"X-A: a"] * 30), 431),
    ):
        with WebSocket(server.address) as peer:
            peer.send(raw)
            assert peer.read_response().status == status
            peer.expect_end()
