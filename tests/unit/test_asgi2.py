"""middleware/asgi2.py: an application of the older form is called twice for each scope."""

from __future__ import annotations

import asyncio

import pytest

from rsgi_bridge.middleware.asgi2 import ASGI2Middleware


def test_application_is_called_twice():
    # U2.5, ASGI-11
    calls = []

    def application(scope):
        async def instance(receive, send):
            calls.append((scope, receive, send))

        return instance

    asyncio.run(ASGI2Middleware(application)("scope", "receive", "send"))
    assert calls == [("scope", "receive", "send")]


def test_each_scope_has_an_instance():
    # ASGI-11
    instances = []

    class Application:
        def __init__(self, scope):
            instances.append(self)

        async def __call__(self, receive, send):
            pass

    middleware = ASGI2Middleware(Application)
    asyncio.run(middleware({}, None, None))
    asyncio.run(middleware({}, None, None))
    first, second = instances
    assert first is not second


def test_exceptions_of_both_calls_pass_through():
    # ASGI-8
    def application(scope):
        if scope["fails"] == "first":
            raise LookupError("first")

        async def instance(receive, send):
            raise LookupError("second")

        return instance

    for call in ("first", "second"):
        with pytest.raises(LookupError, match=call):
            asyncio.run(ASGI2Middleware(application)({"fails": call}, None, None))
