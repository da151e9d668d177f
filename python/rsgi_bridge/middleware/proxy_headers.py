"""`ProxyHeadersMiddleware`: the client and the scheme that a trusted proxy tells of.

The server does the same by itself, before the application is called; this class is for those who
use uvicorn's by its name. Its trust and its parsing are uvicorn's to the letter.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

SCHEMES = {"http", "https", "ws", "wss"}
# A longer host is no DNS name: not worth a place in the cache.
LONGEST_HOST = 253


class ProxyHeadersMiddleware:
    """An ASGI application around another one; it changes the scope in place.

    Args:
        app: the application.
        trusted_hosts: addresses, networks and literals of peers whose `X-Forwarded-For` and
            `X-Forwarded-Proto` count, as a list or separated by commas; `*` trusts all.
    """

    def __init__(
        self,
        app: Callable[[Any, Any, Any], Awaitable[Any]],
        trusted_hosts: list[str] | str = "127.0.0.1",
    ) -> None:
        self.app = app
        self.trusted_hosts = _TrustedHosts(trusted_hosts)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] != "lifespan":
            client = scope.get("client")
            if (client[0] if client else None) in self.trusted_hosts:
                self._apply(scope)
        return await self.app(scope, receive, send)

    def _apply(self, scope: Any) -> None:
        forwarded_for = []
        proto = b""
        for name, value in scope["headers"]:
            if name == b"x-forwarded-proto":
                proto = value  # the last one wins
            elif name == b"x-forwarded-for":
                forwarded_for.append(value)

        scheme = proto.decode("latin-1").strip()
        if scheme in SCHEMES:
            is_websocket = scope["type"] == "websocket"
            scope["scheme"] = scheme.replace("http", "ws") if is_websocket else scheme
        if forwarded_for:
            chain = b", ".join(forwarded_for).decode("latin-1")
            host, port = self.trusted_hosts.get_trusted_client_address(chain)
            if host:
                scope["client"] = (host, port)


class _TrustedHosts:
    """Which hosts are trusted, and whom a chain of them speaks for. Named as uvicorn's is."""

    def __init__(self, trusted_hosts: list[str] | str) -> None:
        self.always_trust = trusted_hosts in ("*", ["*"])
        # Addresses are compared as such, because one may be written in several ways.
        self.trusted_hosts: set[Address] = set()
        self.trusted_networks: set[Network] = set()
        self.trusted_literals: set[str] = set()
        if not self.always_trust:
            is_text = isinstance(trusted_hosts, str)
            self._sort(_items(trusted_hosts) if is_text else trusted_hosts)  # type: ignore[arg-type]
        self._trusts = functools.lru_cache(maxsize=4096)(self._compute_trust)

    def __contains__(self, host: str | None) -> bool:
        if self.always_trust:
            return True
        if not host:
            return False
        return self._trusts(host) if len(host) <= LONGEST_HOST else self._compute_trust(host)

    def get_trusted_client_address(self, x_forwarded_for: str) -> tuple[str, int]:
        """The first host from the right that is not trusted; the leftmost if all are."""
        hosts = _items(x_forwarded_for)
        if not self.always_trust:
            for host, port in map(_parse_host_port, reversed(hosts)):
                if host not in self:
                    return host, port
        return _parse_host_port(hosts[0])

    def _sort(self, hosts: Iterable[str]) -> None:
        for host in hosts:
            try:
                if "/" in host:
                    self.trusted_networks.add(ipaddress.ip_network(host))
                else:
                    self.trusted_hosts.add(ipaddress.ip_address(host))
            except ValueError:
                self.trusted_literals.add(host)

    def _compute_trust(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host in self.trusted_literals
        return address in self.trusted_hosts or any(
            address in network for network in self.trusted_networks
        )


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")]


def _parse_host_port(text: str) -> tuple[str, int]:
    """Host and port of `ip`, `ip:port`, `[v6]` or `[v6]:port`; anything else is a host, port 0."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return text, 0
        return host, _port(rest[1:]) or 0
    if text.count(":") == 1:
        host, _, digits = text.partition(":")
        port = _port(digits)
        return (text, 0) if port is None else (host, port)
    return text, 0


def _port(digits: str) -> int | None:
    try:
        return int(digits)
    except ValueError:
        return None
