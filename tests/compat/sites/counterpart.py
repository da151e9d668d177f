"""`Counterpart`: the application that clients of other makers talk to, with no framework between.

It notes how each connection ended, by the `name` in its query, and serves a page to a browser.
"""

from __future__ import annotations

import json
import queue
from collections import defaultdict
from urllib.parse import parse_qs

from tests.apps import body, read_body, start
from tests.asgi.exchange import Notes


class Counterpart:
    """Answers by the path: an echo, endings of each side's doing, and denials."""

    def __init__(self, page=b""):
        self.notes = defaultdict(Notes)
        self.page = page
        self.posted = queue.Queue()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            serve = getattr(self, scope["path"].lstrip("/"))
            query = parse_qs(scope["query_string"].decode("ascii"))
            self.note_ending(query, await serve(query, scope, receive, send))
        elif scope["type"] == "http":
            await self.answer(scope, receive, send)

    async def echo(self, query, scope, receive, send):
        """Every message as it came."""
        await accept(scope, receive, send)
        while (message := await receive())["type"] == "websocket.receive":
            await send(message | {"type": "websocket.send"})
        return message

    async def count(self, query, scope, receive, send):
        """A hundred messages, text and bytes by turns, and then the end."""
        await accept(scope, receive, send)
        for number in range(0, 100, 2):
            await send({"type": "websocket.send", "text": str(number)})
            await send({"type": "websocket.send", "bytes": b"%d" % (number + 1)})
        await send({"type": "websocket.close"})
        return await receive()

    async def close(self, query, scope, receive, send):
        """Closes as the query says, once a message has come."""
        await accept(scope, receive, send)
        await receive()
        code, (reason,) = int(query["code"][0]), query.get("reason", [""])
        await send({"type": "websocket.close", "code": code, "reason": reason})
        return await receive()

    async def refuse(self, query, scope, receive, send):
        await receive()
        await send({"type": "websocket.close"})
        return await receive()

    async def deny(self, query, scope, receive, send):
        await receive()
        fields = [(b"content-type", b"text/plain"), (b"x-why", b"no token")]
        head = {"type": "websocket.http.response.start", "status": 401, "headers": fields}
        await send(head)
        for piece, more in ((b"no ", True), (b"token", False)):
            await send({"type": "websocket.http.response.body", "body": piece, "more_body": more})
        return await receive()

    async def answer(self, scope, receive, send):
        """The page by GET; what it has found out by POST, as JSON."""
        if scope["method"] == "POST":
            self.posted.put(json.loads(await read_body(receive)))
        found = scope["path"] == "/" or scope["method"] == "POST"
        await send(start(200 if found else 404, [(b"content-type", b"text/html; charset=utf-8")]))
        await send(body(self.page if found else b""))

    def note_ending(self, query, message):
        assert message["type"] == "websocket.disconnect"
        (name,) = query.get("name", ["nobody"])
        self.notes[name]((message["code"], message.get("reason", "")))


async def accept(scope, receive, send):
    """Takes the last subprotocol that is offered, if any is."""
    assert (await receive())["type"] == "websocket.connect"
    offered = scope["subprotocols"]
    chosen = {"subprotocol": offered[-1]} if offered else {}
    await send({"type": "websocket.accept", **chosen})
