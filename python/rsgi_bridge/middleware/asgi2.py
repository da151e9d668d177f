"""`ASGI2Middleware`: serves an application of the older form, called twice. Knows no server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any


class ASGI2Middleware:
    """An ASGI 3 application: for each scope it calls `app(scope)`, then awaits the result."""

    def __init__(self, app: Callable[[Any], Callable[[Any, Any], Awaitable[None]]]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        instance = self.app(scope)
        await instance(receive, send)
