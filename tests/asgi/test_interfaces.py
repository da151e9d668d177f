"""Applications of every interface behind a real server: detected, told, or taken for the wrong one.

What is wrongly taken for ASGI 2 fails at each request, as under uvicorn, and not at the start.
"""

from __future__ import annotations

import functools

import pytest

from tests.asgi.exchange import answer


async def asgi3(scope, receive, send):
    if scope["type"] == "http":
        await answer(send, b"asgi3")


class Asgi2:
    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        if self.scope["type"] == "http":
            await receive()
            await answer(send, b"asgi2 " + self.scope["path"].encode())


def asgi2(scope):
    return Asgi2(scope)


def wsgi(environ, start_response):
    start_response("200 OK", [])
    return [b"wsgi"]


@pytest.mark.parametrize(
    ("app", "interface", "body", "version"),
    [
        (asgi3, "auto", b"asgi3", "3.0"),
        (asgi3, "asgi3", b"asgi3", "3.0"),
        (Asgi2, "auto", b"asgi2 /", "2.0"),
        (asgi2, "auto", b"asgi2 /", "2.0"),
        (asgi2, "asgi2", b"asgi2 /", "2.0"),
        (wsgi, "wsgi", b"wsgi", "3.0"),
    ],
)
def test_application_is_served(stage_with, app, interface, body, version):
    """U2.3, ASGI-11."""
    server = stage_with(app, interface=interface)
    assert server.ask().body == body
    assert server.serving.server.config.asgi_version == version
    assert server.errors == []


@pytest.mark.parametrize(
    ("app", "interface"),
    [
        (wsgi, "auto"),
        (functools.partial(asgi3), "auto"),
        (["not", "callable"], "auto"),
        (asgi3, "asgi2"),
        (asgi2, "asgi3"),
        (wsgi, "asgi3"),
        (asgi3, "wsgi"),
    ],
)
def test_wrong_interface_is_a_500_for_each_request(stage_with, app, interface):
    """U2.3: as uvicorn, the server starts."""
    server = stage_with(app, interface=interface)
    for _ in range(2):
        assert server.ask().status == 500
    assert "Exception in ASGI application\n" in server.errors
