"""The applications that the process tests start by name, and nothing else: no test code.

What a test must wait for is said on `uvicorn.error`, so that it reaches standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal

logger = logging.getLogger("uvicorn.error")


async def app(scope, receive, send):
    """Answers every request, in a way that its path chooses."""
    if scope["type"] == "lifespan":
        await obedient(receive, send)
        return
    if scope["path"] == "/upload":
        logger.info("request entered")
        while (await receive())["more_body"]:
            pass
    elif scope["path"] == "/hang":
        logger.info("request entered")
        await asyncio.Event().wait()
    elif scope["path"] == "/poll":
        logger.info("request entered")
        while (await receive())["type"] != "http.disconnect":
            pass
        logger.info("peer left")
        return
    elif scope["path"] == "/stream":
        await stream(receive, send)
        return
    elif scope["path"] == "/who":
        body = f"{scope['server']} {scope['client']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        return
    elif scope["path"] == "/stubborn":
        logger.info("request entered")
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})


async def stream(receive, send):
    """Sends a piece for each piece of the request, until that ends."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    logger.info("request entered")
    try:
        while (message := await receive())["more_body"]:
            body = message["body"]
            await send({"type": "http.response.body", "body": body, "more_body": True})
    except asyncio.CancelledError as exc:
        logger.info("cancelled: %s", exc)
        raise
    await send({"type": "http.response.body", "body": message["body"]})


async def obedient(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def factory():
    return app


def needy_factory(settings):
    return app


def failing_factory():
    raise LookupError("no settings")


async def without_lifespan(scope, receive, send):
    """Served in mode `auto`, refused in mode `on`."""
    if scope["type"] == "lifespan":
        raise RuntimeError("what is a lifespan?")
    await app(scope, receive, send)


async def failing_startup(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def failing_shutdown(scope, receive, send):
    if scope["type"] != "lifespan":
        await app(scope, receive, send)
        return
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "disk full"})


async def slow_startup(scope, receive, send):
    logger.info("startup entered")
    try:
        await asyncio.Event().wait()
    finally:
        logger.info("startup left")


async def signalled_startup(scope, receive, send):
    """The signal is there when startup is complete, and before anything listens."""
    await receive()
    os.kill(os.getpid(), signal.SIGTERM)
    await send({"type": "lifespan.startup.complete"})
    logger.info((await receive())["type"])
    await send({"type": "lifespan.shutdown.complete"})


async def slow_shutdown(scope, receive, send):
    """Ends when a request comes to it, which no longer happens then."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    logger.info("shutdown entered")
    try:
        await asyncio.Event().wait()
    finally:
        logger.info("shutdown left")


async def stubborn_startup(scope, receive, send):
    logger.info("startup entered")
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
