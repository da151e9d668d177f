"""A client that needs no clock: keep-alive connections that all ask, and then all wait.

For counting and weighing, not for timing: wrk does that.
"""

from __future__ import annotations

import socket
from types import TracebackType

from scenarios import Scenario

# Generous: a server under valgrind runs some fifty times slower.
ANSWER_TIMEOUT_SECONDS = 60.0


class WrongBytesError(Exception):
    """The server sent something else than the expected answer, or hung up."""


class Client:
    """So many open connections to one server; closes them when the `with` block ends."""

    def __init__(self, scenario: Scenario, port: int, connections: int) -> None:
        self._request = scenario.request()
        self._answer = scenario.answer
        self._sockets = [
            socket.create_connection(("127.0.0.1", port), ANSWER_TIMEOUT_SECONDS)
            for _ in range(connections)
        ]

    def ask(self, turns: int) -> None:
        """Put so many requests on every connection, each turn together.

        Raises:
            WrongBytesError: an answer is not the expected one.
        """
        for _ in range(turns):
            for connection in self._sockets:
                connection.sendall(self._request)
            for connection in self._sockets:
                self._read(connection)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in self._sockets:
            connection.close()

    def _read(self, connection: socket.socket) -> None:
        received = b""
        while not received.endswith(self._answer):
            data = connection.recv(1 << 18)
            if not data:
                raise WrongBytesError(f"the connection ended after {received[:80]!r}")
            received += data
        head, _, body = received.partition(b"\r\n\r\n")
        if b" 200 " not in head.partition(b"\r\n")[0] or body != self._answer:
            raise WrongBytesError(f"wrong answer: {received[:80]!r}")
