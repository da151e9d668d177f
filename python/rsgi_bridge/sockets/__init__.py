"""Listening sockets: claimed early, listening late, and nothing left behind.

A TCP address is bound before the application is imported and accepts only once the application has
started (O24). A Unix socket appears under its name only when it accepts. Knows nothing of event
loops and logs nothing: whatever is wrong is an `OSError` whose text is fit to be shown.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Protocol

from rsgi_bridge.sockets.inherited import (
    activated_sockets,
    inherited_socket,
    passed_descriptors,
)
from rsgi_bridge.sockets.listener import Listener
from rsgi_bridge.sockets.tcp import bind_one, bind_tcp
from rsgi_bridge.sockets.unix import UnixListener

__all__ = ["AddressConfig", "Listener", "activate", "bind", "bind_single", "where"]

DEFAULT_ADDRESS = ("127.0.0.1", 8000)


class AddressConfig(Protocol):
    """What is read of a `Config`."""

    host: str | None
    port: int
    uds: str | None
    fd: int | None
    backlog: int
    uds_permissions: int | None

    @property
    def is_ssl(self) -> bool: ...


def activate(config: AddressConfig) -> tuple[list[Listener], bool]:
    """The sockets of systemd's activation, and whether some are left alone.

    They are for a server that was not told where to listen.

    Raises:
        OSError: one of them cannot serve.
    """
    passed = passed_descriptors(os.environ)
    is_told = config.fd is not None or config.uds is not None
    if is_told or (config.host, config.port) != DEFAULT_ADDRESS:
        return [], bool(passed.keys() - {config.fd})
    sockets = activated_sockets(passed)
    return [Listener([sock], is_inherited=True) for sock in sockets], False


def bind(config: AddressConfig) -> Listener:
    """Claims the configured address; descriptor before Unix socket before host and port.

    Raises:
        OSError: it cannot be had.
    """
    if config.fd is not None:
        return Listener([inherited_socket(config.fd)], is_inherited=True)
    if config.uds is not None:
        return UnixListener(config.uds, config.uds_permissions)
    return bind_tcp(config.host, config.port)


def bind_single(config: AddressConfig) -> socket.socket:
    """The same as one socket, for programs that hand it to processes of their own.

    A Unix socket listens at once: one that is bound and does not looks dead to others (O27).
    """
    if config.fd is not None:
        return inherited_socket(config.fd)
    if config.uds is not None:
        listener = UnixListener(config.uds, config.uds_permissions)
        listener.listen(config.backlog)
        return listener.release()
    return bind_one(config.host, config.port)


def where(
    config: AddressConfig, sockets: Sequence[socket.socket], *, is_inherited: bool
) -> tuple[str, tuple[object, ...]]:
    """What the running line says after `running on`, as a format and its arguments."""
    if is_inherited:
        names = [str(sock.getsockname()) for sock in sockets]
        return ("socket %s" if len(names) == 1 else "sockets %s"), (", ".join(names),)
    if config.uds is not None:
        return "unix socket %s", (config.uds,)
    scheme = "https" if config.is_ssl else "http"
    host = "0.0.0.0" if config.host is None else config.host
    port = config.port or sockets[0].getsockname()[1]
    return ("%s://[%s]:%d" if ":" in host else "%s://%s:%d"), (scheme, host, port)
