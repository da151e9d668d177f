"""`WSGIMiddleware`: serves a WSGI application (PEP 3333) as an ASGI application, in threads.

Both bodies are streams that stop where the other side stops. Knows ASGI, and nothing of the server.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from rsgi_bridge.wsgi.environ import build_environ
from rsgi_bridge.wsgi.exchange import Exchange
from rsgi_bridge.wsgi.threads import Threads

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["WSGIMiddleware", "build_environ"]


class WSGIMiddleware:
    """An ASGI application for HTTP alone, made of a WSGI application.

    Args:
        app: the WSGI application.
        workers: how many requests run at a time; others wait for a thread, in order. The default is
            uvicorn's.
    """

    def __init__(self, app: WSGIApplication, workers: int = 10) -> None:
        self.app = app
        self._threads = Threads(workers, "rsgi-wsgi")
        # Idle threads end by themselves, but whoever drops the application should not wait for it.
        weakref.finalize(self, self._threads.close).atexit = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            # What a server takes for "not supported", and says so in one line.
            raise RuntimeError(f"WSGI has no protocol '{scope['type']}'.")
        await Exchange(self.app, scope, receive).run(self._threads, send)
