"""`RequestBody`: `http.request` messages, received on the loop, as a file for a thread to read.

Nothing is received before somebody reads, so that a refused upload is never invited (ASGI-43), and
no more than one message is held. Knows no WSGI.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from typing import Any


class ClientLeft(ConnectionResetError):
    """Raised where an application reads from, or streams to, a client that has gone."""


class Abandoned(ConnectionAbortedError):
    """Raised into an application whose request the server has given up."""


class RequestBody(io.RawIOBase):
    """The raw half of a file: wrap it in an `io.BufferedReader`.

    `readinto` belongs to the application's thread, the other methods to the loop's.

    Args:
        receive: the ASGI callable.
        on_leave: called on the loop when the client has left.
    """

    def __init__(self, receive: Callable[[], Any], on_leave: Callable[[], None]) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._receive: Callable[[], Any] | None = receive
        self._on_leave = on_leave
        # On the loop only.
        self._listener: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        # On both sides, under `_changed`.
        self._changed = threading.Condition()
        self._piece = memoryview(b"")
        self._complete = False
        self._failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Waits for some of the body; 0 is its end.

        Raises:
            ClientLeft: the client left before it had sent all of it.
            Abandoned: the server has given the request up.
        """
        with self._changed:
            if not self._has_news():
                self._ask()
                self._changed.wait_for(self._has_news)
            if self._piece:
                size = min(len(buffer), len(self._piece))
                buffer[:size] = self._piece[:size]
                self._piece = self._piece[size:]
                return size
            if self._failure is not None and not self._complete:
                raise self._failure
            return 0

    def listen(self) -> None:
        """Begins to receive, unasked: only so does a streaming response see that a client left."""
        if self._listener is None and self._receive is not None:
            self._listener = self._loop.create_task(self._listen(self._receive))

    def stop(self) -> None:
        """Receives no more, and tells so whoever reads."""
        if self._listener is not None:
            self._listener.cancel()
        # The thread may hold this object longer, and must not be the one to drop the server's.
        self._receive = None
        self._fail(Abandoned("The server has given up this request."))

    def _has_news(self) -> bool:
        return bool(self._piece) or self._complete or self._failure is not None

    def _ask(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # the loop is closed
            self._failure = Abandoned("The server has ended.")

    def _answer(self) -> None:
        self._wanted.set()
        self.listen()

    async def _listen(self, receive: Callable[[], Any]) -> None:
        try:
            while (message := await receive())["type"] != "http.disconnect":
                with self._changed:
                    self._piece = memoryview(message.get("body", b""))
                    self._complete = not message.get("more_body", False)
                    self._changed.notify_all()
                # The question that is on its way may be older than the piece that answers it.
                while self._piece and not self._complete:
                    self._wanted.clear()
                    await self._wanted.wait()
        except Exception as exc:
            # A thread that waits must hear of it, whatever it is.
            self._fail(exc)
        else:
            self._fail(ClientLeft("The client has left."))
            self._on_leave()

    def _fail(self, failure: Exception) -> None:
        with self._changed:
            if self._failure is None:
                self._failure = failure
            self._changed.notify_all()
