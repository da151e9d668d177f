"""interfaces.py: what is taken for which interface, and how each is wrapped."""

from __future__ import annotations

import functools
import logging
import sys

import pytest

from rsgi_bridge.interfaces import adapt, detect_interface
from rsgi_bridge.middleware.asgi2 import ASGI2Middleware
from rsgi_bridge.middleware.message_logger import MessageLoggerMiddleware


async def asgi3(scope, receive, send):
    pass


def double_callable(scope):
    return lambda receive, send: None


class Asgi3Instance:
    async def __call__(self, scope, receive, send):
        pass

    async def method(self, scope, receive, send):
        pass


class Awaitable:
    def __init__(self, scope, receive, send):
        pass

    def __await__(self):
        yield


class Asgi2Class:
    def __init__(self, scope):
        pass

    async def __call__(self, receive, send):
        pass


class ReturnsAwaitable:
    def __call__(self, scope, receive, send):
        return asgi3(scope, receive, send)


def named(app):
    """A name that is the same in every process which collects the tests."""
    return getattr(app, "__name__", type(app).__name__)


@pytest.mark.parametrize("app", [asgi3, Asgi3Instance(), Awaitable], ids=named)
def test_asgi3_is_recognised(app):
    # U2.3
    assert detect_interface(app) == "asgi3"


def test_bound_method_is_judged_by_its_call():
    # U2.3: as uvicorn, which looks at `__call__` of all but classes and plain functions.
    assert detect_interface(Asgi3Instance().method) == "asgi2"


@pytest.mark.parametrize(
    "app",
    [
        double_callable,
        Asgi2Class,
        Asgi3Instance,  # the class; somebody forgot to make an instance
        ReturnsAwaitable(),
        functools.partial(asgi3),
        "not callable",
        None,
    ],
    ids=named,
)
def test_everything_else_is_asgi2(app):
    # U2.3, ASGI-11
    assert detect_interface(app) == "asgi2"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="inspect's mark alone counts there")
def test_callable_that_is_marked_for_asyncio_is_asgi3():
    # U2.3: how asgiref marks a callable on Python before 3.12.
    import asyncio

    def marked(scope, receive, send):
        return asgi3(scope, receive, send)

    marked._is_coroutine = asyncio.coroutines._is_coroutine
    assert detect_interface(marked) == "asgi3"


@pytest.fixture
def server_level():
    """Sets the level of the server's logger until the test ends."""
    return logging.getLogger("uvicorn.error").setLevel


def test_asgi3_application_is_left_as_it_is(server_level):
    server_level(logging.DEBUG)
    assert adapt(asgi3, "asgi3") is asgi3


def test_asgi2_application_is_wrapped(server_level):
    # U2.3
    server_level(logging.INFO)
    adapted = adapt(Asgi2Class, "asgi2")
    assert isinstance(adapted, ASGI2Middleware)
    assert adapted.app is Asgi2Class


@pytest.mark.parametrize("level", [5, 1])
def test_messages_are_logged_at_level_trace(server_level, level):
    # U2.3, U5.4: around whatever else is wrapped.
    server_level(level)
    assert adapt(asgi3, "asgi3").app is asgi3
    adapted = adapt(Asgi2Class, "asgi2")
    assert isinstance(adapted, MessageLoggerMiddleware)
    assert isinstance(adapted.app, ASGI2Middleware)


@pytest.mark.parametrize("interface", ["asgi3", "asgi2"])
def test_adapted_application_is_asgi3(server_level, interface):
    server_level(5)
    assert detect_interface(adapt(double_callable, interface)) == "asgi3"
