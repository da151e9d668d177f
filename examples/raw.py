"""What ASGI is, in one file and with no framework: start it with `rsgi examples.raw:app`.

It owns one application that prints what the server gave it and answers in JSON. It knows nothing
of the server beyond the ASGI specification, so any ASGI server can run it.
"""

# An ASGI application is one async callable. The server calls it once for the life of the process
# (the scope type "lifespan") and once for every request (the scope type "http").
#
#     scope    a dict: what is known before the first byte of a body.
#     receive  await it for the next message from the client: pieces of the body, then disconnect.
#     send     await it with a message to the client: first a head, then a body.
#
# Try it:
#
#     curl -i 'http://127.0.0.1:8000/caf%C3%A9?colour=green'
#     curl -i --data 'some text' http://127.0.0.1:8000/

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one ASGI scope, whatever its type."""
    # Scopes hold bytes where the wire does (headers, the query string), and JSON has no bytes.
    print(json.dumps(printable(scope), indent=2), flush=True)

    if scope["type"] == "lifespan":
        await live(scope, receive, send)
    elif scope["type"] == "http":
        await answer(scope, receive, send)
    # A scope of any other type ("websocket", or one invented later) is not for us: to return
    # without a word is how an application says so. The server refuses that connection and goes on.


async def live(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Start and stop with the server: the place to open and close a database pool."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # Every request gets a shallow copy of this dict, as scope["state"].
            scope["state"]["greeting"] = "hello"
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return


async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one HTTP request with a JSON document that describes it."""
    body = await read_body(receive)
    if body is None:
        return  # The client has left: there is nobody to answer.

    document = {
        "greeting": scope["state"].get("greeting"),
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode("latin-1"),
        "body": body.decode("utf-8", "replace"),
    }
    payload = json.dumps(document).encode() + b"\n"

    # A response is one start message and at least one body message. Names and values are bytes.
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(payload)).encode()),
            ],
        }
    )
    # `more_body: True` would promise another body message; without it, this one is the last.
    await send({"type": "http.response.body", "body": payload})


async def read_body(receive: Receive) -> bytes | None:
    """The whole request body, or None when the client left before its end.

    A body comes in pieces, at the pace at which we ask for them. Real applications limit its size.
    """
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def printable(value: object) -> object:
    """The same value with bytes decoded, so that JSON can show it.

    Latin-1 maps every byte to one character, so nothing is lost and nothing can fail.
    """
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return {str(key): printable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return repr(value)  # State may hold anything that the application put there.
