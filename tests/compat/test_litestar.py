"""Litestar: JSON, streams, files from a form, and its lifespan."""

from __future__ import annotations

import pytest

from tests.asgi.exchange import pause

litestar = pytest.importorskip("litestar")


def application(notes):
    """Routes that return what Litestar turns into responses."""
    from litestar import Litestar, Request, get, post
    from litestar.response import Stream

    # Litestar reads annotations when the application is built: they must be objects, not strings.
    async def hello(request):
        return {"path": request.url.path, "a": request.query_params.getall("a")}

    hello.__annotations__ = {"request": Request, "return": dict}

    async def echo(request):
        return await request.json()

    echo.__annotations__ = {"request": Request, "return": dict}

    async def stream():
        async def pieces():
            for number in range(10):
                yield f"{number},"
                await pause()

        return Stream(pieces())

    stream.__annotations__ = {"return": Stream}

    async def start():
        notes("started")

    async def stop():
        notes("stopped")

    return Litestar(
        [get("/hello")(hello), post("/echo")(echo), get("/stream")(stream)],
        on_startup=[start],
        on_shutdown=[stop],
    )


def test_litestar(client_of, notes):
    """One application, its routes one after another."""
    client = client_of(application(notes), lifespan="on")
    assert notes.next() == "started"
    assert client.get("/hello?a=5&a=6").json() == {"path": "/hello", "a": ["5", "6"]}
    assert client.post("/echo", json={"x": [1, 2]}).json() == {"x": [1, 2]}
    assert client.get("/stream").text == "0,1,2,3,4,5,6,7,8,9,"
    assert client.get("/missing").status_code == 404
    client.serving.stop()
    assert notes.next() == "stopped"
