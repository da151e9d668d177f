"""A FastAPI site of WebSockets: parameters, dependencies of each kind, denials, and a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import (
    APIRouter,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
    status,
)
from fastapi.responses import JSONResponse
from pydantic import BaseModel

TOKENS = {"right": "ada"}


class Bid(BaseModel):
    """What a bidder says."""

    item: str
    amount: int


class Room:
    """Everybody who is in it hears everything, as in FastAPI's own manual."""

    def __init__(self) -> None:
        self.members: list[WebSocket] = []

    async def enter(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.members.append(websocket)

    def leave(self, websocket: WebSocket) -> None:
        self.members.remove(websocket)

    async def say(self, text: str) -> None:
        for member in self.members:
            await member.send_text(text)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"room": Room(), "journal": asyncio.Queue()}


app = FastAPI(lifespan=lifespan)
router = APIRouter(prefix="/v1")


async def token_or_close(token: Annotated[str | None, Query()] = None) -> str:
    """Denies in the way that is WebSocket's own."""
    if token not in TOKENS:
        raise WebSocketException(status.WS_1008_POLICY_VIOLATION, "no token")
    return TOKENS[token]


async def token_or_401(authorization: Annotated[str | None, Header()] = None) -> str:
    """Denies in the way that is HTTP's."""
    if authorization != "Bearer right":
        raise HTTPException(401, "who are you?", {"www-authenticate": "Bearer"})
    return TOKENS["right"]


def blocking_dependency(websocket: WebSocket) -> str:
    """Runs in a thread."""
    return websocket.url.path


async def journal_of(websocket: WebSocket) -> AsyncIterator[asyncio.Queue[Any]]:
    """A dependency that tidies up when the connection is over."""
    journal = websocket.state.journal
    try:
        yield journal
    finally:
        await journal.put("tidied up")


@app.get("/journal")
async def read_journal(request: Request) -> Any:
    return await request.state.journal.get()


@app.websocket("/token/close")
async def guarded_by_close(
    websocket: WebSocket, name: Annotated[str, Depends(token_or_close)]
) -> None:
    await websocket.accept()
    await websocket.send_text(name)


@app.websocket("/token/401")
async def guarded_by_401(websocket: WebSocket, name: Annotated[str, Depends(token_or_401)]) -> None:
    await websocket.accept()
    await websocket.send_text(name)


@app.websocket("/token/late")
async def guarded_late(websocket: WebSocket) -> None:
    """Accepts, asks, and then closes with a code that a browser can read."""
    await websocket.accept()
    if await websocket.receive_text() not in TOKENS:
        raise WebSocketException(status.WS_1008_POLICY_VIOLATION, "no such token")
    await websocket.send_text("welcome")


@app.websocket("/denied")
async def denied(websocket: WebSocket) -> None:
    await websocket.send_denial_response(
        JSONResponse({"detail": "full"}, 503, {"retry-after": "9"})
    )


@app.websocket("/items/{item_id}")
async def parameters(
    websocket: WebSocket,
    item_id: int,
    colour: Annotated[list[str], Query()] = [],  # noqa: B006  (FastAPI copies defaults)
    session: Annotated[str | None, Cookie()] = None,
    x_tag: Annotated[str | None, Header()] = None,
    path: Annotated[str, Depends(blocking_dependency)] = "",
) -> None:
    await websocket.accept()
    await websocket.send_json([item_id, colour, session, x_tag, path])
    await websocket.close()


@app.websocket("/tidy")
async def tidy(
    websocket: WebSocket, journal: Annotated[asyncio.Queue[Any], Depends(journal_of)]
) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect as left:
        await journal.put([left.code, left.reason])


@router.websocket("/bids")
async def bids(websocket: WebSocket) -> None:
    """Messages by a model: what is no bid is answered, and does not end the connection."""
    await websocket.accept()
    async for value in websocket.iter_json():
        try:
            bid = Bid.model_validate(value)
        except ValueError:
            await websocket.send_json({"error": "no bid"})
        else:
            await websocket.send_json({"taken": bid.model_dump()})


@router.websocket("/room/{name}")
async def enter_room(websocket: WebSocket, name: str) -> None:
    room: Room = websocket.state.room
    await room.enter(websocket)
    await room.say(f"{name} came")
    try:
        while True:
            await room.say(f"{name}: {await websocket.receive_text()}")
    except WebSocketDisconnect:
        room.leave(websocket)
        await room.say(f"{name} left")


@router.post("/announce/{text}")
async def announce(text: str, request: Request) -> int:
    """An ordinary request reaches those who are connected."""
    room: Room = request.state.room
    await room.say(text)
    return len(room.members)


app.include_router(router)
