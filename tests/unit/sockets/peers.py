"""What a peer finds at an address, and what this machine can do."""

from __future__ import annotations

import socket

import pytest

BACKLOG = 16


def connects(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.settimeout(5)
        return peer.connect_ex(address) == 0


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def addresses(*hosts):
    """A `getaddrinfo` to which a name stands for these addresses."""

    def getaddrinfo(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    return getaddrinfo
