"""rsgi: an ASGI server with a Rust core, to be used where uvicorn was. Holds no code of its own."""

from __future__ import annotations

# From the module `main`, which is thereby loaded: the command must stay what its name stands for.
from rsgi_bridge.main import Config, Server, main, run
from rsgi_bridge.server import __version__ as __version__

__all__ = ["Config", "Server", "main", "run"]
