"""Observes the middleware for proxies as a class of its own: whom it trusts, what it sets."""

from __future__ import annotations

import asyncio
from typing import Any

Observed = dict[str, list[str]]

TRUSTED: list[Any] = [
    "127.0.0.1",
    "*",
    "127.0.0.1, 10.0.0.0/8",
    ["10.0.0.0/8", "::1"],
    ["*"],
    "",
    "unix:",
    "some-name",
    "::ffff:127.0.0.1",
    "fe80::/10",
]

PEERS = [("127.0.0.1", 1), ("10.1.2.3", 2), ("::1", 3), ("192.0.2.1", 4), ("some-name", 5), None]

FORWARDED: list[list[tuple[bytes, bytes]]] = [
    [(b"x-forwarded-for", b"9.9.9.9")],
    [(b"x-forwarded-for", b"1.1.1.1, 10.0.0.1"), (b"x-forwarded-proto", b"https")],
    [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"10.0.0.1")],
    [(b"x-forwarded-for", b"[2001:db8::1]:80, 127.0.0.1")],
    [(b"x-forwarded-for", b"junk, 9.9.9.9:x")],
    [(b"x-forwarded-proto", b" wss ")],
]


def observe_proxies(package: Any) -> Observed:
    middleware = package.module("middleware.proxy_headers").ProxyHeadersMiddleware
    observed: Observed = {}
    for trusted in TRUSTED:
        lines = [
            f"{peer} {fields}: {seen(middleware, trusted, peer, fields, 'http')}"
            for peer in PEERS
            for fields in FORWARDED
        ]
        observed[f"proxies/{trusted!r}".replace(" ", "")] = lines
    observed["proxies/websocket"] = [
        str(seen(middleware, "*", PEERS[0], [(b"x-forwarded-proto", proto)], "websocket"))
        for proto in (b"http", b"https", b"ws", b"wss", b"HTTPS", b"")
    ]
    observed["proxies/default"] = [
        str(seen(lambda app, _: middleware(app), None, peer, FORWARDED[0], "http"))
        for peer in PEERS
    ]
    return observed


def seen(middleware: Any, trusted: Any, peer: Any, fields: Any, kind: str) -> Any:
    """Client and scheme as the application sees them."""
    result = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal result
        result = (scope["client"], scope["scheme"])

    scheme = "http" if kind == "http" else "ws"
    scope = {"type": kind, "client": peer, "scheme": scheme, "headers": list(fields)}
    try:
        asyncio.run(middleware(app, trusted)(scope, None, None))
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"
    return result
