"""sockets/tcp.py: every way to claim an address, and to be refused it."""

from __future__ import annotations

import errno
import socket
from contextlib import closing

import pytest

from rsgi_bridge.sockets.tcp import bind_one, bind_tcp
from tests.unit.sockets.peers import BACKLOG, addresses, connects, has_ipv6, needs_ipv6


def test_bound_address_refuses_until_it_listens():
    # O24, ASGI-93
    with closing(bind_tcp("127.0.0.1", 0)) as listener:
        address = listener.sockets[0].getsockname()
        assert not connects(address)
        listener.listen(BACKLOG)
        assert connects(address)


def test_taken_port_is_told_in_uvicorns_words():
    # FLT-D10
    with closing(bind_tcp("127.0.0.1", 0)) as first:
        first.listen(BACKLOG)
        address = first.sockets[0].getsockname()
        with pytest.raises(OSError, match="bind") as caught:
            bind_tcp(*address)
    assert str(caught.value) == (
        f"[Errno {errno.EADDRINUSE}] error while attempting to bind on address {address}: "
        "address already in use"
    )


def test_name_that_does_not_resolve_is_told():
    with pytest.raises(socket.gaierror, match=r"'no-such-host\.invalid'$"):
        bind_tcp("no-such-host.invalid", 0)


@pytest.mark.parametrize("host", ["a..b", "a" * 64 + ".invalid"])
def test_host_that_cannot_be_a_name_is_told(host):
    with pytest.raises(OSError, match="not a host name: ") as caught:
        bind_tcp(host, 0)
    assert caught.value.errno == errno.EINVAL


def test_address_of_another_machine_is_refused():
    with pytest.raises(OSError, match=r"\('192.0.2.1', 0\)") as caught:
        bind_tcp("192.0.2.1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_port_out_of_range_is_refused(port):
    with pytest.raises(OSError, match=f"port must be 0-65535, not {port}"):
        bind_tcp("127.0.0.1", port)


@pytest.mark.parametrize("host", [None, ""])
def test_no_host_means_every_interface(host):
    with closing(bind_tcp(host, 0)) as listener:
        hosts = [sock.getsockname()[0] for sock in listener.sockets]
    assert hosts == (["0.0.0.0", "::"] if has_ipv6() else ["0.0.0.0"])


@needs_ipv6
def test_wildcard_of_ipv6_takes_ipv4_as_well():
    with closing(bind_tcp("::", 0)) as listener:
        listener.listen(BACKLOG)
        port = listener.sockets[0].getsockname()[1]
        assert connects(("127.0.0.1", port))
        assert connects(("::1", port), socket.AF_INET6)


@needs_ipv6
def test_address_of_ipv6_takes_ipv6_only():
    with closing(bind_tcp("::1", 0)) as listener:
        (sock,) = listener.sockets
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def test_every_address_of_a_name_is_bound_once(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.1", "127.0.0.2", "127.0.0.1"))
    with closing(bind_tcp("name", 0)) as listener:
        hosts = [sock.getsockname()[0] for sock in listener.sockets]
    assert hosts == ["127.0.0.1", "127.0.0.2"]


def test_port_that_the_kernel_chose_is_the_same_at_every_address(monkeypatch):
    # U1.3: one number is printed.
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.1", "127.0.0.2"))
    with closing(bind_tcp("name", 0)) as listener:
        first, second = (sock.getsockname()[1] for sock in listener.sockets)
    assert first == second != 0


def test_port_that_is_taken_at_another_address_is_chosen_anew(monkeypatch):
    taken = [bind_tcp("127.0.0.2", 0)]
    resolved = addresses("127.0.0.1", "127.0.0.2")(None, 0)

    def getaddrinfo(*_, **__):
        return resolved

    class Eager(socket.socket):
        """The kernel's first choice is a port that somebody has at the other address."""

        def bind(self, address):
            if address == ("127.0.0.1", 0) and taken:
                listener = taken.pop()
                listener.listen(BACKLOG)
                address = ("127.0.0.1", listener.sockets[0].getsockname()[1])
                given_back.append(listener)
            super().bind(address)

    given_back = []
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "socket", Eager)
    with closing(bind_tcp("name", 0)) as listener, closing(given_back[0]) as other:
        first, second = (sock.getsockname()[1] for sock in listener.sockets)
        assert first == second != other.sockets[0].getsockname()[1]


def test_address_that_no_interface_has_is_left_out(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", addresses("192.0.2.1", "127.0.0.1"))
    with closing(bind_tcp("localhost", 0)) as listener:
        (sock,) = listener.sockets
        assert sock.getsockname()[0] == "127.0.0.1"


def test_family_that_the_kernel_lacks_is_left_out(monkeypatch):
    def getaddrinfo(host, port, **_):
        unknown = 4711
        return [
            (unknown, socket.SOCK_STREAM, 6, "", (host, port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with closing(bind_tcp("127.0.0.1", 0)) as listener:
        assert len(listener.sockets) == 1


def test_failure_at_one_address_gives_the_others_back(monkeypatch):
    with closing(bind_tcp("127.0.0.2", 0)) as taken:
        taken.listen(BACKLOG)
        port = taken.sockets[0].getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.1", "127.0.0.2"))
        with pytest.raises(OSError, match=r"127\.0\.0\.2"):
            bind_tcp("name", port)
        monkeypatch.undo()
        bind_tcp("127.0.0.1", port).close()


# --- One socket ---


def test_single_socket_of_a_name_is_its_first_ipv4_address():
    with closing(bind_one("localhost", 0)) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


@needs_ipv6
def test_single_socket_without_a_host_is_reached_in_both_families():
    with closing(bind_one(None, 0)) as sock:
        sock.listen()
        port = sock.getsockname()[1]
        assert connects(("127.0.0.1", port))
        assert connects(("::1", port), socket.AF_INET6)


def test_single_socket_without_a_host_does_without_ipv6(monkeypatch):
    def make(family, *args):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return made(family, *args)

    made = socket.socket
    monkeypatch.setattr(socket, "socket", make)
    with closing(bind_one(None, 0)) as sock:
        assert sock.getsockname()[0] == "0.0.0.0"
