"""What a scope says of a client behind proxies, compared with uvicorn's own middleware: U2.5.

Random lists of what proxies write and of what they never would; the same ones in every run.
"""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.clients.raw import RawConnection

proxy_headers = pytest.importorskip("uvicorn.middleware.proxy_headers")

TRUSTED = [
    "*",
    "127.0.0.1",
    "127.0.0.0/8, 10.0.0.0/255.0.0.0, 2001:db8::/32, fe80::/10, unknown, _edge, 1.2.3.4/24, ::1",
    "127.0.0.1, 0.0.0.0/0, ::/0, 10.0.0.1:80, [::1], fe80::1%eth0",
]
HOSTS = [
    *("1.2.3.4", "127.0.0.1", "10.0.0.1", "10.255.0.1", "192.168.1.1", "256.1.1.1", "1.2.3"),
    *("::1", "2001:db8::1", "2001:DB8:0:0::1", "fe80::1%eth0", "fe80::1%", "::", "1::2::3"),
    *("[::1]", "[2001:db8::1]", "[fe80::1%eth0]", "[", "]", "[]", "[::1", "::1]", "[1.2.3.4]"),
    *("unknown", "_edge", "_", "example.com", "*", "1.2.3.4/24", '"1.2.3.4"', "a b", ""),
    *("01.2.3.4", "::1.2.3.4", "[x]y", "caf\xe9", "\xa0", "x" * 300),
]
PORTS = [
    *("", "", "", ":80", ":0", ":", ":x", ":-1", ":+1", ":1_0", ":_1", ":1_", ":99999", ": 80"),
    *(":80 ", ":80:80", ":007", ":0x1", ":\xb2", ":80\xa0", ":9223372036854775807", "::1", ":1e3"),
]
BLANKS = ["", "", " ", "\t", "  "]
SCHEMES = [
    "http",
    "https",
    "ws",
    "wss",
    "HTTPS",
    "",
    "ftp",
    "https,http",
    " https\t",
    "\xa0https",
    "h",
]
BATCH = 50


def made(random: random.Random) -> list[tuple[str, str]]:
    """The fields of one request."""
    fields = []
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        entries = [
            random.choice(BLANKS) + random.choice(HOSTS) + random.choice(PORTS)
            for _ in range(random.choice([0, 1, 1, 2, 3, 5]))
        ]
        fields.append(("x-forwarded-for", ",".join(entries)))
    fields.extend(
        ("x-forwarded-proto", random.choice(BLANKS) + random.choice(SCHEMES))
        for _ in range(random.choice([0, 1, 1, 2]))
    )
    return fields


def theirs(middleware, client, fields):
    """What uvicorn's middleware makes of it. It never sees blanks around a field's value (O5)."""
    scope = {
        "type": "http",
        "client": client,
        "scheme": "http",
        "headers": [
            (name.encode(), value.strip(" \t").encode("latin-1")) for name, value in fields
        ],
    }
    asyncio.run(middleware(scope, None, None))
    return scope["client"], scope["scheme"]


async def does_nothing(scope, receive, send):
    pass


@pytest.mark.parametrize("trusted", TRUSTED)
def test_scope_says_what_uvicorns_middleware_says(serve, trusted):
    compare(serve, trusted, seed=1, count=2000)


def compare(serve, trusted, seed, count):
    """More than the test has time for may be compared by hand, with other seeds."""
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["client"], scope["scheme"]))
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    middleware = proxy_headers.ProxyHeadersMiddleware(does_nothing, trusted)
    serving = serve(app, lifespan="off", forwarded_allow_ips=trusted, log_level="warning")
    chance = random.Random(seed)
    with RawConnection(serving.address) as peer:
        for _ in range(count // BATCH):
            batch = [made(chance) for _ in range(BATCH)]
            for fields in batch:
                lines = [f"{name}: {value}" for name, value in fields]
                head = "\r\n".join(["GET / HTTP/1.1", "Host: a", *lines])
                peer.send(head.encode("latin-1") + b"\r\n\r\n")
            for _ in batch:
                assert peer.read_response().status == 204
            ours, seen[:] = seen[:], []
            for said, fields in zip(ours, batch, strict=True):
                expected = theirs(middleware, ("127.0.0.1", peer.port), fields)
                assert said == expected, fields
