"""`MessageLoggerMiddleware`: logs each scope and message of an application at level TRACE.

The lines are uvicorn's. What a message carries is replaced by its size, so that a log holds no
bodies, no cookies and no passwords. Knows no server.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rsgi_bridge.logging import TRACE_LOG_LEVEL

logger = logging.getLogger("uvicorn.asgi")

PLACEHOLDER_FORMAT = {
    "body": "<{length} bytes>",
    "bytes": "<{length} bytes>",
    "text": "<{length} chars>",
    "headers": "<...>",
}


def is_wanted() -> bool:
    """Whether the server's own logger is at TRACE, which is what switches these lines on."""
    return logging.getLogger("uvicorn.error").getEffectiveLevel() <= TRACE_LOG_LEVEL


def message_with_placeholders(message: Any) -> Any:
    """A copy of an ASGI message, or scope, with its content replaced."""
    if not isinstance(message, dict):
        return message  # The server will refuse it; logging it must not be what fails.
    replaced = dict(message)
    for key, placeholder in PLACEHOLDER_FORMAT.items():
        content = message.get(key)
        if content is not None:
            # `headers` may be an iterator, whose length nobody knows or needs.
            length = len(content) if hasattr(content, "__len__") else "?"
            replaced[key] = placeholder.format(length=length)
    return replaced


class MessageLoggerMiddleware:
    """An ASGI application around another one.

    Attributes:
        task_counter: how often the application was called; the lines of one call carry its number.
    """

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[Any]]) -> None:
        self.app = app
        self.task_counter = 0
        self.logger = logger

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        self.task_counter += 1
        number = self.task_counter
        client = scope.get("client")
        prefix = f"{client[0]}:{client[1]} - ASGI" if client else "ASGI"

        def trace(text: str, *args: Any) -> None:
            self.logger.log(TRACE_LOG_LEVEL, f"%s [%d] {text}", prefix, number, *args)

        async def logged_receive() -> Any:
            message = await receive()
            trace("Receive %s", message_with_placeholders(message))
            return message

        async def logged_send(message: Any) -> None:
            trace("Send %s", message_with_placeholders(message))
            await send(message)

        trace("Started scope=%s", message_with_placeholders(scope))
        try:
            result = await self.app(scope, logged_receive, logged_send)
        except BaseException:
            trace("Raised exception")
            raise
        trace("Completed")
        # Handed on, because the server complains of an application that returns something.
        return result
