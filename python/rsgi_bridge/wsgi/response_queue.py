"""`ResponseQueue`: ASGI messages on their way from a thread to the loop, bounded in bytes.

Knows no WSGI, and not what becomes of the messages.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from rsgi_bridge.wsgi.request_body import Abandoned

# Bytes that wait to be sent before whoever makes more has to wait. A stream of 64 KiB blocks takes
# half the time that it takes with 64 KiB here, where each block waits for the loop; with 1 MiB it
# takes the same.
HIGH_WATER = 262144


class ResponseQueue:
    """`wait_for_room`, `put` and `finish` belong to the thread, the others to the loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        # On both sides, under `_changed`.
        self._changed = threading.Condition()
        self._messages: list[dict[str, Any]] = []
        self._unsent = 0
        self._is_told = False
        self._finished = False
        self._abandoned = False
        self._stopped: Exception | None = None

    def wait_for_room(self) -> None:
        """Returns when more is wanted; raises what `stop` was given if nothing more is."""
        with self._changed:
            self._changed.wait_for(lambda: self._unsent < HIGH_WATER or self._stopped is not None)
            if self._stopped is not None:
                raise self._stopped

    def put(self, *messages: dict[str, Any]) -> None:
        """Adds messages, also where there is no room: what is final need not wait."""
        with self._changed:
            self._messages += messages
            self._unsent += sum(_size(message) for message in messages)
            self._tell()

    def finish(self) -> bool:
        """Nothing more will come; False if nobody is there to hear it."""
        with self._changed:
            self._finished = True
            self._tell()
            return not self._abandoned

    async def take(self) -> tuple[list[dict[str, Any]], bool]:
        """What has come, and whether that was the last. May be nothing."""
        await self._filled.wait()
        self._filled.clear()
        with self._changed:
            self._is_told = False
            messages, self._messages = self._messages, []
            return messages, self._finished

    def sent(self, message: dict[str, Any]) -> None:
        """Makes room: a message has been sent."""
        with self._changed:
            self._unsent -= _size(message)
            self._changed.notify_all()

    def stop(self, reason: Exception) -> None:
        """Wants no more; a thread that waits for room, or will, gets the reason raised."""
        with self._changed:
            if self._stopped is None:
                self._stopped = reason
            self._changed.notify_all()

    @property
    def is_abandoned(self) -> bool:
        return self._abandoned

    def abandon(self) -> None:
        """Wants no more, and will not even look whether more has come."""
        with self._changed:
            self._abandoned = True
        self.stop(Abandoned("The server has given up this request."))

    def _tell(self) -> None:
        # One callback for all that comes until the loop gets to it.
        if self._is_told:
            return
        self._is_told = True
        try:
            self._loop.call_soon_threadsafe(self._filled.set)
        except RuntimeError:  # the loop is closed
            self.abandon()


def _size(message: dict[str, Any]) -> int:
    return len(message.get("body", b""))
