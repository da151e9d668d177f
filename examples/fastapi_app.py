"""A small message board in FastAPI: start it with `rsgi examples.fastapi_app:app`.

It shows what most applications need: JSON with path and query parameters, a validated POST, an
upload, long-polling, server-sent events, and a lifespan whose state the requests share. It knows
nothing of the server. It needs `pip install fastapi python-multipart`.
"""

# Try it (http://127.0.0.1:8000/docs lists every route):
#
#     curl 'http://127.0.0.1:8000/items/7?colour=green'
#     curl --json '{"author": "ada", "text": "hello"}' http://127.0.0.1:8000/messages
#     curl -F file=@README.md http://127.0.0.1:8000/upload
#     curl -N http://127.0.0.1:8000/events                     # then post a message elsewhere
#     curl 'http://127.0.0.1:8000/messages?after=1&wait=30'    # answers when message 2 is there

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

# Proxies and browsers give up on a stream that is silent for about a minute.
EVENT_STREAM_PULSE_SECONDS = 15.0
UPLOAD_PIECE_BYTES = 64 * 1024


class Draft(BaseModel):
    """What a client posts. FastAPI answers 422 to anything else."""

    author: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1, max_length=500)


class Message(Draft):
    """A message on the board; ids count from 1."""

    id: int


class Board:
    """All messages of this process, and a way to wait for the next one."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._changed = asyncio.Condition()

    async def post(self, draft: Draft) -> Message:
        """Add a message and wake everyone who waits for one."""
        async with self._changed:
            message = Message(id=len(self.messages) + 1, **draft.model_dump())
            self.messages.append(message)
            self._changed.notify_all()
        return message

    def after(self, last_id: int) -> list[Message]:
        """The messages that somebody who has seen `last_id` has not seen."""
        return self.messages[last_id:]

    async def wait_after(self, last_id: int, seconds: float) -> list[Message]:
        """As `after`, but waits until there is one, and returns none when the time is up."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wait_until_longer_than(last_id), seconds)
        return self.after(last_id)

    async def _wait_until_longer_than(self, length: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.messages) > length)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Run once, around everything: what it yields is `request.state` in every request."""
    yield {"board": Board()}
    # After the yield, no request is left: close pools and files here.


app = FastAPI(title="rsgi example", lifespan=lifespan)


@app.get("/")
async def hello() -> dict[str, str]:
    """Answer plain JSON."""
    return {"hello": "world"}


@app.get("/items/{item_id}")
async def read_item(item_id: int, colour: str | None = None) -> dict[str, int | str | None]:
    """Take one parameter from the path and one from the query."""
    return {"item_id": item_id, "colour": colour}


@app.get("/thread")
def blocking() -> dict[str, str]:
    """Do blocking work: a plain `def` runs in a thread, and the event loop goes on."""
    return {"ran": "in a thread"}


@app.post("/upload")
async def upload(file: UploadFile) -> dict[str, int | str | None]:
    """Measure a file of any size without ever holding it whole."""
    size = 0
    while piece := await file.read(UPLOAD_PIECE_BYTES):
        size += len(piece)
    return {"name": file.filename, "type": file.content_type, "size": size}


@app.post("/messages", status_code=201)
async def post_message(draft: Draft, request: Request) -> Message:
    """Put a message on the board."""
    board: Board = request.state.board
    return await board.post(draft)


@app.get("/messages")
async def poll_messages(
    request: Request,
    after: Annotated[int, Query(ge=0)] = 0,
    wait: Annotated[float, Query(ge=0, le=60)] = 0,
) -> list[Message]:
    """Long-polling: when there is nothing new, wait up to `wait` seconds for it."""
    board: Board = request.state.board
    return await board.wait_after(after, wait)


@app.get("/events")
async def events(request: Request, after: Annotated[int, Query(ge=0)] = 0) -> StreamingResponse:
    """Server-sent events: each message on the board as soon as it is posted."""
    board: Board = request.state.board
    return StreamingResponse(event_stream(board, after), media_type="text/event-stream")


async def event_stream(board: Board, last_id: int) -> AsyncIterator[str]:
    """Yield events for ever: Starlette cancels this generator when the client leaves."""
    yield ": connected\n\n"
    while True:
        fresh = await board.wait_after(last_id, EVENT_STREAM_PULSE_SECONDS)
        for message in fresh:
            yield f"id: {message.id}\nevent: message\ndata: {message.model_dump_json()}\n\n"
            last_id = message.id
        if not fresh:
            yield ": still here\n\n"
