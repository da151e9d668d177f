"""TCP: every address that a host stands for, claimed before anything listens.

What is wrong is an `OSError` whose text is fit to be shown.
"""

from __future__ import annotations

import errno
import socket
from typing import Any, TypeAlias

from rsgi_bridge.sockets.listener import Listener, bind_error

# Family, protocol and address, as `getaddrinfo` gives them.
Target: TypeAlias = tuple[int, int, tuple[Any, ...]]

# Ports that are tried when the kernel's choice for one address is taken at another.
ATTEMPTS = 10


def bind_tcp(host: str | None, port: int) -> Listener:
    """Binds every address that a host name stands for.

    Args:
        host: a name or an address; None or an empty string mean every interface.
        port: 0 lets the kernel choose: one port, for all addresses.

    Raises:
        OSError: if the name does not resolve or an address cannot be bound.
    """
    targets = _resolve(host, port)
    for attempt in range(ATTEMPTS):
        try:
            return Listener(_bind_all(host, port, targets))
        except OSError as exc:
            is_last = attempt == ATTEMPTS - 1
            if port != 0 or len(targets) == 1 or exc.errno != errno.EADDRINUSE or is_last:
                raise
    raise AssertionError("unreachable")


def bind_one(host: str | None, port: int) -> socket.socket:
    """Binds one address, for programs that hand a single socket on.

    A name is bound at its first IPv4 address, no host at every interface of both families.
    """
    targets = _resolve(host or "::", port)
    if not host:
        try:
            return _bind_all(host, port, targets)[0]
        except OSError as exc:
            if exc.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
            targets = _resolve("0.0.0.0", port)
    first = min(targets, key=lambda target: target[0] != socket.AF_INET)
    return _bind_all(host, port, [first])[0]


def _resolve(host: str | None, port: int) -> list[Target]:
    if not 0 <= port <= 0xFFFF:
        # getaddrinfo would take it modulo 65536.
        raise OSError(errno.EINVAL, f"port must be 0-65535, not {port}")
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as exc:
        raise socket.gaierror(exc.errno, f"{exc.strerror}: {host!r}") from None
    except (UnicodeError, ValueError):
        # An empty or overlong label, a NUL: nothing that could be looked up.
        raise OSError(errno.EINVAL, f"not a host name: {host!r}") from None
    return list(dict.fromkeys((entry[0], entry[2], entry[4]) for entry in found))


def _bind_all(host: str | None, port: int, targets: list[Target]) -> list[socket.socket]:
    has_v4 = any(family == socket.AF_INET for family, *_ in targets)
    sockets: list[socket.socket] = []
    unusable: OSError | None = None
    try:
        for family, protocol, address in targets:
            try:
                sock = socket.socket(family, socket.SOCK_STREAM, protocol)
            except OSError as exc:
                unusable = exc  # `localhost` may resolve to a family that the kernel lacks
                continue
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # `::` alone stands for both families; beside 0.0.0.0 it would clash with it.
                is_dual_stack = address[0] == "::" and not has_v4
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not is_dual_stack)
            if port == 0:
                chosen = sockets[0].getsockname()[1]
                address = (address[0], chosen, *address[2:])
            try:
                sock.bind(address)
            except OSError as exc:
                unusable = bind_error(exc.errno, address)
                if exc.errno != errno.EADDRNOTAVAIL:
                    raise unusable from None
                # Likewise `::1`, where IPv6 is compiled in but no interface has it.
                sockets.pop().close()
        if not sockets:
            raise unusable or OSError(errno.EADDRNOTAVAIL, f"no address for host {host!r}")
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets
