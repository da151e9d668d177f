"""Re-export: uvicorn's import path of `LifespanOn`."""

from __future__ import annotations

from rsgi_bridge.lifespan import LifespanOn

__all__ = ["LifespanOn"]
