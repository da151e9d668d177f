"""middleware/proxy_headers.py: whom the headers of a trusted proxy make the client."""

from __future__ import annotations

import asyncio

import pytest

from rsgi_bridge.middleware.proxy_headers import ProxyHeadersMiddleware, _TrustedHosts

PROXY = ("127.0.0.1", 5000)


def forwarded(*headers, trusted="127.0.0.1", client=PROXY, kind="http", scheme="http"):
    """The scope as the application sees it."""
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    scope = {"type": kind, "client": client, "scheme": scheme, "headers": list(headers)}
    asyncio.run(ProxyHeadersMiddleware(app, trusted)(scope, None, None))
    assert seen == [scope]
    assert seen[0] is scope  # so that the access record shows the client
    return scope


def by(*values):
    return [(b"x-forwarded-for", value.encode("latin-1")) for value in values]


def proto(*values):
    return [(b"x-forwarded-proto", value.encode("latin-1")) for value in values]


def test_client_and_scheme_of_a_trusted_proxy():
    # U2.5
    scope = forwarded(*by("192.0.2.1"), *proto("https"))
    assert (scope["client"], scope["scheme"]) == (("192.0.2.1", 0), "https")


@pytest.mark.parametrize("client", [("192.0.2.9", 1), None, ("", 0)])
def test_others_are_not_believed(client):
    # U2.5: a peer over a Unix socket, which has no address, is trusted only by `*`.
    scope = forwarded(*by("192.0.2.1"), *proto("https"), client=client)
    assert (scope["client"], scope["scheme"]) == (client, "http")


@pytest.mark.parametrize("trusted", ["*", ["*"]])
@pytest.mark.parametrize("client", [("192.0.2.9", 1), None])
def test_asterisk_trusts_all(trusted, client):
    # U2.5: and takes the leftmost.
    scope = forwarded(*by("192.0.2.1, 192.0.2.2"), trusted=trusted, client=client)
    assert scope["client"] == ("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (["proxied"], "http"),
        (["HTTPS"], "http"),
        ([""], "http"),
        ([" https "], "https"),
        (["https", "http"], "http"),
        (["http", "https"], "https"),
        (["https", "junk"], "http"),
        (["https, http"], "http"),
        (["wss"], "wss"),
    ],
)
def test_scheme_of_a_request(values, shown):
    # U2.5: the last field wins, and must be one of four words.
    assert forwarded(*proto(*values))["scheme"] == shown


@pytest.mark.parametrize(
    ("value", "shown"), [("http", "ws"), ("https", "wss"), ("ws", "ws"), ("wss", "wss")]
)
def test_scheme_of_a_websocket(value, shown):
    # U2.5
    scope = forwarded(*proto(value), kind="websocket", scheme="other")
    assert scope["scheme"] == shown


@pytest.mark.parametrize(
    ("entry", "client"),
    [
        ("192.0.2.1", ("192.0.2.1", 0)),
        ("192.0.2.1:1234", ("192.0.2.1", 1234)),
        ("192.0.2.1:x", ("192.0.2.1:x", 0)),
        ("2001:db8::1", ("2001:db8::1", 0)),
        ("[2001:db8::1]", ("2001:db8::1", 0)),
        ("[2001:db8::1]:1234", ("2001:db8::1", 1234)),
        ("[2001:db8::1]:x", ("2001:db8::1", 0)),
        ("[2001:db8::1]x", ("[2001:db8::1]x", 0)),
        ("[2001:db8::1", ("[2001:db8::1", 0)),
        ("unknown", ("unknown", 0)),
        ("caf\xe9", ("caf\xe9", 0)),
        ("", PROXY),
        (" ", PROXY),
    ],
)
def test_forms_of_an_entry(entry, client):
    # U2.5: what is not understood is a name; an empty one changes nothing.
    assert forwarded(*by(entry))["client"] == client


@pytest.mark.parametrize(
    ("values", "host"),
    [
        (["192.0.2.1, 10.0.0.1"], "192.0.2.1"),
        (["192.0.2.1, 192.0.2.2, 10.0.0.1"], "192.0.2.2"),
        (["192.0.2.1", "10.0.0.1"], "192.0.2.1"),
        (["10.0.0.2, 10.0.0.1"], "10.0.0.2"),
        (["192.0.2.1, 10.0.0.1:99"], "192.0.2.1"),
        (["192.0.2.1, [::1]:99"], "192.0.2.1"),
        (["192.0.2.1, unix"], "192.0.2.1"),
        (["192.0.2.1,,10.0.0.1"], "127.0.0.1"),
        (["192.0.2.1, ::ffff:10.0.0.1"], "::ffff:10.0.0.1"),
    ],
)
def test_first_untrusted_from_the_right(values, host):
    # U2.5: each proxy adds to the right, so only that side can be believed.
    trusted = ["127.0.0.1", "10.0.0.0/8", "::1", "unix"]
    assert forwarded(*by(*values), trusted=trusted)["client"][0] == host


def test_lifespan_passes():
    # U2.5
    assert forwarded(kind="lifespan")["client"] == PROXY


@pytest.mark.parametrize(
    ("trusted", "inside", "outside"),
    [
        ("127.0.0.1, ::1", ["127.0.0.1", "::1", "0:0:0:0:0:0:0:1"], ["127.0.0.2", "::2", None, ""]),
        ("10.0.0.0/8,2001:db8::/32", ["10.9.8.7", "2001:db8::5"], ["11.0.0.1", "2001:db9::"]),
        (["10.0.0.1/8"], ["10.0.0.1/8"], ["10.0.0.1"]),  # host bits: no network, but a literal
        (["localhost"], ["localhost"], ["LOCALHOST", "127.0.0.1"]),
        ([], [], ["127.0.0.1", ""]),
        ("", [], ["127.0.0.1", ""]),
        (["*", "10.0.0.1"], ["10.0.0.1", "*"], ["10.0.0.2", None]),
        (["x" * 300], ["x" * 300], ["x" * 301]),
    ],
)
def test_trusted_hosts(trusted, inside, outside):
    # U2.5
    hosts = _TrustedHosts(trusted)
    assert not hosts.always_trust
    for _ in range(2):
        assert all(host in hosts for host in inside)
        assert not any(host in hosts for host in outside)


def test_what_is_trusted_can_be_seen():
    # U2.1: uvicorn's attributes.
    hosts = _TrustedHosts("10.0.0.1, 10.1.0.0/16, localhost")
    assert {str(host) for host in hosts.trusted_hosts} == {"10.0.0.1"}
    assert {str(network) for network in hosts.trusted_networks} == {"10.1.0.0/16"}
    assert hosts.trusted_literals == {"localhost"}


def test_result_and_exception_pass():
    async def returns(scope, receive, send):
        return "result"

    async def raises(scope, receive, send):
        raise LookupError("application's own")

    scope = {"type": "lifespan"}
    assert asyncio.run(ProxyHeadersMiddleware(returns)(scope, None, None)) == "result"
    with pytest.raises(LookupError):
        asyncio.run(ProxyHeadersMiddleware(raises)(scope, None, None))
