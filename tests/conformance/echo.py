"""What the conformance suites talk to: an application that sends every message back.

Raw ASGI, so that only the server stands between the peer and the result.
"""

from __future__ import annotations


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        raise NotImplementedError(scope["type"])
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] != "websocket.disconnect":
        text, data = event.get("text"), event.get("bytes")
        echo = {"bytes": data} if text is None else {"text": text}
        await send({"type": "websocket.send", **echo})
