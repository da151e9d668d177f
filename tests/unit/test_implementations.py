"""implementations.py: uvicorn's names, and the loops behind some of them."""

from __future__ import annotations

import asyncio
import sys

import pytest

from rsgi_bridge.config import HTTP_PROTOCOLS, INTERFACES, LIFESPAN, LOOP_FACTORIES, WS_PROTOCOLS
from rsgi_bridge.implementations import new_event_loop
from rsgi_bridge.importer import import_from_string
from rsgi_bridge.lifespan import LifespanOff, LifespanOn


def test_names_are_uvicorns():
    # U2.1
    assert list(HTTP_PROTOCOLS) == ["auto", "h11", "httptools", "zttp"]
    assert list(WS_PROTOCOLS) == ["auto", "none", "websockets", "websockets-sansio", "wsproto"]
    assert list(LOOP_FACTORIES) == ["none", "auto", "asyncio", "uvloop", "zuvloop"]
    assert INTERFACES == ["auto", "asgi3", "asgi2", "wsgi"]


def test_lifespan_names_classes():
    # U2.1
    classes = {name: import_from_string(path) for name, path in LIFESPAN.items()}
    assert classes == {"auto": LifespanOn, "on": LifespanOn, "off": LifespanOff}


def test_loop_is_uvloops_where_it_is_installed():
    # U2.4
    uvloop = pytest.importorskip("uvloop")
    loop = new_event_loop()
    loop.close()
    assert isinstance(loop, uvloop.Loop)


def test_loop_is_asyncios_elsewhere(monkeypatch):
    # U2.4
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = new_event_loop()
    loop.close()
    assert isinstance(loop, asyncio.SelectorEventLoop)
