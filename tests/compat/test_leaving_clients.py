"""What frameworks do when a client leaves: streams, files, background tasks, threads, uploads.

None of it is the server's doing: it tells of the disconnect, keeps `send` silent and cancels
nobody (O1, O14, O30).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import threading

import pytest
from fastapi import Depends, FastAPI, UploadFile
from litestar import Litestar
from litestar import get as litestar_get
from litestar.response import Stream
from quart import Quart
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.apps import Gate
from tests.asgi.exchange import pause, request
from tests.clients.raw import RawConnection


def endless(notes):
    """Pieces for ever, and a note of their end."""

    async def pieces():
        try:
            while True:
                yield b"tick"
                await pause(0.01)
        finally:
            notes("cleaned up")

    return pieces()


def starlette_stream(notes):
    async def endpoint(request):
        later = BackgroundTask(notes, "background")
        return StreamingResponse(endless(notes), background=later)

    return Starlette(routes=[Route("/", endpoint)])


def fastapi_stream(notes):
    app = FastAPI()

    async def resource():
        try:
            yield
        finally:
            notes("given back")

    @app.get("/", dependencies=[Depends(resource)])
    async def endpoint():
        return StreamingResponse(endless(notes))

    return app


def litestar_stream(notes):
    async def endpoint():
        return Stream(endless(notes))

    endpoint.__annotations__ = {"return": Stream}
    return Litestar([litestar_get("/")(endpoint)])


def quart_stream(notes):
    app = Quart(__name__)

    @app.get("/")
    async def endpoint():
        return endless(notes)

    return app


@pytest.mark.parametrize(
    ("make", "noted"),
    [
        (starlette_stream, ["cleaned up", "background"]),
        (fastapi_stream, ["cleaned up", "given back"]),
        (litestar_stream, ["cleaned up"]),
        (quart_stream, ["cleaned up"]),
    ],
)
@pytest.mark.parametrize("how", ["close", "reset"])
def test_stream_is_cleaned_up(client_of, notes, make, noted, how):
    """FLT-B1, FLT-B2, FLT-B3: by each framework's own means, and in its own order."""
    client = client_of(make(notes))
    with RawConnection(client.serving.address) as peer:
        peer.send(request())
        peer.read_head()
        peer.read_chunk()
        if how == "reset":
            peer.reset()
    assert [notes.next() for _ in noted] == noted
    assert client.serving.logs.messages(logging.ERROR) == []


def test_background_task_of_a_client_that_has_left(client_of, notes):
    """O1, O30: the client is gone before the answer; the answer is silent, the task runs."""
    gate = Gate()

    async def endpoint(request):
        await gate.wait()
        return PlainTextResponse("nobody reads this", background=BackgroundTask(notes, "ran"))

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    with RawConnection(client.serving.address) as peer:
        peer.send(request())
        gate.expect_reached()
        peer.reset()
    gate.open()
    assert notes.next() == "ran"
    assert client.serving.logs.problems == []


def test_file_is_no_longer_read(client_of, notes, tmp_path):
    """FLT-B10: a large file for a client that reads a little of it and leaves."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200_000_000)

    async def endpoint(request):
        return FileResponse(path, background=BackgroundTask(notes, "ended"))

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    with RawConnection(client.serving.address) as peer:
        peer.send(request())
        assert peer.read_head().one("content-length") == "200000000"
        peer.read_exactly(1000)
        peer.reset()
    assert notes.next() == "ended"
    assert client.serving.logs.messages(logging.ERROR) == []


def test_sync_endpoint_of_a_client_that_has_left(client_of, notes):
    """O30: the thread comes to its end, and its answer goes nowhere."""
    entered, leave = threading.Event(), threading.Event()
    app = FastAPI()

    @app.get("/")
    def endpoint():
        entered.set()
        assert leave.wait(10)
        notes("thread done")

    client = client_of(app)
    with RawConnection(client.serving.address) as peer:
        peer.send(request())
        assert entered.wait(10)
        peer.reset()
    leave.set()
    assert notes.next() == "thread done"
    assert client.get("/missing").status_code == 404
    assert client.serving.logs.problems == []


def test_sync_stream_is_no_longer_asked(client_of):
    """FLT-B3: an iterator in threads, for a client that leaves: the stop waits for nobody."""
    app = FastAPI()

    @app.get("/")
    def endpoint():
        return StreamingResponse(itertools.repeat(b"tick"))

    client = client_of(app)
    with client.stream("GET", "/") as response:
        next(response.iter_bytes())
    client.serving.begin_stop()
    client.serving.join()
    assert client.serving.logs.problems == []


def test_upload_that_stops(client_of, notes):
    """FLT-B4: FastAPI reads the form before the endpoint, which is never called."""
    app = FastAPI()

    @app.post("/")
    async def endpoint(file: UploadFile):
        notes("called")

    client = client_of(app)
    head = (
        b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 100000\r\n"
        b"content-type: multipart/form-data; boundary=B\r\n\r\n"
        b'--B\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\npart of it'
    )
    with RawConnection(client.serving.address) as peer:
        peer.send(head)
        peer.reset()
    client.serving.stop()
    assert notes.rest() == []


def test_other_requests_go_on(client_of, notes):
    """FLT-C23: many clients that leave do not harm one that stays."""

    async def endpoint(request):
        return StreamingResponse(endless(notes))

    async def plain(request):
        return PlainTextResponse("still here")

    client = client_of(Starlette(routes=[Route("/", endpoint), Route("/plain", plain)]))
    for _ in range(20):
        with RawConnection(client.serving.address) as peer:
            peer.send(request())
            peer.read_head()
        assert client.get("/plain").text == "still here"
    assert [notes.next() for _ in range(20)] == ["cleaned up"] * 20


def test_task_group_of_an_endpoint_is_cancelled_by_itself_only(client_of, notes):
    """O30: what an endpoint started goes on after the client has left, until it is done."""
    gate = Gate()

    async def work():
        with contextlib.suppress(asyncio.CancelledError):
            await gate.wait()
            notes("worked")

    async def endpoint(request):
        await asyncio.gather(work(), work())
        return PlainTextResponse("")

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    with RawConnection(client.serving.address) as peer:
        peer.send(request())
        gate.expect_reached()
        peer.reset()
    gate.open()
    assert [notes.next(), notes.next()] == ["worked", "worked"]
