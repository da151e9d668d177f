"""Sockets that were open before this process began: `--fd` and systemd's socket activation.

A descriptor may be anything, so each is looked at before it is taken: what cannot serve is an
`OSError` in one line. Knows of systemd.socket(5) the three variables, and nothing of its units.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Mapping, MutableMapping

# sd_listen_fds(3)
FIRST_DESCRIPTOR = 3
FAMILIES = {socket.AF_INET, socket.AF_INET6, socket.AF_UNIX}


def inherited_socket(fd: int, name: str = "") -> socket.socket:
    """A socket of our own for a descriptor, which stays the caller's.

    Args:
        fd: the descriptor.
        name: what to call it in an error, beside its number.

    Raises:
        OSError: it is closed, or not a bound stream socket that could accept.
    """
    what = f"file descriptor {fd}" if not name else f"file descriptor {fd} ({name})"
    try:
        is_socket = stat.S_ISSOCK(os.fstat(fd).st_mode)
    except (OSError, OverflowError):
        raise OSError(errno.EBADF, f"{what} is not open") from None
    if not is_socket:
        raise OSError(errno.ENOTSOCK, f"{what} is not a socket")
    sock = socket.socket(fileno=os.dup(fd))
    try:
        fault = _fault(sock)
        if fault is not None:
            raise OSError(errno.EINVAL, f"{what} {fault}")
    except BaseException:
        sock.close()
        raise
    return sock


def passed_descriptors(environment: MutableMapping[str, str]) -> dict[int, str]:
    """The descriptors that systemd passed to this process, and their names.

    Takes its variables away: nobody whom this process starts may take them for its own.

    Raises:
        OSError: the variables make no sense.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        # Meant for a process that started this one, say a shell.
        return {}
    del environment["LISTEN_PID"]
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    count = environment.pop("LISTEN_FDS", "0")
    if not (count.isascii() and count.isdigit()):
        raise OSError(errno.EINVAL, f"LISTEN_FDS is not a number: {count!r}")
    numbers = range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(count))
    return {fd: "".join(names[index : index + 1]) for index, fd in enumerate(numbers)}


def activated_sockets(passed: Mapping[int, str]) -> list[socket.socket]:
    """Sockets of our own in place of the descriptors that systemd passed, which are closed.

    Raises:
        OSError: one of them cannot serve.
    """
    sockets: list[socket.socket] = []
    try:
        for fd, name in passed.items():
            sockets.append(inherited_socket(fd, name))
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    for fd in passed:
        # Else a stop would go on accepting there, with nobody to serve.
        os.close(fd)
    return sockets


def _fault(sock: socket.socket) -> str | None:
    """Why a socket cannot serve, as the end of a sentence."""
    if sock.family not in FAMILIES:
        return "is neither a TCP nor a Unix socket"
    if sock.type != socket.SOCK_STREAM:
        return "is not a stream socket"
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        if _is_connected(sock):
            return "is a connection, not a listening socket"
        if not _is_bound(sock):
            return "is not bound to an address"
    return None


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _is_bound(sock: socket.socket) -> bool:
    name = sock.getsockname()
    return bool(name if sock.family == socket.AF_UNIX else name[1])
