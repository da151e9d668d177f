"""A Litestar site of WebSockets: handlers, listeners, streams, guards, channels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from litestar import Litestar, Request, WebSocket, get, websocket, websocket_listener
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend
from litestar.dto import DataclassDTO
from litestar.exceptions import NotAuthorizedException, WebSocketDisconnect, WebSocketException
from litestar.handlers import websocket_stream
from litestar.params import FromPath


@dataclass
class Item:
    """What a typed listener takes and returns."""

    name: str
    count: int


@websocket("/echo")
async def echo(socket: WebSocket) -> None:
    offered = socket.scope["subprotocols"]
    await socket.accept(subprotocols=offered[0] if offered else None, headers={"x-answer": "yes"})
    try:
        async for data in socket.iter_data("text"):
            await socket.send_text(data)
    finally:
        socket.app.state.ended.put_nowait("echo")


@websocket("/bytes")
async def echo_bytes(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_bytes(await socket.receive_bytes())
    except WebSocketDisconnect as left:
        socket.app.state.ended.put_nowait(f"bytes {left.code}")


@websocket("/msgpack")
async def echo_msgpack(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_msgpack({"got": await socket.receive_msgpack()})
    await socket.close(4008, "enough")


@websocket_listener("/listener", dto=DataclassDTO[Item])
async def listener(data: Item) -> Item:
    return Item(data.name.upper(), data.count + 1)


@websocket_stream("/stream")
async def stream() -> AsyncGenerator[dict[str, int], None]:
    for number in range(1000):
        yield {"number": number}


@websocket_stream("/endless")
async def endless(socket: WebSocket) -> AsyncGenerator[str, None]:
    try:
        while True:
            yield "tick"
            await asyncio.sleep(0)
    finally:
        socket.app.state.ended.put_nowait("endless")


async def with_key(connection, handler) -> None:
    if connection.query_params.get("key") != "right":
        raise NotAuthorizedException("wrong key")


@websocket("/guarded", guards=[with_key])
async def guarded(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("let in")
    await socket.close()


@websocket("/broken")
async def broken(socket: WebSocket) -> None:
    await socket.accept()
    raise WebSocketException(detail="no longer", code=4010)


@get("/ended")
async def ended(request: Request) -> str:
    """The next handler that has come to its end."""
    return await request.app.state.ended.get()


@get("/publish/{text:str}")
async def publish(text: FromPath[str], request: Request) -> None:
    await request.app.plugins.get(ChannelsPlugin).wait_published({"text": text}, "news")


async def begin(app: Litestar) -> None:
    app.state.ended = asyncio.Queue()


app = Litestar(
    [
        echo,
        echo_bytes,
        echo_msgpack,
        listener,
        stream,
        endless,
        guarded,
        broken,
        ended,
        publish,
    ],
    on_startup=[begin],
    plugins=[
        ChannelsPlugin(MemoryChannelsBackend(), channels=["news"], create_ws_route_handlers=True)
    ],
)
