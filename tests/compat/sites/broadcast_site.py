"""A chat in the style of `broadcaster`: whoever is connected hears what anybody says."""

from __future__ import annotations

import asyncio
import contextlib

import anyio
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute


class Broadcast:
    """Messages of a channel to all who have subscribed to it, within one process."""

    def __init__(self):
        self.subscribers: dict[str, set[asyncio.Queue[str]]] = {}
        self._changed = asyncio.Condition()

    async def publish(self, channel, message):
        for queue in self.subscribers.get(channel, ()):
            queue.put_nowait(message)

    @contextlib.asynccontextmanager
    async def subscribe(self, channel):
        queue = asyncio.Queue()
        self.subscribers.setdefault(channel, set()).add(queue)
        try:
            yield queue
        finally:
            self.subscribers[channel].remove(queue)
            with anyio.CancelScope(shield=True):
                async with self._changed:
                    self._changed.notify_all()

    async def wait_for_count(self, channel, count):
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.subscribers[channel]) == count)


async def chat(websocket):
    """As in the README of `broadcaster`: one task listens, the other tells, both end together."""
    await websocket.accept()
    broadcast, channel = websocket.state.broadcast, websocket.path_params["channel"]

    async def listen():
        async for text in websocket.iter_text():
            await broadcast.publish(channel, text)
        tasks.cancel_scope.cancel()

    async def tell():
        async with broadcast.subscribe(channel) as queue:
            await websocket.send_text("subscribed")
            while True:
                await websocket.send_text(await queue.get())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await tell()


async def wait_for_count(request):
    """Answers when no more than so many are left."""
    await request.state.broadcast.wait_for_count(**request.path_params)
    return Response(status_code=204)


@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"broadcast": Broadcast()}


app = Starlette(
    routes=[
        Route("/left/{channel}/{count:int}", wait_for_count),
        WebSocketRoute("/chat/{channel}", chat),
    ],
    lifespan=lifespan,
)
