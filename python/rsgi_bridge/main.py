"""Re-export: uvicorn's import path of the command and of `run`."""

from __future__ import annotations

from rsgi_bridge.cli import main
from rsgi_bridge.config import LOGGING_CONFIG, STARTUP_FAILURE, Config
from rsgi_bridge.runner import logger, run
from rsgi_bridge.server import Server, ServerState

__all__ = [
    "LOGGING_CONFIG",
    "STARTUP_FAILURE",
    "Config",
    "Server",
    "ServerState",
    "logger",
    "main",
    "run",
]
