"""The scope of a WebSocket: its keys, their exact types and values, and what is shared.

ASGI-2, ASGI-3, ASGI-31, ASGI-32, ASGI-72, U4.1.
"""

from __future__ import annotations

import pytest

from tests.asgi.exchange import answer
from tests.clients.websocket import KEY, WebSocket, dial, handshake
from tests.websocket_apps import opened
from tests.websocket_apps import shared_server as shared_server

KEYS = {
    "type",
    "asgi",
    "http_version",
    "scheme",
    "server",
    "client",
    "root_path",
    "path",
    "raw_path",
    "query_string",
    "headers",
    "subprotocols",
    "state",
    "extensions",
}


@pytest.fixture
def scope_of(stage, notes):
    """`scope_of(target, *fields)`: what the application is called with."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await answer(send)
            return
        notes(scope)
        await opened(receive, send)
        await receive()

    server = stage(app)

    def scope_of(target=b"/", *fields):
        with dial(server.serving.address, target, *fields) as peer:
            return {**notes.next(), "peer port": peer.port, "port": server.serving.port}

    return scope_of


@pytest.fixture
def noting(notes):
    """An application that notes the scope of each WebSocket, and accepts."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            scope["state"].update(count=0, shared=[])
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        notes(scope)
        await opened(receive, send)
        await receive()

    return app


def test_scope_has_exactly_these_keys_and_types(stage, notes, noting):
    """ASGI-2, U4.1: plain types, and no method."""
    with dial(stage(noting).serving.address, b"/a?b=c"):
        scope = notes.next()
    assert type(scope) is dict
    assert set(scope) == KEYS
    assert all(type(key) is str for key in scope)
    for key in ("type", "http_version", "scheme", "root_path", "path"):
        assert type(scope[key]) is str, key
    for key in ("raw_path", "query_string"):
        assert type(scope[key]) is bytes, key
    for key in ("headers", "subprotocols"):
        assert type(scope[key]) is list, key
    for key in ("asgi", "state", "extensions"):
        assert type(scope[key]) is dict, key


def test_scope_of_a_plain_session(scope_of):
    """ASGI-3, ASGI-24, ASGI-31, U4.1: 2.4 is announced, and the denial response."""
    scope = scope_of(b"/chat/%C3%A9?room=a%20b&x=+")
    assert scope["type"] == "websocket"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert (scope["http_version"], scope["scheme"]) == ("1.1", "ws")
    assert (scope["path"], scope["raw_path"]) == ("/chat/é", b"/chat/%C3%A9")
    assert scope["query_string"] == b"room=a%20b&x=+"
    assert (scope["root_path"], scope["subprotocols"], scope["state"]) == ("", [], {})
    assert scope["extensions"] == {"websocket.http.response": {}}
    assert scope["client"] == ("127.0.0.1", scope["peer port"])
    assert scope["server"] == ("127.0.0.1", scope["port"])
    assert [type(part) for part in (*scope["client"], *scope["server"])] == [str, int, str, int]


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/", "/", b"/", b""),
        (b"/?", "/", b"/", b""),
        (b"/a//b/../c", "/a//b/../c", b"/a//b/../c", b""),
        (b"/a%2Fb", "/a/b", b"/a%2Fb", b""),
        (b"/%252F", "/%2F", b"/%252F", b""),
        (b"/%ff", "/\ufffd", b"/%ff", b""),
        (b"/%zz", "/%zz", b"/%zz", b""),
        (b"/%00", "/\0", b"/%00", b""),
        (b"/a??b", "/a", b"/a", b"?b"),
        (b"http://test/a?b", "/a", b"/a", b"b"),
    ],
)
def test_target(scope_of, target, path, raw_path, query):
    """ASGI-25, ASGI-26, ASGI-27, ASGI-N6: as for a request."""
    scope = scope_of(target)
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([], []),
        ([b"chat"], ["chat"]),
        ([b"chat, superchat"], ["chat", "superchat"]),
        ([b"a,b ,\tc"], ["a", "b", "c"]),
        ([b"a, b", b"c", b"d,e"], ["a", "b", "c", "d", "e"]),
        ([b"b, a, b"], ["b", "a", "b"]),
        ([b"graphql-transport-ws"], ["graphql-transport-ws"]),
        ([b"A.b!#$%&'*+-^_`|~9"], ["A.b!#$%&'*+-^_`|~9"]),
    ],
)
def test_subprotocols(scope_of, lines, names):
    """ASGI-72, U4.1: every field, split at the commas, in order."""
    scope = scope_of(b"/", *(b"Sec-WebSocket-Protocol: " + line for line in lines))
    assert scope["subprotocols"] == names
    assert all(type(name) is str for name in scope["subprotocols"])


