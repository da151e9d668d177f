"""What WebSocket tests put into a server: messages, small applications, a server to share.

`shared_server` takes the place of the fixture of that name in a folder's conftest, whose
application answers HTTP only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.apps import answers
from tests.clients.serving import Serving

CONNECT = {"type": "websocket.connect"}
LOST = {"type": "websocket.disconnect", "code": 1005}  # U4.5: no reason, for there was no frame
REFUSED = {"type": "websocket.disconnect", "code": 1006}

Message = dict[str, Any]


def accept(**keys: Any) -> Message:
    return {"type": "websocket.accept", **keys}


def text(data: Any) -> Message:
    return {"type": "websocket.send", "text": data}


def binary(data: Any) -> Message:
    return {"type": "websocket.send", "bytes": data}


def close(**keys: Any) -> Message:
    return {"type": "websocket.close", **keys}


def denial(status: Any = 401, headers: Any = (), **keys: Any) -> Message:
    return {
        "type": "websocket.http.response.start",
        "status": status,
        "headers": list(headers),
        **keys,
    }


def denial_body(data: Any = b"", more: bool = False) -> Message:
    return {"type": "websocket.http.response.body", "body": data, "more_body": more}


def received(data: str | bytes) -> Message:
    """The `websocket.receive` that an application sees for a message, without an empty key."""
    return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}


def payload(message: Message) -> str | bytes:
    """What a `websocket.receive` carries; the other key is absent or None (ASGI-77)."""
    if message["type"] != "websocket.receive":
        raise AssertionError(f"not a message: {message}")
    kinds = [message[key] for key in ("text", "bytes") if message.get(key) is not None]
    if len(kinds) != 1:
        raise AssertionError(f"not one of text and bytes: {message}")
    return kinds[0]


async def opened(receive: Any, send: Any, **keys: Any) -> None:
    """The usual beginning."""
    message = await receive()
    if message != CONNECT:
        raise AssertionError(f"not a connect: {message}")
    await send(accept(**keys))


async def refused_by(send: Any, message: Any) -> BaseException | None:
    """What `send` raises for a message; None if it takes it."""
    try:
        await send(message)
    except Exception as error:
        return error
    return None


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Sends each message back until the peer leaves; answers HTTP with ok."""
    if scope["type"] == "http":
        await answers()(scope, receive, send)
    elif scope["type"] == "websocket":
        await opened(receive, send)
        while (message := await receive())["type"] == "websocket.receive":
            data = payload(message)
            await send(text(data) if isinstance(data, str) else binary(data))


class Replaceable:
    """Passes HTTP and WebSocket calls to `app`, which a test may replace at any time."""

    def __init__(self) -> None:
        self.app: Any = echo

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] != "lifespan":
            return await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def shared_server(loop_name: str) -> Iterator[tuple[Serving, Replaceable]]:
    application = Replaceable()
    with Serving(application, loop_name=loop_name, lifespan="off") as serving:
        yield serving, application
