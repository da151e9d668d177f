"""rsgi: an ASGI server with a Rust core, to be used where uvicorn was. Holds no code of its own."""

from __future__ import annotations

from rsgi_bridge.cli import main, run
from rsgi_bridge.config import Config
from rsgi_bridge.server import Server, __version__

__all__ = ["Config", "Server", "__version__", "main", "run"]
