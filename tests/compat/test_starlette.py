"""Starlette: responses, middleware, background work, threads, disconnects and lifespan state."""

from __future__ import annotations

import contextlib
import logging
import os
import threading

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from tests.apps import Gate
from tests.asgi.exchange import pause, request
from tests.clients.raw import RawConnection


def test_json_with_parameters(client_of):
    """ASGI-25, ASGI-27: path parameters are decoded, the query kept in order."""

    async def endpoint(request):
        return JSONResponse(
            {
                "name": request.path_params["name"],
                "query": request.query_params.multi_items(),
                "client": request.client.host,
                "url": str(request.url),
                "cookies": request.cookies,
            }
        )

    client = client_of(Starlette(routes=[Route("/hello/{name}", endpoint)]))
    response = client.get("/hello/J%C3%BCrgen?a=1&b=2&a=3", headers={"cookie": "x=1; y=2"})
    assert response.json() == {
        "name": "Jürgen",
        "query": [["a", "1"], ["b", "2"], ["a", "3"]],
        "client": "127.0.0.1",
        "url": f"{client.serving.url}/hello/Jürgen?a=1&b=2&a=3",
        "cookies": {"x": "1", "y": "2"},
    }


def test_body_is_read_whole_and_as_a_stream(client_of):
    """ASGI-40."""

    async def whole(request):
        return PlainTextResponse(str(len(await request.body())))

    async def stream(request):
        return PlainTextResponse(str(sum([len(piece) async for piece in request.stream()])))

    routes = [
        Route("/whole", whole, methods=["POST"]),
        Route("/stream", stream, methods=["POST"]),
    ]
    client = client_of(Starlette(routes=routes))
    data = b"x" * 3_000_000
    for path in ("/whole", "/stream"):
        assert client.post(path, content=data).text == "3000000"
        assert client.post(path, content=iter([data, data])).text == "6000000"
        assert client.post(path).text == "0"


def test_streaming_response(client_of):
    """ASGI-48: async and sync iterators (the latter in threads)."""

    async def async_numbers():
        for number in range(50):
            yield f"{number},"
            await pause()

    def numbers():
        for number in range(50):
            yield f"{number},"

    async def endpoint(request):
        source = async_numbers() if request.url.path == "/async" else numbers()
        return StreamingResponse(source, media_type="text/plain")

    client = client_of(Starlette(routes=[Route("/async", endpoint), Route("/sync", endpoint)]))
    expected = "".join(f"{number}," for number in range(50))
    for path in ("/async", "/sync"):
        assert client.get(path).text == expected


def test_streaming_response_ends_when_the_client_leaves(client_of, notes):
    """O1: on spec_version 2.3 Starlette listens for the disconnect, and cancels the stream."""

    async def endless():
        try:
            while True:
                yield b"data: tick\n\n"
                await pause(0.01)
        finally:
            notes("cleaned up")

    async def endpoint(request):
        return StreamingResponse(endless(), media_type="text/event-stream")

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    with client.stream("GET", "/") as response:
        next(response.iter_bytes())
    assert notes.next() == "cleaned up"
    assert client.serving.logs.messages(logging.ERROR) == []


@pytest.mark.parametrize("how", ["half-close", "reset"])
def test_is_disconnected(client_of, notes, how):
    """ASGI-52: Starlette polls receive() with a scope that is cancelled at once."""
    gate = Gate()

    async def endpoint(request):
        notes(await request.is_disconnected())
        await gate.wait()
        while not await request.is_disconnected():
            await pause(0.01)
        notes("disconnected")
        return PlainTextResponse("nobody is there")

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    with RawConnection(client.serving.address) as peer:
        peer.send(request())
        assert notes.next() is False
        gate.expect_reached()
        peer.half_close() if how == "half-close" else peer.reset()
        gate.open()
        assert notes.next() == "disconnected"


