"""The applications that the process tests start by name, and nothing else: no test code.

What a test must wait for is said on `uvicorn.error`, so that it reaches standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

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
    elif scope["path"] == "/stubborn":
        logger.info("request entered")
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})


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


async def stubborn_startup(scope, receive, send):
    logger.info("startup entered")
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
