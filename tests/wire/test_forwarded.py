"""What trusted proxies say of a client, from the field to the scope and the access log: U2.5.

Tables of single values are in src/protocol/forwarded/tests/; here is what becomes of them.
"""

from __future__ import annotations

import socket

import pytest

from tests.clients.raw import RawConnection
from tests.clients.serving import bound

STANDARD = {"forwarded_rfc7239": True}


class Scopes:
    """An application that answers 200 and keeps every scope, and asks it with fields."""

    def __init__(self) -> None:
        self.seen = []

    async def __call__(self, scope, receive, send):
        self.seen.append(scope)
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"ok"})

    def ask(self, address, *lines: bytes, target=b"/a%20b", is_old=False) -> dict:
        """The scope of a request with these lines, and with the peer's own port put in `peer`."""
        first = [b"GET " + target + b" HTTP/1.1", b"Host: inner:8000"]
        if is_old:
            first = [b"GET " + target + b" HTTP/1.0"]
        head = b"\r\n".join([*first, *lines])
        with RawConnection(address) as peer:
            peer.send(head + b"\r\n\r\n")
            assert peer.read_response().status == 200
            return {**self.seen.pop(), "peer": peer.port}


@pytest.fixture
def scopes():
    return Scopes()


@pytest.fixture
def ask(scopes, serve):
    """`ask(options, *lines)`: the scope that a server with these options makes of a request."""

    def ask(options, *lines, **request):
        serving = serve(scopes, lifespan="off", **options)
        return scopes.ask(serving.address, *lines, **request)

    return ask


def unchanged(scope) -> None:
    assert scope["client"] == ("127.0.0.1", scope["peer"])
    assert scope["scheme"] == "http"


def hosts(scope) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == b"host"]


def test_client_and_scheme_of_the_loopback_are_believed_by_default(ask):
    """As uvicorn: a proxy on the same machine."""
    scope = ask({}, b"X-Forwarded-For: 9.9.9.9:1234", b"X-Forwarded-Proto: https")
    assert scope["client"] == ("9.9.9.9", 1234)
    assert scope["scheme"] == "https"
    assert [type(part) for part in scope["client"]] == [str, int]
    assert type(scope["client"]) is tuple
    # The fields themselves stay.
    assert (b"x-forwarded-for", b"9.9.9.9:1234") in scope["headers"]


def test_client_without_fields_is_the_peer(ask):
    unchanged(ask({}))


def test_client_in_another_requests_field_is_forgotten(scopes, serve):
    """The next request on a connection is another client's."""
    serving = serve(scopes, lifespan="off")
    with RawConnection(serving.address) as peer:
        for line in (b"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: wss\r\n", b""):
            peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n")
            peer.read_response()
        first, second = scopes.seen
        assert (first["client"], first["scheme"]) == (("9.9.9.9", 0), "wss")
        assert (second["client"], second["scheme"]) == (("127.0.0.1", peer.port), "http")


@pytest.mark.parametrize(
    "options",
    [{"proxy_headers": False}, {"forwarded_allow_ips": "10.0.0.1"}, {"forwarded_allow_ips": ""}],
    ids=repr,
)
def test_peer_that_is_not_trusted_is_not_believed(ask, options):
    options = {**options, **STANDARD, "forwarded_host": True, "forwarded_prefix": True}
    scope = ask(
        options,
        b"X-Forwarded-For: 9.9.9.9",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: example.com",
        b"X-Forwarded-Prefix: /api",
        b"Forwarded: for=9.9.9.9;proto=https;host=example.com",
    )
    unchanged(scope)
    assert hosts(scope) == [b"inner:8000"]
    assert scope["server"][0] == "127.0.0.1"
    assert scope["root_path"] == ""


