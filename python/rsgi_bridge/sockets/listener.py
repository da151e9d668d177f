"""`Listener`: bound sockets that a server accepts from, in the shape of an `asyncio.Server`.

Knows nothing of event loops, nor of how an address came to be bound.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Sequence


class Listener:
    """Bound sockets that a server accepts from.

    Attributes:
        path: the Unix socket's path as it was configured, None for other sockets.
        is_inherited: the sockets were open before this process began.
        before_close: told of each descriptor before it is closed, by `close`.
    """

    path: str | None = None

    def __init__(self, sockets: Sequence[socket.socket], *, is_inherited: bool = False) -> None:
        self._sockets = tuple(sockets)
        self._listens = False
        self.is_inherited = is_inherited
        self.before_close: Callable[[int], None] | None = None

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets, of which there are none after `close`."""
        return self._sockets

    def is_serving(self) -> bool:
        """Whether peers may connect."""
        return self._listens

    def listen(self, backlog: int) -> None:
        """Lets peers connect from now on.

        Raises:
            OSError: somebody else listens there already.
        """
        for sock in self._sockets:
            sock.setblocking(False)
            try:
                sock.listen(backlog)
            except OSError as exc:
                # Two sockets may be bound to one address as long as neither listens.
                raise bind_error(exc.errno, sock.getsockname()) from None
        self._listens = True

    def close(self) -> None:
        """Closes the sockets; idempotent. Connections that were accepted go on."""
        self._listens = False
        sockets, self._sockets = self._sockets, ()
        for sock in sockets:
            if self.before_close is not None and sock.fileno() != -1:
                self.before_close(sock.fileno())
            sock.close()
        self.before_close = None

    async def wait_closed(self) -> None:
        """For programs that call it after `close`, which has nothing left to do."""


def bind_error(code: int | None, address: object) -> OSError:
    """The error of an address that cannot be had, in the words of asyncio, which uvicorn shows."""
    code = errno.EADDRINUSE if code is None else code
    reason = os.strerror(code).lower()
    return OSError(code, f"error while attempting to bind on address {address!r}: {reason}")
