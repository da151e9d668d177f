"""uvicorn's names for implementations of loops, protocols, lifespan and interfaces, and what each
stands for here. Its tables map them to its classes; ours say which name does what.
"""

from __future__ import annotations

import asyncio
from typing import Literal, TypeAlias

HTTPProtocolType: TypeAlias = Literal["auto", "h11", "httptools", "zttp"]
WSProtocolType: TypeAlias = Literal["auto", "none", "websockets", "websockets-sansio", "wsproto"]
LifespanType: TypeAlias = Literal["auto", "on", "off"]
LoopFactoryType: TypeAlias = Literal["none", "auto", "asyncio", "uvloop", "zuvloop"]
InterfaceType: TypeAlias = Literal["auto", "asgi3", "asgi2", "wsgi"]

# The core is the one implementation: there is no class to name.
HTTP_PROTOCOLS: dict[str, str | None] = dict.fromkeys(("auto", "h11", "httptools", "zttp"))
WS_PROTOCOLS: dict[str, str | None] = dict.fromkeys(
    ("auto", "none", "websockets", "websockets-sansio", "wsproto")
)
LIFESPAN: dict[str, str] = {
    "auto": "rsgi_bridge.lifespan:LifespanOn",
    "on": "rsgi_bridge.lifespan:LifespanOn",
    "off": "rsgi_bridge.lifespan:LifespanOff",
}
# Import strings of functions that make a loop; None leaves the choice to asyncio.
LOOP_FACTORIES: dict[str, str | None] = {
    "none": None,
    "auto": "rsgi_bridge.implementations:new_event_loop",
    "asyncio": "asyncio:SelectorEventLoop",
    "uvloop": "uvloop:new_event_loop",
    "zuvloop": "zuvloop:new_event_loop",
}
INTERFACES: list[InterfaceType] = ["auto", "asgi3", "asgi2", "wsgi"]


def new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop of `--loop auto`: uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.SelectorEventLoop()
    return uvloop.new_event_loop()
