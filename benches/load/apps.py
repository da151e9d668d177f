"""The applications that the load benchmarks serve: each does one thing, as cheaply as ASGI allows.

Every server under test imports this same file. An application here must not check, log or format
anything: whatever it spends is added to every server alike and hides their differences.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HELLO = b"Hello, World!"
LARGE = b"0123456789abcdef" * 6400  # 100 KiB
SLEEP_SECONDS = 0.010

HELLO_HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")]
LARGE_HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"102400")]


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer thirteen bytes without waiting: what is left is the server's own price."""
    await send({"type": "http.response.start", "status": 200, "headers": HELLO_HEADERS})
    await send({"type": "http.response.body", "body": HELLO})


async def sleep(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer after 10 ms on the loop's timer: the task is suspended once, and resumed."""
    await asyncio.sleep(SLEEP_SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": HELLO_HEADERS})
    await send({"type": "http.response.body", "body": HELLO})


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 100 KiB in one message: the price of moving bytes."""
    await send({"type": "http.response.start", "status": 200, "headers": LARGE_HEADERS})
    await send({"type": "http.response.body", "body": LARGE})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body, then answer it: the price of `receive`."""
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(chunks)
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def websocket_echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Send every message back; between two, wait in `receive`."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


hearers: set[Send] = set()


async def websocket_broadcast(scope: Scope, receive: Receive, send: Send) -> None:
    """Send what comes to the path /send to everybody else, one after another, as chats do."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    if scope["path"] == "/send":
        while (message := await receive())["type"] == "websocket.receive":
            said = {"type": "websocket.send", "text": message["text"]}
            for hearer in tuple(hearers):
                await hearer(said)
        return
    hearers.add(send)
    while (await receive())["type"] == "websocket.receive":
        pass
    hearers.discard(send)
