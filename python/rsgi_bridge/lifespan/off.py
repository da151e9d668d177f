"""Re-export: uvicorn's import path of `LifespanOff`."""

from __future__ import annotations

from rsgi_bridge.lifespan import LifespanOff

__all__ = ["LifespanOff"]