def test_headers_are_those_of_the_handshake(scope_of):
    """ASGI-29, O35: names in lower case, values as they came, grouped, `host` where it was."""
    fields = (
        b"Host: example.org",
        b"Connection: keep-alive, Upgrade",
        b"Origin: http://example.org",
        b"Cookie: a=1; b=2",
        b"X-A: 1",
        b"X-Obs: \xe9\xff",
        b"X-a:2",
        b"X-Empty:",
    )
    headers = scope_of(b"/", *fields)["headers"]
    assert headers == [
        (b"upgrade", b"websocket"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", KEY),
        (b"host", b"example.org"),
        (b"connection", b"keep-alive, Upgrade"),
        (b"origin", b"http://example.org"),
        (b"cookie", b"a=1; b=2"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
        (b"x-obs", b"\xe9\xff"),
        (b"x-empty", b""),
    ]
    assert all(type(one) is tuple for one in headers)
    assert {type(part) for one in headers for part in one} == {bytes}


def test_each_session_has_objects_of_its_own(stage, notes, noting):
    """ASGI-20, ASGI-72: changing one scope changes no other."""
    address = stage(noting).serving.address
    with dial(address), dial(address):
        first, second = notes.next(), notes.next()
    for key in ("asgi", "extensions", "headers", "subprotocols", "state"):
        assert first[key] is not second[key], key
    assert (
        first["extensions"]["websocket.http.response"]
        is not (second["extensions"]["websocket.http.response"])
    )


def test_state_is_a_shallow_copy_of_the_lifespans(stage_with, notes, noting):
    """ASGI-32, ASGI-72, ASGI-N12."""
    address = stage_with(noting).serving.address
    with dial(address):
        first = notes.next()["state"]
        assert first == {"count": 0, "shared": []}
        first["count"] = 1
        first["shared"].append("seen")
        with dial(address):
            assert notes.next()["state"] == {"count": 0, "shared": ["seen"]}


def test_root_path_is_part_of_the_path(stage_with, notes, noting):
    """ASGI-28, ASGI-N9."""
    server = stage_with(noting, lifespan="off", root_path="/api")
    with dial(server.serving.address, b"/x%20y?q"):
        scope = notes.next()
    assert (scope["root_path"], scope["path"]) == ("/api", "/api/x y")
    assert (scope["raw_path"], scope["query_string"]) == (b"/api/x%20y", b"q")


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [(b"https", "wss"), (b"wss", "wss"), (b"http", "ws"), (b"ws", "ws"), (None, "ws")],
)
def test_scheme_and_client_behind_a_trusted_proxy(stage_with, notes, noting, proto, scheme):
    """ASGI-24, ASGI-72, U2.5."""
    server = stage_with(noting, lifespan="off", forwarded_allow_ips="127.0.0.1")
    fields = [b"X-Forwarded-For: 192.0.2.7"]
    if proto is not None:
        fields.append(b"X-Forwarded-Proto: " + proto)
    with dial(server.serving.address, b"/", *fields):
        scope = notes.next()
    assert (scope["scheme"], scope["client"]) == (scheme, ("192.0.2.7", 0))


def test_forwarded_fields_of_a_stranger_are_ignored(stage_with, notes, noting):
    """U2.5."""
    server = stage_with(noting, lifespan="off", forwarded_allow_ips="192.0.2.1")
    fields = (b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: https")
    with dial(server.serving.address, b"/", *fields) as peer:
        scope = notes.next()
    assert (scope["scheme"], scope["client"]) == ("ws", ("127.0.0.1", peer.port))


def test_peers_of_a_unix_socket(stage_with, notes, noting, tmp_path):
    """ASGI-31: no client, and the path as it was configured."""
    path = str(tmp_path / "s")
    server = stage_with(noting, lifespan="off", uds=path)
    with dial(server.serving.address, b"/x"):
        scope = notes.next()
    assert (scope["client"], scope["server"]) == (None, (path, None))
    line = server.logs.wait('"WebSocket').getMessage()
    assert line == ' - "WebSocket /x" [accepted]'


def test_peers_of_an_ipv6_socket(stage_with, notes, noting):
    """ASGI-31: no brackets, no scope."""
    server = stage_with(noting, lifespan="off", host="::1")
    with dial(server.serving.address) as peer:
        scope = notes.next()
    assert scope["client"] == ("::1", peer.port)
    assert scope["server"] == ("::1", server.serving.port)


def test_application_is_called_once_per_session(stage, notes, noting):
    """ASGI-1: also after requests on the same connection."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            notes("http")
            await answer(send)
            return
        await noting(scope, receive, send)

    with WebSocket(stage(app).serving.address) as peer:
        for _ in range(2):
            peer.send(b"GET / HTTP/1.1\r\nhost: t\r\n\r\n")
            assert peer.read_response().body == b"ok"
        peer.send(handshake(b"/ws"))
        peer.read_accepted()
        assert [notes.next(), notes.next()] == ["http", "http"]
        assert notes.next()["path"] == "/ws"
        peer.send_close(1000)
        assert peer.read_close() == (1000, "")
    assert notes.rest() == []


def test_two_part_application_is_called_as_one(stage_with):
    """ASGI-11."""

    class App:
        def __init__(self, scope):
            self.version = scope["asgi"]["version"]

        async def __call__(self, receive, send):
            await opened(receive, send)
            await send({"type": "websocket.send", "text": self.version})

    with dial(stage_with(App, lifespan="off", interface="asgi2").serving.address) as peer:
        assert peer.read_message() == "2.0"
        peer.expect_close(1000)