@pytest.mark.parametrize(
    ("trusted", "lines", "client"),
    [
        ("127.0.0.1", [b"1.2.3.4, 5.6.7.8"], ("5.6.7.8", 0)),
        ("127.0.0.1, 5.6.0.0/16", [b"1.2.3.4, 5.6.7.8"], ("1.2.3.4", 0)),
        ("127.0.0.0/8", [b"1.2.3.4", b"127.0.0.9:80"], ("1.2.3.4", 0)),
        (["127.0.0.1", "5.6.7.8"], [b"1.2.3.4, 5.6.7.8"], ("1.2.3.4", 0)),
        ("*", [b"1.2.3.4, 5.6.7.8"], ("1.2.3.4", 0)),
        ("127.0.0.1", [b"[2001:db8::1]:8080"], ("2001:db8::1", 8080)),
        ("127.0.0.1", [b"unknown"], ("unknown", 0)),
        ("127.0.0.1", [b"caf\xe9"], ("café", 0)),
        ("127.0.0.1", [b"1.2.3.4:-9223372036854775808"], ("1.2.3.4", -(2**63))),
    ],
    ids=repr,
)
def test_client_is_the_first_from_the_right_that_is_not_trusted(ask, trusted, lines, client):
    fields = [b"X-Forwarded-For: " + line for line in lines]
    assert ask({"forwarded_allow_ips": trusted}, *fields)["client"] == client


@pytest.mark.parametrize("line", [b"", b",", b"1.2.3.4,", b"[]:80"])
def test_client_that_is_empty_is_the_peer(ask, line):
    unchanged(ask({}, b"X-Forwarded-For: " + line))


@pytest.mark.parametrize("line", [b"", b"HTTPS", b"https, http", b"gopher", b"http s", b"\xff"])
def test_scheme_that_is_none_is_the_connections(ask, line):
    unchanged(ask({}, b"X-Forwarded-Proto: https", b"X-Forwarded-Proto: " + line))


def test_access_log_shows_the_client_that_was_found(scopes, serve):
    """U5.2: record and scope say the same."""
    serving = serve(scopes, lifespan="off")
    scopes.ask(serving.address, b"X-Forwarded-For: 9.9.9.9:1234")
    scopes.ask(serving.address, b"X-Forwarded-For: unknown")
    assert serving.logs.access == [
        '9.9.9.9:1234 - "GET /a%20b HTTP/1.1" 200',
        'unknown:0 - "GET /a%20b HTTP/1.1" 200',
    ]


@pytest.mark.parametrize(("trusted", "client"), [("*", ("9.9.9.9", 0)), ("127.0.0.1", None)])
def test_peer_over_a_unix_socket_is_trusted_with_an_asterisk_alone(
    scopes, serve, tmp_path, trusted, client
):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        serve(scopes, lifespan="off", listener=listener, forwarded_allow_ips=trusted)
        assert scopes.ask(path, b"X-Forwarded-For: 9.9.9.9")["client"] == client


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_ipv4_peer_of_a_socket_for_both_families_is_trusted_as_such(scopes, serve):
    """Unlike uvicorn, to which ::ffff:127.0.0.1 is a stranger."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        serving = serve(scopes, lifespan="off", listener=listener)
        address = ("127.0.0.1", serving.port)
        assert scopes.ask(address)["client"][0] == "::ffff:127.0.0.1"
        assert scopes.ask(address, b"X-Forwarded-For: 9.9.9.9")["client"] == ("9.9.9.9", 0)
        assert scopes.ask(("::1", serving.port), b"X-Forwarded-For: 8.8.8.8")["client"][1] == 0


def test_standard_field_names_client_scheme_and_host(ask):
    """RFC 7239."""
    line = b'Forwarded: for="[2001:db8::1]:4711";proto=HTTPS;host="example.com:8443";by=_edge'
    scope = ask(STANDARD, line)
    assert scope["client"] == ("2001:db8::1", 4711)
    assert scope["scheme"] == "https"
    assert scope["server"] == ("example.com", 8443)
    assert hosts(scope) == [b"example.com:8443"]


def test_standard_field_is_not_read_unless_it_is_asked_for(ask):
    unchanged(ask({}, b"Forwarded: for=9.9.9.9;proto=https"))


def test_standard_field_wins_over_the_others(ask):
    """They are not mixed: a proxy that writes the one may let the others through."""
    options = {**STANDARD, "forwarded_host": True}
    scope = ask(
        options,
        b"X-Forwarded-For: 6.6.6.6",
        b"X-Forwarded-Proto: wss",
        b"X-Forwarded-Host: evil.example",
        b"Forwarded: for=9.9.9.9",
    )
    assert scope["client"] == ("9.9.9.9", 0)
    assert scope["scheme"] == "http"
    assert hosts(scope) == [b"inner:8000"]
    assert ask(options, b"X-Forwarded-For: 9.9.9.9")["client"] == ("9.9.9.9", 0)


def test_standard_field_that_cannot_be_read_hides_the_client(ask):
    """It is neither the peer's request, nor whose the other fields say."""
    scope = ask(STANDARD, b'Forwarded: for="9.9.9.9', b"X-Forwarded-For: 6.6.6.6")
    assert scope["client"] == ("unknown", 0)


