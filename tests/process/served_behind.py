"""The application behind a proxy in the process tests, and nothing else: no test code."""

from __future__ import annotations

import json
import logging

logger = logging.getLogger("uvicorn.error")


async def app(scope, receive, send):
    """Says who asked, or streams one piece and then waits until the peer has left."""
    if scope["path"] == "/events":
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        logger.info("peer left")
        return
    asked = {
        "client": scope["client"],
        "scheme": scope["scheme"],
        "path": scope["path"],
        "host": dict(scope["headers"])[b"host"].decode(),
    }
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(asked).encode()})