def test_client_disconnect_during_an_upload(client_of, notes):
    """FLT-B4: Starlette raises ClientDisconnect."""

    async def endpoint(request):
        try:
            async for piece in request.stream():
                notes(piece)
        except ClientDisconnect:
            notes("disconnected")
        return PlainTextResponse("")

    client = client_of(Starlette(routes=[Route("/", endpoint, methods=["POST"])]))
    with RawConnection(client.serving.address) as peer:
        peer.send(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\nhalf")
        assert notes.next() == b"half"
        peer.reset()
    assert notes.next() == "disconnected"


def test_file_response(client_of, tmp_path):
    """ASGI-47, ASGI-53: GET, HEAD, ranges, not modified; no pathsend, as it is not advertised."""
    data = os.urandom(500_000)
    path = tmp_path / "file.bin"
    path.write_bytes(data)

    async def endpoint(request):
        return FileResponse(path, filename="file.bin")

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    response = client.get("/")
    assert response.content == data
    assert response.headers["content-length"] == "500000"
    head = client.head("/")
    assert head.content == b""
    assert head.headers["content-length"] == "500000"
    part = client.get("/", headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, data[100:200])
    parts = client.get("/", headers={"range": "bytes=0-9,100-109"})
    assert parts.status_code == 206
    assert data[100:110] in parts.content


class Stamp(BaseHTTPMiddleware):
    """The middleware that wraps receive and send in queues and task groups."""

    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-stamp"] = request.headers.get("x-ask", "none")
        return response


def test_base_http_middleware(client_of):
    """Twice around plain, streamed, posted and failing endpoints."""

    async def plain(request):
        return PlainTextResponse("plain")

    async def echo(request):
        return PlainTextResponse(await request.body())

    async def streamed(request):
        async def pieces():
            for _ in range(5):
                yield b"piece"
                await pause()

        return StreamingResponse(pieces())

    async def broken(request):
        raise LookupError("broken")

    app = Starlette(
        routes=[
            Route("/plain", plain),
            Route("/echo", echo, methods=["POST"]),
            Route("/streamed", streamed),
            Route("/broken", broken),
        ],
        middleware=[Middleware(Stamp), Middleware(Stamp), Middleware(GZipMiddleware)],
    )
    client = client_of(app)
    response = client.get("/plain", headers={"x-ask": "me"})
    assert (response.text, response.headers["x-stamp"]) == ("plain", "me")
    assert client.post("/echo", content=b"x" * 100_000).content == b"x" * 100_000
    assert client.get("/streamed").text == "piece" * 5
    assert client.get("/broken").status_code == 500
    client.serving.logs.wait("Exception in ASGI application")


def test_base_http_middleware_and_a_leaving_client(client_of, notes):
    """The stream below two of them is cleaned up as well."""

    async def endless():
        try:
            while True:
                yield b"tick"
                await pause(0.01)
        finally:
            notes("cleaned up")

    async def endpoint(request):
        return StreamingResponse(endless())

    app = Starlette(
        routes=[Route("/", endpoint)], middleware=[Middleware(Stamp), Middleware(Stamp)]
    )
    client = client_of(app)
    with client.stream("GET", "/") as response:
        next(response.iter_bytes())
    assert notes.next() == "cleaned up"


def test_background_task_runs_after_the_response(client_of, notes):
    """ASGI-48: the client has the whole response while the task still runs."""
    gate = Gate()

    async def later():
        await gate.wait()
        notes("done")

    async def endpoint(request):
        return PlainTextResponse("sent", background=BackgroundTask(later))

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    assert client.get("/").text == "sent"
    gate.expect_reached()
    assert notes.rest() == []
    gate.open()
    assert notes.next() == "done"


def test_sync_endpoints_run_in_threads_at_once(client_of):
    """anyio.to_thread: two blocking endpoints wait for each other."""
    barrier = threading.Barrier(2, timeout=10)

    def endpoint(request):
        barrier.wait()
        return PlainTextResponse(str(threading.get_ident()))

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    with RawConnection(client.serving.address) as peer:
        peer.send(request())
        other = client.get("/")
        assert peer.read_response().body.decode() != other.text


def test_lifespan_state(client_of):
    """ASGI-32: request.state is what the lifespan yielded."""

    @contextlib.asynccontextmanager
    async def lifespan(app):
        yield {"visits": []}

    async def endpoint(request):
        request.state.visits.append(request.url.path)
        request.state.private = True
        return JSONResponse({"visits": request.state.visits})

    app = Starlette(routes=[Route("/{name}", endpoint)], lifespan=lifespan)
    client = client_of(app, lifespan="on")
    assert client.get("/a").json() == {"visits": ["/a"]}
    assert client.get("/b").json() == {"visits": ["/a", "/b"]}


def test_mount_and_root_path(client_of):
    """ASGI-28: urls are built behind a prefix, and routes found below it."""

    async def endpoint(request):
        return JSONResponse({"url": str(request.url_for("inner")), "path": request.url.path})

    inner = [Route("/inner", endpoint, name="inner")]
    client = client_of(Starlette(routes=[Mount("/sub", routes=inner)]), root_path="/api")
    body = client.get("/sub/inner").json()
    assert body["path"] == "/api/sub/inner"


def test_errors_of_starlette(client_of):
    """404 and 405 are responses like any other."""

    async def endpoint(request):
        return PlainTextResponse("ok")

    client = client_of(Starlette(routes=[Route("/", endpoint)]))
    assert client.get("/missing").status_code == 404
    assert client.post("/").status_code == 405
    assert client.get("/").text == "ok"
