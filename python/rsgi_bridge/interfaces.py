"""Which interface an application speaks, and what makes an ASGI 3 application of any of them.

The rules of detection are uvicorn's to the letter, because what they take for ASGI 2 decides how an
application is called. Must not know of a `Config`, of a server, nor of how applications are found.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from rsgi_bridge.middleware import message_logger
from rsgi_bridge.middleware.asgi2 import ASGI2Middleware

Interface: TypeAlias = Literal["asgi3", "asgi2", "wsgi"]
ASGI3Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

if sys.version_info >= (3, 14):
    _is_coroutine_function = inspect.iscoroutinefunction
else:
    # Before 3.12 asgiref can mark a callable only by what asyncio looks for, and inspect does not.
    _is_coroutine_function = asyncio.iscoroutinefunction


def detect_interface(app: Any) -> Literal["asgi3", "asgi2"]:
    """What `--interface auto` means for a loaded application; it never means WSGI.

    Whatever is not recognised is ASGI 2, also what cannot be called at all.
    """
    if inspect.isclass(app):
        is_asgi3 = hasattr(app, "__await__")
    elif inspect.isfunction(app):
        is_asgi3 = _is_coroutine_function(app)
    else:
        is_asgi3 = _is_coroutine_function(getattr(app, "__call__", None))  # noqa: B004
    return "asgi3" if is_asgi3 else "asgi2"


def adapt(app: Any, interface: Interface) -> ASGI3Application:
    """The ASGI 3 application that serves an application of this interface.

    It logs every message where the logger `uvicorn.error` is at TRACE now.
    """
    adapted: Any = app
    if interface == "wsgi":
        # Imported here, because hardly any application needs it.
        from rsgi_bridge.wsgi import WSGIMiddleware

        adapted = WSGIMiddleware(app)
    elif interface == "asgi2":
        adapted = ASGI2Middleware(app)
    if message_logger.is_wanted():
        adapted = message_logger.MessageLoggerMiddleware(adapted)
    application: ASGI3Application = adapted
    return application
