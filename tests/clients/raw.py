"""`RawConnection`: a client socket that does exactly what a test says, each call with a deadline.

Sends, half-closes, resets, and reads what the peer answers; knows how a connection ended.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from typing import Any

from tests.clients.response import (
    Cut,
    Hang,
    Response,
    WireError,
    read_body,
    read_chunk,
    read_final_head,
)

EOF, RESET = "eof", "reset"


class RawConnection:
    """One connection to a server under test.

    Args:
        address: `(host, port)`, or the path of a Unix socket.
        timeout: seconds that any one call may take.
        options: names of `SOL_SOCKET` options such as SO_RCVBUF, set before connecting.
    """

    def __init__(self, address: Any, *, timeout: float = 5.0, **options: int) -> None:
        self.timeout = timeout
        self.ending: str | None = None
        self.unsent = 0
        self._read = bytearray()
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        if not isinstance(address, str) and ":" in address[0]:
            family = socket.AF_INET6
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        for name, value in options.items():
            self.socket.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(address)
            if family != socket.AF_UNIX:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.setblocking(False)
        except BaseException:
            self.socket.close()
            raise
        self.port = None if family == socket.AF_UNIX else self.socket.getsockname()[1]

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    # --- writing ---

    def send(self, data: bytes) -> None:
        """Sends everything, keeping what the peer answers meanwhile, so that nobody waits for ever.

        A peer that has gone makes it stop: `unsent` says how much it did not take.
        """
        if self.unsent == 0 and self.ending is None:
            with contextlib.suppress(OSError):  # the loop below meets it again
                data = data[self.socket.send(data) :]
        view, deadline = memoryview(data), time.monotonic() + self.timeout
        while view and self.ending is None:
            left = deadline - time.monotonic()
            readable, writable, _ = select.select([self.socket], [self.socket], [], max(left, 0))
            if not readable and not writable:
                raise Hang(f"the peer takes no more bytes ({len(view)} left)")
            if readable:
                self._receive()
            if writable and self.ending is None:
                try:
                    view = view[self.socket.send(view) :]
                except BlockingIOError:
                    continue
                except (BrokenPipeError, ConnectionResetError):
                    break
        self.unsent += len(view)

    def send_what_fits(self, data: bytes, patience: float = 0.5) -> int:
        """Sends until the peer has taken nothing for `patience` seconds; how much it took."""
        view = memoryview(data)
        while view:
            _, writable, _ = select.select([], [self.socket], [], patience)
            if not writable:
                break
            with contextlib.suppress(BlockingIOError):
                view = view[self.socket.send(view) :]
        return len(data) - len(view)

    def half_close(self) -> None:
        """Sends FIN and goes on reading."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Sends RST: gone, with nothing delivered any more."""
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            self.socket.close()

    def abandon(self) -> None:
        """Closes and leaves no TIME_WAIT behind (tests make thousands of connections)."""
        with contextlib.suppress(OSError):
            self.reset()

    # --- reading ---

    def read_response(self, method: str = "GET") -> Response:
        """One whole response to a request of that method."""
        return read_body(self, read_final_head(self), method)

    def read_head(self) -> Response:
        """The head of a response, as soon as it is there."""
        return read_final_head(self)

    def read_chunk(self) -> bytes:
        """One chunk of a chunked body, as soon as it is there; empty for the last."""
        return read_chunk(self)

    def read_cut_response(self) -> Response:
        """A response that the peer must not finish: what came of it before the connection ended."""
        response = read_final_head(self)
        if response.framing == "none":
            raise WireError(f"a {response.status} response without a body cannot be cut")
        if response.framing == "chunked":
            with contextlib.suppress(Cut):
                while chunk := read_chunk(self):
                    response.chunks.append(chunk)
                raise WireError("the response came to its end")
            response.body = b"".join(response.chunks) + self.read_to_end()
            return response
        response.body = self.read_to_end()
        if len(response.body) >= int(response.one("content-length") or -1):
            raise WireError("the response came to its end")
        return response

    def read_line(self) -> bytes:
        """One line that ends in CRLF, without it."""
        deadline = time.monotonic() + self.timeout
        while (end := self._read.find(b"\n")) < 0:
            self._fill(deadline)
        line = bytes(self._read[: end + 1])
        del self._read[: end + 1]
        if not line.endswith(b"\r\n"):
            raise WireError(f"a line ends in a bare LF: {line!r}")
        return line[:-2]

    def read_exactly(self, count: int) -> bytes:
        deadline = time.monotonic() + self.timeout
        while len(self._read) < count:
            self._fill(deadline)
        data = bytes(self._read[:count])
        del self._read[:count]
        return data

    def read_to_end(self) -> bytes:
        """All bytes until the connection ends; `ending` says how."""
        deadline = time.monotonic() + self.timeout
        with contextlib.suppress(Cut):
            while True:
                self._fill(deadline)
        data = bytes(self._read)
        self._read.clear()
        return data

    def expect_end(self, ending: str = EOF) -> None:
        """The peer closes, and says nothing more before."""
        rest = self.read_to_end()
        if rest:
            raise WireError(f"more bytes before the end: {rest[:200]!r}")
        if self.ending != ending:
            raise WireError(f"ended by {self.ending}, not {ending}")

    def ended_without_more(self) -> bool:
        """Waits for a byte or the end; whether it was the end."""
        if not self._read:
            with contextlib.suppress(Cut):
                self._fill(time.monotonic() + self.timeout)
        return not self._read

    def expect_quiet(self, seconds: float) -> None:
        """Nothing arrives for so long, not even an end."""
        if self._read:
            raise WireError(f"unexpected bytes: {bytes(self._read[:200])!r}")
        readable, _, _ = select.select([self.socket], [], [], seconds)
        if readable:
            self._receive()
            raise WireError(f"unexpected: {self.ending or bytes(self._read[:200])!r}")

    def is_quiet_for(self, seconds: float) -> bool:
        """Whether nothing arrives for so long."""
        if self._read or self.ending is not None:
            return False
        return not select.select([self.socket], [], [], seconds)[0]

    def expect_first_read(self, ending: bytes) -> None:
        """The first bytes that arrive, taken by one read, end so."""
        self._fill(time.monotonic() + self.timeout)
        if not self._read.endswith(ending):
            raise WireError(f"the first read took {bytes(self._read)!r}")

    def _fill(self, deadline: float) -> None:
        if self.ending is not None:
            raise Cut(f"ended by {self.ending} after {bytes(self._read[:200])!r}")
        left = deadline - time.monotonic()
        readable, _, _ = select.select([self.socket], [], [], max(left, 0))
        if not readable:
            raise Hang(f"nothing more within {self.timeout} s after {bytes(self._read[:200])!r}")
        self._receive()

    def _receive(self) -> None:
        try:
            data = self.socket.recv(262144)
        except BlockingIOError:
            return
        except ConnectionError:
            self.ending = RESET
            return
        if data:
            self._read += data
        else:
            self.ending = EOF
