"""sockets/inherited.py: what is taken of what this process began with, and what is refused."""

from __future__ import annotations

import errno
import os
import re
import socket
from contextlib import ExitStack, closing, suppress

import pytest

from rsgi_bridge.sockets import inherited
from rsgi_bridge.sockets.inherited import (
    activated_sockets,
    inherited_socket,
    passed_descriptors,
)
from tests.unit.sockets.peers import needs_ipv6


def bound(family=socket.AF_INET, address=("127.0.0.1", 0), kind=socket.SOCK_STREAM):
    sock = socket.socket(family, kind)
    sock.bind(address)
    return sock


def refused(fd, words):
    with pytest.raises(
        OSError, match=f"^\\[Errno [0-9]+\\] file descriptor {fd} {words}$"
    ) as caught:
        inherited_socket(fd)
    return caught.value.errno


# --- One descriptor ---


@pytest.mark.parametrize("listens", [False, True])
def test_bound_socket_is_duplicated(listens):
    # U6.6
    with bound() as original:
        if listens:
            original.listen()
        with inherited_socket(original.fileno()) as sock:
            assert sock.fileno() != original.fileno()
            assert sock.getsockname() == original.getsockname()
            assert not sock.get_inheritable()
        assert original.fileno() != -1


@needs_ipv6
def test_family_is_the_sockets_own():
    with bound(socket.AF_INET6, ("::1", 0)) as v6, inherited_socket(v6.fileno()) as sock:
        assert sock.family == socket.AF_INET6


def test_family_of_a_unix_socket_is_its_own(path):
    with bound(socket.AF_UNIX, path) as unix, inherited_socket(unix.fileno()) as sock:
        assert (sock.family, sock.getsockname()) == (socket.AF_UNIX, path)


def test_abstract_unix_socket_is_taken():
    name = f"\0rsgi-{os.getpid()}"
    with bound(socket.AF_UNIX, name) as unix, inherited_socket(unix.fileno()) as sock:
        assert sock.getsockname() == name.encode()


@pytest.mark.parametrize("fd", [-1, 987_654, 2**40])
def test_closed_descriptor_is_told(fd):
    assert refused(fd, "is not open") == errno.EBADF


def test_descriptor_of_a_file_is_told():
    with open(os.devnull) as file:
        assert refused(file.fileno(), "is not a socket") == errno.ENOTSOCK


def test_datagram_socket_is_told():
    with bound(kind=socket.SOCK_DGRAM) as sock:
        refused(sock.fileno(), "is not a stream socket")


def test_connection_is_told():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        refused(ours.fileno(), "is a connection, not a listening socket")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_socket_without_an_address_is_told(family):
    with socket.socket(family) as sock:
        refused(sock.fileno(), "is not bound to an address")


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="Linux has such sockets")
def test_socket_of_another_family_is_told():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as sock:
        refused(sock.fileno(), "is neither a TCP nor a Unix socket")


def test_refused_descriptor_stays_as_it_was():
    with bound(kind=socket.SOCK_DGRAM) as sock:
        refused(sock.fileno(), "is not a stream socket")
        assert sock.getsockname()[1] != 0


# --- Activation ---


@pytest.fixture
def passed(monkeypatch):
    """Puts sockets where systemd would: at consecutive numbers, the first of which is known."""
    with ExitStack() as stack:

        def passed(*sockets):
            # A number from which on enough are free.
            first = 200
            monkeypatch.setattr(inherited, "FIRST_DESCRIPTOR", first)
            for number, sock in enumerate(sockets, first):
                stack.enter_context(closing(sock))
                os.dup2(sock.fileno(), number)
                stack.callback(close_if_open, number)
            return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(sockets)), "HOME": "/"}

        yield passed


def activate(environment):
    return activated_sockets(passed_descriptors(environment))


def close_if_open(fd):
    with suppress(OSError):
        os.close(fd)


def names(sockets):
    return [sock.getsockname() for sock in sockets]


def test_every_socket_is_taken_and_the_variables_are_gone(passed, path):
    originals = [bound(), bound(socket.AF_UNIX, path)]
    environment = passed(*originals) | {"LISTEN_FDNAMES": "web:local"}
    with ExitStack() as stack:
        sockets = [stack.enter_context(sock) for sock in activate(environment)]
        assert names(sockets) == names(originals)
        assert not any(sock.get_inheritable() for sock in sockets)
    assert environment == {"HOME": "/"}
    # What systemd passed is ours alone: closed with what was made of it.
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(200)


def test_sockets_for_another_process_are_left_to_it(passed):
    environment = passed(bound()) | {"LISTEN_PID": str(os.getppid())}
    before = dict(environment)
    assert passed_descriptors(environment) == {}
    assert environment == before
    assert inherited_socket(200).close() is None


@pytest.mark.parametrize("count", ["", "0"])
def test_no_sockets_are_no_activation(count):
    environment = {"LISTEN_PID": str(os.getpid())} | ({"LISTEN_FDS": count} if count else {})
    assert passed_descriptors(environment) == {}
    assert environment == {}


def test_descriptors_have_the_names_that_there_are(passed):
    environment = passed(bound(), bound()) | {"LISTEN_FDNAMES": "web"}
    assert passed_descriptors(environment) == {200: "web", 201: ""}


@pytest.mark.parametrize("count", ["x", "-1", "1.5"])
def test_number_of_sockets_that_is_none_is_told(count):
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count}
    with pytest.raises(OSError, match=f"LISTEN_FDS is not a number: '{re.escape(count)}'"):
        activate(environment)
    assert environment == {}


def test_socket_that_cannot_serve_is_told_by_its_name(passed):
    environment = passed(bound(), bound(kind=socket.SOCK_DGRAM))
    environment["LISTEN_FDNAMES"] = "web:log"
    with pytest.raises(OSError, match=r"file descriptor 201 \(log\) is not a stream socket"):
        activate(environment)
