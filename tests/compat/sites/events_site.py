"""Server-sent events by sse-starlette: finite and endless streams, pings, a farewell at the end."""

from __future__ import annotations

import asyncio
import logging

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.routing import Route

logger = logging.getLogger("uvicorn.error")


async def count(request):
    """A few events, then the end."""

    async def events():
        for number in range(int(request.query_params["to"])):
            yield {"event": "count", "id": str(number), "data": f"line 1\nline {number}"}

    return EventSourceResponse(events())


async def quiet(request):
    """Nothing but pings, and then what happens when the client leaves."""

    async def events():
        yield {"data": "open"}
        await asyncio.Event().wait()

    async def closed(message):
        logger.info("close handler got %s", message["type"])

    def ping():
        return ServerSentEvent(comment="still here")

    return EventSourceResponse(
        events(), ping=0.05, ping_message_factory=ping, client_close_handler_callable=closed
    )


async def farewell(request):
    """Says goodbye when the server stops: sse-starlette sets the event."""
    stopping = anyio.Event()

    async def events():
        yield {"data": "welcome"}
        await stopping.wait()
        yield {"data": "goodbye"}

    return EventSourceResponse(events(), shutdown_event=stopping, shutdown_grace_period=10)


async def endless(request):
    """Would hold a graceful stop for ever, if sse-starlette did not end it."""

    async def events():
        yield {"data": "welcome"}
        await asyncio.Event().wait()

    return EventSourceResponse(events())


app = Starlette(
    routes=[
        Route("/count", count),
        Route("/quiet", quiet),
        Route("/farewell", farewell),
        Route("/endless", endless),
    ]
)
