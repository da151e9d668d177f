"""Re-export: uvicorn's path of the WSGI adapter, under its two names there."""

from __future__ import annotations

from rsgi_bridge.wsgi import WSGIMiddleware, build_environ
from rsgi_bridge.wsgi import WSGIMiddleware as _WSGIMiddleware

__all__ = ["WSGIMiddleware", "_WSGIMiddleware", "build_environ"]
