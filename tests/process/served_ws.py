"""The WebSocket applications that the process tests start by name, and nothing else: no test code.

What a test must wait for is said on `uvicorn.error`, so that it reaches standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

logger = logging.getLogger("uvicorn.error")

ACCEPT = {"type": "websocket.accept"}


async def app(scope, receive, send):
    """Serves every session in a way that its path chooses."""
    if scope["type"] == "lifespan":
        await obedient(receive, send)
        return
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"plain"})
        return
    await receive()
    await SESSIONS[scope["path"]](receive, send)


async def echo(receive, send):
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        await send(message | {"type": "websocket.send"})
    logger.info("session ended with %d", message["code"])


async def count(receive, send):
    """Says how long each message was."""
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        data = message.get("bytes")
        length = len(message["text"] if data is None else data)
        await send({"type": "websocket.send", "text": str(length)})


async def deaf(receive, send):
    """Receives nothing."""
    await send(ACCEPT)
    logger.info("session entered")
    await asyncio.Event().wait()


async def flood(receive, send):
    """Sends until nobody takes it any more."""
    await send(ACCEPT)
    with contextlib.suppress(OSError):
        while True:
            await send({"type": "websocket.send", "bytes": b"x" * 65536})
    logger.info("flood ended")


async def unaccepted(receive, send):
    logger.info("session entered")
    logger.info("session refused with %d", (await receive())["code"])


async def farewell(receive, send):
    """Has something to finish when it is over."""
    await send(ACCEPT)
    logger.info("session entered")
    message = await receive()
    logger.info("session ended with %d", message["code"])
    loop = asyncio.get_running_loop()
    finished = loop.create_future()
    loop.call_later(0.3, finished.set_result, None)
    await finished
    logger.info("session finished")


async def hang(receive, send):
    await send(ACCEPT)
    logger.info("session entered")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError as exc:
        logger.info("cancelled: %s", exc)
        raise


async def stubborn(receive, send):
    await send(ACCEPT)
    logger.info("session entered")
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def exits(receive, send):
    await send(ACCEPT)
    raise SystemExit(3)


async def obedient(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


SESSIONS = {
    "/": echo,
    "/count": count,
    "/deaf": deaf,
    "/flood": flood,
    "/unaccepted": unaccepted,
    "/farewell": farewell,
    "/hang": hang,
    "/stubborn": stubborn,
    "/exits": exits,
}
