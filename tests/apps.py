"""Small ASGI applications for the tests, and what lets a test steer one from another thread.

Each answers `http` scopes only and returns at once from any other. No server's name appears here.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

Headers = list[tuple[bytes, bytes]]
PLAIN: Headers = [(b"content-type", b"text/plain")]


def start(status: int = 200, headers: Any = (), **extra: Any) -> dict[str, Any]:
    """An `http.response.start` message."""
    return {"type": "http.response.start", "status": status, "headers": list(headers), **extra}


def body(data: bytes = b"", more: bool = False) -> dict[str, Any]:
    """An `http.response.body` message."""
    return {"type": "http.response.body", "body": data, "more_body": more}


def sends(*messages: dict[str, Any]) -> Any:
    """An application that sends these messages and reads nothing."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        for message in messages:
            await send(message)

    return application


def answers(data: bytes = b"ok", status: int = 200, headers: Any = PLAIN) -> Any:
    """An application that answers with one body message."""
    return sends(start(status, headers), body(data))


async def read_body(receive: Any) -> bytes | None:
    """The whole request body; None if the client left before its end."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message["body"])
        if not message["more_body"]:
            return b"".join(pieces)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the request's body."""
    if scope["type"] != "http":
        return
    data = await read_body(receive)
    if data is not None:
        await send(start(200, PLAIN))
        await send(body(data))


async def pause(seconds: float) -> None:
    """Lets time pass inside an application (a slow one; never to wait for something)."""
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    # A cancelled future is told so before its owner can cancel the timer.
    timer = loop.call_later(seconds, lambda: passed.done() or passed.set_result(None))
    try:
        await passed
    finally:
        timer.cancel()


class Gate:
    """Closed until a test opens it: an application waits at it, and the test sees that it does."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._lock = threading.Lock()
        self._is_open = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    async def wait(self) -> None:
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        with self._lock:
            if self._is_open:
                self.reached.set()
                return
            self._waiting.append((loop, waiting))
        self.reached.set()
        await waiting

    def open(self) -> None:
        with self._lock:
            self._is_open = True
            waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            loop.call_soon_threadsafe(lambda one=future: one.done() or one.set_result(None))

    def expect_reached(self, timeout: float = 5.0) -> None:
        if not self.reached.wait(timeout):
            raise AssertionError("the application never came to the gate")


class Replaceable:
    """An application that passes each call to `app`, which a test may replace at any time."""

    def __init__(self) -> None:
        self.app: Any = answers()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            return await self.app(scope, receive, send)


@dataclass
class Call:
    """One request as the application saw it."""

    scope: dict[str, Any]
    body: bytes = b""
    complete: bool = False
    disconnected: bool = False

    def values(self, name: bytes) -> list[bytes]:
        return [value for known, value in self.scope["headers"] if known == name]


@dataclass
class Recorder:
    """Reads the body, answers 200 with method, path and body; keeps each call by client port."""

    calls: dict[int | None, list[Call]] = field(default_factory=lambda: defaultdict(list))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/probe":
            await send(start(200))
            await send(body(b"here"))
            return
        call = Call(scope)
        self.calls[scope["client"][1] if scope["client"] else None].append(call)
        while not call.complete:
            message = await receive()
            if message["type"] == "http.disconnect":
                call.disconnected = True
                return
            call.body += message["body"]
            call.complete = not message["more_body"]
        await send(start(200, PLAIN))
        line = f"{scope['method']} {scope['path']} ".encode(errors="replace")
        await send(body(line + call.body))

    def take(self, port: int | None) -> list[Call]:
        """The calls that came over one connection; forgets them."""
        return self.calls.pop(port, [])
