"""A chat in FastAPI: start it with `rsgi examples.chat:app`, open http://127.0.0.1:8000 twice.

It shows what a WebSocket application needs beside `accept` and `send`: a check of the origin, an
answer to whoever is not let in, a bound for those who do not keep up, and a good end however a
connection ends. It knows nothing of the server. It needs `pip install fastapi`.
"""

# The page is chat.html, beside this file. Without a browser:
#
#     python -m websockets 'ws://127.0.0.1:8000/rooms/tea?name=ada'
#
# Everything is in the memory of one process. With several of them `Room.tell` would publish to
# something that all of them listen to, such as Redis: docs/websockets.md says more.

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import (
    FastAPI,
    HTTPException,
    Query,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
)
from fastapi.responses import FileResponse

PAGE = Path(__file__).with_suffix(".html")
HISTORY = 20  # messages that a newcomer is told
MAX_BACKLOG = 100  # messages that may wait for a member
MAX_CHARACTERS = 2000

Message = dict[str, Any]


class Member:
    """Somebody in a room. Messages wait here until the connection takes them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(MAX_BACKLOG)

    def tell(self, message: Message) -> None:
        """Never waits, so that a slow member holds up nobody: it misses the oldest messages."""
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(message)

    async def next(self) -> Message:
        return await self._waiting.get()


class Room:
    """Members hear each other; newcomers also hear what was said last."""

    def __init__(self) -> None:
        self.members: set[Member] = set()
        self._said: deque[Message] = deque(maxlen=HISTORY)

    def enter(self, member: Member) -> None:
        for message in self._said:
            member.tell(message)
        self.members.add(member)
        self._tell_who_is_here()

    def leave(self, member: Member) -> None:
        self.members.discard(member)
        self._tell_who_is_here()

    def say(self, member: Member, text: str) -> None:
        message = {"from": member.name, "text": text}
        self._said.append(message)
        self.tell(message)

    def tell(self, message: Message) -> None:
        for member in self.members:
            member.tell(message)

    def _tell_who_is_here(self) -> None:
        self.tell({"here": sorted(member.name for member in self.members)})


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """What it yields is `websocket.state` in every connection."""
    yield {"rooms": {}}


app = FastAPI(title="rsgi chat", lifespan=lifespan)


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page, which connects back to where it came from."""
    return FileResponse(PAGE)


@app.websocket("/rooms/{room_name}")
async def chat(
    websocket: WebSocket,
    room_name: str,
    name: Annotated[str, Query(min_length=1, max_length=40)],
) -> None:
    """Stay in a room until the connection ends. FastAPI answers 403 if there is no good name."""
    if not is_same_origin(websocket):
        # Browsers let any page connect anywhere, and send the user's cookies along.
        raise HTTPException(403, "pages of other sites may not connect")
    rooms: dict[str, Room] = websocket.state.rooms
    room = rooms.setdefault(room_name, Room())
    if any(member.name == name for member in room.members):
        # Until `accept` the answer may be one of HTTP, with a status and a body.
        raise HTTPException(409, "somebody of that name is here")
    member = Member(name)
    room.enter(member)
    try:
        await websocket.accept()
        telling = asyncio.create_task(tell(websocket, member))
        try:
            await hear(websocket, room, member)
        finally:
            telling.cancel()
    finally:
        room.leave(member)
        if not room.members:
            rooms.pop(room_name, None)


async def hear(websocket: WebSocket, room: Room, member: Member) -> None:
    """Pass on what the member says, until it leaves."""
    async for text in websocket.iter_text():
        if len(text) > MAX_CHARACTERS:
            raise WebSocketException(1009, f"{MAX_CHARACTERS} characters at most")
        room.say(member, text)


async def tell(websocket: WebSocket, member: Member) -> None:
    """Send what the member is told. `send` waits while the peer is not reading."""
    with suppress(WebSocketDisconnect):  # `hear` learns of it as well, and ends
        while True:
            await websocket.send_json(await member.next())


def is_same_origin(websocket: WebSocket) -> bool:
    """Whether our own page asks, or something that is no page at all."""
    origin = websocket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == websocket.headers.get("host")
