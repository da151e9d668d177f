"""A Starlette site of WebSockets: endpoints of every style, endings, denials, what a scope says."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.exceptions import HTTPException, WebSocketException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect


async def echo_text(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def echo_bytes(websocket):
    await websocket.accept()
    async for data in websocket.iter_bytes():
        await websocket.send_bytes(data)


async def echo_json(websocket):
    """JSON comes as text and leaves in both forms."""
    await websocket.accept()
    async for value in websocket.iter_json():
        await websocket.send_json(value)
        await websocket.send_json(value, mode="binary")


class Adder(WebSocketEndpoint):
    """The style with a class: adds up what comes, and keeps how it ended."""

    encoding = "json"

    async def on_connect(self, websocket):
        self.sum = 0
        await websocket.accept()

    async def on_receive(self, websocket, data):
        self.sum += data
        await websocket.send_json(self.sum)

    async def on_disconnect(self, websocket, close_code):
        await websocket.state.endings.put(["adder", close_code])


async def note_ending(websocket):
    """Keeps code and reason of its end, and what a send and a receive do after it."""
    await websocket.accept()
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect as left:
        await websocket.state.endings.put([left.code, left.reason])


async def endings(request):
    """The next ending that an endpoint has kept."""
    return JSONResponse(await request.state.endings.get())


async def tell_scope(websocket):
    await websocket.accept()
    await websocket.send_json(
        {
            "url": str(websocket.url),
            "url_for": str(websocket.url_for("inner:scope", name="x")),
            "name": websocket.path_params.get("name"),
            "query": websocket.query_params.multi_items(),
            "cookies": websocket.cookies,
            "session": websocket.session,
            "client": websocket.client.host,
            "origin": websocket.headers.get("origin"),
            "tags": websocket.headers.getlist("x-tag"),
            "subprotocols": websocket.scope["subprotocols"],
        }
    )
    await websocket.close()


async def choose(websocket):
    """Takes the last subprotocol that is offered, and adds fields to the handshake."""
    offered = websocket.scope["subprotocols"]
    fields = [(b"X-Chosen", b"yes"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    await websocket.accept(subprotocol=offered[-1] if offered else None, headers=fields)
    await websocket.close()


async def close(websocket):
    await websocket.accept()
    reason = websocket.query_params.get("reason")
    await websocket.close(websocket.path_params["code"], reason)


async def close_by_exception(websocket):
    await websocket.accept()
    raise WebSocketException(4003, "not for you")


async def close_by_return(websocket):
    await websocket.accept()


async def close_by_fault(websocket):
    await websocket.accept()
    raise LookupError("broken after the handshake")


async def deny_by_close(websocket):
    await websocket.close(4001, "never seen")


async def deny_by_response(websocket):
    fields = {"www-authenticate": "Bearer", "x-why": "none"}
    await websocket.send_denial_response(JSONResponse({"why": "no token"}, 401, fields))


async def deny_by_stream(websocket):
    async def pieces():
        for number in range(100):
            yield f"{number},"
            await asyncio.sleep(0)

    await websocket.send_denial_response(StreamingResponse(pieces(), 429))


async def deny_without_body(websocket):
    await websocket.send_denial_response(Response(status_code=404))


async def deny_by_http_exception(websocket):
    raise HTTPException(418, "short and stout", headers={"x-spout": "yes"})


async def deny_by_websocket_exception(websocket):
    raise WebSocketException(1008, "policy")


async def deny_by_fault(websocket):
    raise LookupError("broken before the handshake")


async def sign_in(request):
    request.session["name"] = (await request.json())["name"]
    return Response(status_code=204)


@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"endings": asyncio.Queue()}


app = Starlette(
    routes=[
        Route("/endings", endings),
        Route("/sign-in", sign_in, methods=["POST"]),
        WebSocketRoute("/echo/text", echo_text),
        WebSocketRoute("/echo/bytes", echo_bytes),
        WebSocketRoute("/echo/json", echo_json),
        WebSocketRoute("/add", Adder),
        WebSocketRoute("/ending", note_ending),
        WebSocketRoute("/choose", choose),
        WebSocketRoute("/close/return", close_by_return),
        WebSocketRoute("/close/exception", close_by_exception),
        WebSocketRoute("/close/fault", close_by_fault),
        WebSocketRoute("/close/{code:int}", close),
        WebSocketRoute("/deny/close", deny_by_close),
        WebSocketRoute("/deny/response", deny_by_response),
        WebSocketRoute("/deny/stream", deny_by_stream),
        WebSocketRoute("/deny/empty", deny_without_body),
        WebSocketRoute("/deny/http-exception", deny_by_http_exception),
        WebSocketRoute("/deny/websocket-exception", deny_by_websocket_exception),
        WebSocketRoute("/deny/fault", deny_by_fault),
        Mount(
            "/inner",
            routes=[WebSocketRoute("/scope/{name}", tell_scope, name="scope")],
            name="inner",
        ),
    ],
    middleware=[
        Middleware(CORSMiddleware, allow_origins=["https://friend.test"]),
        Middleware(SessionMiddleware, secret_key="only for tests"),
    ],
    lifespan=lifespan,
)
