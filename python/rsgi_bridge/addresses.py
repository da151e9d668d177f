"""Who is at the two ends of a connection, and what was asked for, as text and as pairs.

Programs that log or that write protocols of their own import these under uvicorn's names; the
server's own addresses are found by the core.
"""

from __future__ import annotations

import asyncio
import socket
import urllib.parse
from typing import Any

# The names, `get_` included, are uvicorn's.


def get_client_addr(scope: Any) -> str:
    """`host:port` of a scope's client; empty if nobody knows it."""
    client = scope.get("client")
    if not client:
        return ""
    host, port = client
    return f"{host}:{port}"


def get_path_with_query_string(scope: Any) -> str:
    """A scope's path, quoted again, with its query: what an access line shows."""
    path = urllib.parse.quote(scope["path"])
    query: bytes = scope["query_string"]
    return f"{path}?{query.decode('ascii')}" if query else path


def get_remote_addr(transport: asyncio.BaseTransport) -> tuple[str, int] | None:
    """The peer of a transport; None for a Unix socket, and for one that has gone."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None:
        return _pair(transport.get_extra_info("peername"))
    try:
        name: Any = sock.getpeername()
    except OSError:
        return None
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None


def get_local_addr(transport: asyncio.BaseTransport) -> tuple[str, int | None] | None:
    """Our own end of a transport; the path and None for a Unix socket."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    name: Any = transport.get_extra_info("sockname") if sock is None else sock.getsockname()
    if isinstance(name, str):
        return name, None
    if sock is not None and isinstance(name, tuple):
        return str(name[0]), int(name[1])  # of IPv6 it has four items
    return _pair(name)


def is_ssl(transport: asyncio.BaseTransport) -> bool:
    """Whether a transport is encrypted."""
    return bool(transport.get_extra_info("sslcontext"))


def _pair(name: Any) -> tuple[str, int] | None:
    if isinstance(name, list | tuple) and len(name) == 2:
        return str(name[0]), int(name[1])
    return None
