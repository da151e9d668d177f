"""The applications that both servers serve: one tells its scope, one behaves as its path says.

Runs inside the servers that are observed. No server's name appears here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict

from tests.compat.against_uvicorn.behaviours import BEHAVIOURS
from tests.compat.against_uvicorn.conversations import CONVERSATIONS

logger = logging.getLogger("uvicorn.error")

noted: dict[str, list[str]] = defaultdict(list)
ended: dict[str, asyncio.Event] = defaultdict(asyncio.Event)


async def scopes(scope, receive, send):
    """Answers with the scope and with the messages of the body, a line for each value."""
    events = []
    if scope["path"] != "/probe":
        while True:
            events.append(await receive())
            if not events[-1].get("more_body"):
                break
    lines = [*described(scope), *(f"received: {sorted(event.items())!r}" for event in events)]
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        data = "\n".join(lines).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        await send({"type": "websocket.send", "text": data})
        await send({"type": "websocket.close"})
    else:
        await answer(send, "\n".join(lines))


def described(scope):
    """A line for each value, and for each field."""
    lines = []
    for key in sorted(scope):
        if key == "headers":
            lines.append(f"headers: {type(scope[key]).__name__}")
            lines += [f"  {field!r}" for field in scope[key]]
        else:
            lines.append(f"{key}: {scope[key]!r}")
    return lines


async def behaving(scope, receive, send):
    """Does what the path names, and notes under the query what was raised while it did."""
    case = scope["query_string"].decode()
    if scope["type"] == "websocket":
        await behave(CONVERSATIONS[scope["path"][1:]], case, receive, send)
    elif scope["path"] == "/probe":
        await answer(send, "here")
    elif scope["path"] == "/noted":
        if case in noted:
            await asyncio.wait_for(ended[case].wait(), 5)
        # Shows in the error log where one case ends and the next one begins.
        logger.info("== %s ==", case)
        await answer(send, "\n".join(noted[case]))
    else:
        await behave(BEHAVIOURS[scope["path"][1:]], case, receive, send)


async def behave(behaviour, case, receive, send):
    notes = noted[case]
    notes.append("called")
    try:
        return await behaviour(receive, send, notes.append)
    except BaseException as exc:
        notes.append(f"left by {type(exc).__name__}: {exc}")
        raise
    finally:
        ended[case].set()


async def answer(send, text):
    data = text.encode("utf-8", "surrogateescape")
    length = str(len(data)).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    )
    await send({"type": "http.response.body", "body": data})


async def obedient(scope, receive, send):
    """Knows the lifespan protocol; says so, and hangs where it is asked to."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await simple(scope, receive, send)


async def simple(scope, receive, send):
    """Does not know the lifespan protocol."""
    assert scope["type"] == "http"
    if scope["path"] == "/hang":
        logger.info("request entered")
        await asyncio.Event().wait()
    elif scope["path"] == "/patient":
        logger.info("request entered")
        while (await receive())["type"] != "http.disconnect":
            pass
    elif scope["path"] == "/raise":
        raise LookupError("no\nluck")
    await answer(send, "served")


async def conversing(scope, receive, send):
    """A WebSocket that waits for its end, and logs it. Does not accept where it is asked not to."""
    assert scope["type"] == "websocket"
    event = await receive()
    if scope["path"] != "/unanswered":
        await send({"type": "websocket.accept"})
    logger.info("session entered")
    while event["type"] != "websocket.disconnect":
        event = await receive()
    logger.info("session ended %s", sorted(event.items()))


async def startup_fails(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def startup_raises(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        raise LookupError("no database")
    await answer(send, "served")


async def startup_unanswered(scope, receive, send):
    """Returns before it says that it has started."""
    if scope["type"] != "lifespan":
        await answer(send, "served")


async def shutdown_fails(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "disk full"})


async def shutdown_raises(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise LookupError("disk full")


async def startup_twice(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.startup.complete"})


def factory():
    return obedient


def needy_factory(settings):
    return obedient


def failing_factory():
    raise LookupError("no settings")


def two_calls(scope):
    """An application of the older form."""

    async def instance(receive, send):
        await answer(send, f"asgi {scope['asgi']!r}")

    return instance


def wsgi(environ, start_response):
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "4")])
    return [b"wsgi"]


not_callable = 42