def test_host_is_replaced_where_it_is_asked_for(ask):
    options = {"forwarded_host": True}
    scope = ask(options, b"X-A: b", b"X-Forwarded-Host: evil.example, example.com:8443")
    assert hosts(scope) == [b"example.com:8443"]
    assert scope["headers"][0] == (b"host", b"example.com:8443")
    assert scope["server"] == ("example.com", 8443)
    assert scope["client"] == ("127.0.0.1", scope["peer"])
    secure = ask(options, b"X-Forwarded-Host: example.com", b"X-Forwarded-Proto: https")
    assert secure["server"] == ("example.com", 443)
    assert ask(options, b"X-Forwarded-Host: [::1]")["server"] == ("::1", 80)
    old = ask(options, b"X-Forwarded-Host: example.com", is_old=True)
    assert hosts(old) == [b"example.com"]
    refused = ask(options, b"X-Forwarded-Host: user@example.com")
    assert hosts(refused) == [b"inner:8000"]


def test_host_is_left_alone_by_default(ask):
    assert hosts(ask({}, b"X-Forwarded-Host: example.com")) == [b"inner:8000"]


def test_prefix_stands_before_root_path_and_path(ask):
    """ASGI-28: `path` begins with `root_path`, whoever has taken it away before."""
    options = {"forwarded_prefix": True, "root_path": "/v1"}
    scope = ask(options, b"X-Forwarded-Prefix: /a%C3%A9/", target=b"/b%20c?d=e")
    assert scope["root_path"] == "/aé/v1"
    assert scope["path"] == "/aé/v1/b c"
    assert scope["raw_path"] == b"/a%C3%A9/v1/b%20c"
    assert scope["query_string"] == b"d=e"
    for value in (b"//evil.example", b"/a/../b", b"relative", b"/"):
        assert ask(options, b"X-Forwarded-Prefix: " + value)["root_path"] == "/v1"
    assert ask({}, b"X-Forwarded-Prefix: /a")["root_path"] == ""


def test_prefix_is_in_the_access_log(scopes, serve):
    """U5.2: the record shows the scope's path."""
    serving = serve(scopes, lifespan="off", forwarded_prefix=True)
    scopes.ask(serving.address, b"X-Forwarded-Prefix: /api", target=b"/x")
    (line,) = serving.logs.access
    assert line.endswith('"GET /api/x HTTP/1.1" 200')


def test_application_may_change_what_was_found(scopes, serve):
    """U5.2: one mutable dict for proxies, middleware and the record."""

    async def app(scope, receive, send):
        assert scope["client"] == ("9.9.9.9", 0)
        scope["client"] = ("8.8.8.8", 5)
        await scopes(scope, receive, send)

    serving = serve(app, lifespan="off")
    scopes.ask(serving.address, b"X-Forwarded-For: 9.9.9.9")
    assert serving.logs.access == ['8.8.8.8:5 - "GET /a%20b HTTP/1.1" 200']


def test_long_fields_are_read_in_one_go(ask):
    """A head of 64 KiB costs one look at each of its bytes."""
    trusted = {"forwarded_allow_ips": "127.0.0.0/8", **STANDARD}
    assert ask(trusted, b"X-Forwarded-For: 9.9.9.9" + b",127.0.0.1" * 6000)["client"][1] == 0
    assert ask(trusted, b"Forwarded: for=9.9.9.9" + b",for=127.0.0.1" * 4000)["client"][1] == 0


def test_listener_of_the_caller_may_be_ipv6(scopes, serve):
    """The default trusts ::1 as well."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with bound("::1") as listener:
        serving = serve(scopes, lifespan="off", listener=listener)
        scope = scopes.ask(serving.address, b"X-Forwarded-For: 9.9.9.9")
        assert scope["client"] == ("9.9.9.9", 0)
