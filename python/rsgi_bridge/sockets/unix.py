"""Unix sockets: where one may be put, how it appears and who takes it away again.

What is wrong is an `OSError` whose text is fit to be shown.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys

from rsgi_bridge.sockets.listener import Listener, bind_error

# sizeof(sockaddr_un.sun_path) less the closing NUL: unix(7) on Linux and on macOS.
LONGEST_UNIX_PATH = 103 if sys.platform == "darwin" else 107
DEFAULT_MODE = 0o666


class UnixListener(Listener):
    """A Unix socket, made when it starts to listen and removed again by `close`.

    It is bound under a temporary name, listens, and is then renamed: nobody ever finds a socket
    that refuses, or one with the wrong mode, and a process killed during its start leaves no file.

    Args:
        path: where the socket is to appear. A dead socket there is replaced (O27).
        mode: the socket's permissions; None means those of a dead socket there, else 666.

    Raises:
        OSError: if a live server owns the path, if something else than a socket is there, if the
            directory is not usable, or if the path is too long.
    """

    path: str

    def __init__(self, path: str, mode: int | None = None) -> None:
        super().__init__(())
        self.path = path
        self._mode = mode
        self._identity: tuple[int, int] | None = None
        _check_free(path)

    def listen(self, backlog: int) -> None:
        found = _check_free(self.path)
        mode = self._mode if self._mode is not None else found
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        temporary = _temporary_path(self.path)
        try:
            sock.bind(temporary)
            try:
                os.chmod(temporary, DEFAULT_MODE if mode is None else mode)
                sock.setblocking(False)
                sock.listen(backlog)
                self._identity = _identity(temporary)
                os.rename(temporary, self.path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as exc:
            sock.close()
            # The temporary name would tell nobody anything.
            raise bind_error(exc.errno, self.path) from None
        self._sockets = (sock,)
        self._listens = True

    def release(self) -> socket.socket:
        """Gives the listening socket away, and with it the care for its file."""
        (sock,) = self._sockets
        self._sockets, self._identity = (), None
        return sock

    def close(self) -> None:
        super().close()
        # By now the name may belong to a server that was started after this one.
        if self._identity is not None and _identity(self.path) == self._identity:
            os.unlink(self.path)
        self._identity = None


def _check_free(path: str) -> int | None:
    """The mode of the dead socket at this path, None if there is none.

    Raises:
        OSError: a Unix socket cannot be put there without harm to anybody.
    """
    if not path or "\0" in path:
        raise OSError(errno.EINVAL, f"not a path for a Unix socket: {path!r}")
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
        return None
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.ENOTSOCK, f"{path!r} exists and is not a socket")
    if _is_alive(path):
        raise bind_error(errno.EADDRINUSE, path)
    return stat.S_IMODE(mode)


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
    return os.path.join(directory, f".rsgi-{os.urandom(4).hex()}"[-room:])


def _identity(path: str) -> tuple[int, int] | None:
    """What tells this file from any other that has had its name."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
