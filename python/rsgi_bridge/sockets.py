"""Listening sockets: binding them early, listening late, and leaving nothing behind.

A TCP address is claimed before the application is imported and accepts only once the application
has started (O24). A Unix socket appears under its name only when it accepts. Knows nothing of event
loops and logs nothing: whatever is wrong is an `OSError` whose text is fit to be shown.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import stat
import sys
from collections.abc import Sequence

# sizeof(sockaddr_un.sun_path) less the closing NUL: unix(7) on Linux and on macOS.
LONGEST_UNIX_PATH = 103 if sys.platform == "darwin" else 107


class Listener:
    """Bound sockets that a server accepts from.

    Attributes:
        sockets: the sockets; still there, but closed, after `close`.
        path: the Unix socket's path as it was configured, None for other sockets.
    """

    path: str | None = None

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self.sockets = tuple(sockets)

    def listen(self, backlog: int) -> None:
        """Lets peers connect from now on."""
        for sock in self.sockets:
            sock.setblocking(False)
            try:
                sock.listen(backlog)
            except OSError as exc:
                # Two sockets may be bound to one address as long as neither listens.
                raise _bind_error(exc.errno, sock.getsockname()) from None

    def close(self) -> None:
        """Closes the sockets; idempotent."""
        for sock in self.sockets:
            sock.close()


class UnixListener(Listener):
    """A Unix socket, made when it starts to listen and removed again by `close`.

    It is bound under a temporary name, listens, and is then renamed: nobody ever finds a socket
    that refuses, or one with the wrong mode, and a process killed during its start leaves no file.

    Args:
        path: where the socket is to appear. A dead socket there is replaced (O27).
        mode: the socket's permissions.

    Raises:
        OSError: if a live server owns the path, if something else than a socket is there, if the
            directory is not usable, or if the path is too long.
    """

    path: str

    def __init__(self, path: str, mode: int) -> None:
        super().__init__(())
        self.path = path
        self._mode = mode
        self._identity: tuple[int, int] | None = None
        _check_free(path)

    def listen(self, backlog: int) -> None:
        _check_free(self.path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        temporary = _temporary_path(self.path)
        try:
            sock.bind(temporary)
            try:
                os.chmod(temporary, self._mode)
                sock.setblocking(False)
                sock.listen(backlog)
                self._identity = _identity(temporary)
                os.rename(temporary, self.path)
            except BaseException:
                os.unlink(temporary)
                raise
        except BaseException:
            sock.close()
            raise
        self.sockets = (sock,)

    def close(self) -> None:
        super().close()
        # By now the name may belong to a server that was started after this one.
        if self._identity is not None and _identity(self.path) == self._identity:
            os.unlink(self.path)
        self._identity = None


def bind_tcp(host: str | None, port: int) -> Listener:
    """Binds every address that a host name stands for.

    Args:
        host: a name or an address; None or an empty string mean every interface.
        port: 0 lets the kernel choose, for each address on its own.

    Raises:
        OSError: if the name does not resolve or an address cannot be bound.
    """
    if not 0 <= port <= 0xFFFF:
        # getaddrinfo would take it modulo 65536.
        raise OSError(errno.EINVAL, f"port must be 0-65535, not {port}")
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    has_v4 = any(family == socket.AF_INET for family, *_ in found)
    sockets: list[socket.socket] = []
    unusable: OSError | None = None
    try:
        for family, _, protocol, _, address in dict.fromkeys(found):
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
            try:
                sock.bind(address)
            except OSError as exc:
                unusable = _bind_error(exc.errno, address)
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
    return Listener(sockets)


def _bind_error(code: int | None, address: object) -> OSError:
    code = errno.EADDRINUSE if code is None else code
    reason = os.strerror(code).lower()
    # The words are asyncio's, which uvicorn shows.
    return OSError(code, f"error while attempting to bind on address {address!r}: {reason}")


def _check_free(path: str) -> None:
    """Raises unless a Unix socket can be put at this path without harm to anybody."""
    length = len(os.fsencode(path))
    if length > LONGEST_UNIX_PATH:
        raise OSError(
            errno.ENAMETOOLONG,
            f"Unix socket path too long ({length} bytes, at most {LONGEST_UNIX_PATH}): {path!r}",
        )
    directory = os.path.dirname(path) or os.curdir
    if not stat.S_ISDIR(os.stat(directory).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), directory)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), directory)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.ENOTSOCK, f"{path!r} exists and is not a socket")
    if _is_alive(path):
        raise _bind_error(errno.EADDRINUSE, path)


def _is_alive(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # Non-blocking: a live server with a full backlog answers EAGAIN.
        probe.setblocking(False)
        # Whatever else stops us (another socket type, no permission) is not proof of death.
        return probe.connect_ex(path) not in (errno.ECONNREFUSED, errno.ENOENT)


def _temporary_path(path: str) -> str:
    directory = os.path.dirname(path)
    # Cut at the front, so that what is random stays, where the path has no room for a longer name.
    room = LONGEST_UNIX_PATH - len(os.fsencode(os.path.join(directory, "")))
    return os.path.join(directory, f".rsgi-{secrets.token_hex(4)}"[-room:])


def _identity(path: str) -> tuple[int, int] | None:
    """What tells this file from any other that has had its name."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
