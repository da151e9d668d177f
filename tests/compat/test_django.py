"""Django's ASGI handler: sync and async views, streaming, uploads, and leaving clients."""

from __future__ import annotations

import asyncio
import logging
import threading

import django
import pytest
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DEBUG=False,
        ROOT_URLCONF=__name__,
        SECRET_KEY="only for tests",
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        USE_TZ=True,
        LOGGING_CONFIG=None,
    )
    django.setup()

from django.core.asgi import get_asgi_application
from django.http import (
    FileResponse,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tests.apps import Gate
from tests.asgi.exchange import Notes, pause
from tests.asgi.exchange import request as request_bytes
from tests.clients.raw import RawConnection

said = Notes()
gates = {}


def sync_view(request, name):
    return JsonResponse(
        {
            "name": name,
            "query": request.GET.getlist("a"),
            "path": request.path,
            "client": request.META["REMOTE_ADDR"],
            "main thread": threading.current_thread() is threading.main_thread(),
        }
    )


async def async_view(request):
    await pause()
    return HttpResponse(f"task {asyncio.current_task() is not None}")


@csrf_exempt
def upload_view(request):
    file = request.FILES["file"]
    size = sum(len(chunk) for chunk in file.chunks())
    return JsonResponse({"name": file.name, "size": size, "field": request.POST["field"]})


@csrf_exempt
async def body_view(request):
    return HttpResponse(str(len(request.body)))


async def stream_view(request):
    async def pieces():
        for number in range(20):
            yield f"{number},"
            await pause()

    return StreamingHttpResponse(pieces())


def sync_stream_view(request):
    def pieces():
        try:
            for _ in range(100):
                yield b"x" * 100_000
        finally:
            said("consumed")

    return StreamingHttpResponse(pieces())


async def endless_view(request):
    async def pieces():
        try:
            while True:
                yield b"tick"
                await pause(0.01)
        finally:
            said("cleaned up")

    return StreamingHttpResponse(pieces())


async def long_poll_view(request):
    try:
        await gates["poll"].wait()
    except asyncio.CancelledError:
        said("cancelled")
        raise
    return HttpResponse("polled")


def file_view(request):
    return FileResponse(open(__file__, "rb"))


def broken_view(request):
    raise LookupError("broken")


urlpatterns = [
    path("sync/<str:name>", sync_view),
    path("async", async_view),
    path("upload", upload_view),
    path("body", body_view),
    path("stream", stream_view),
    path("stream/sync", sync_stream_view),
    path("endless", endless_view),
    path("poll", long_poll_view),
    path("file", file_view),
    path("broken", broken_view),
]


@pytest.fixture
def client(client_of):
    return client_of(get_asgi_application())


def test_sync_view(client):
    """Runs in asgiref's thread, and sees what the scope says."""
    assert client.get("/sync/J%C3%BCrgen?a=1&a=2").json() == {
        "name": "Jürgen",
        "query": ["1", "2"],
        "path": "/sync/Jürgen",
        "client": "127.0.0.1",
        "main thread": False,
    }


def test_async_view(client):
    """Runs in the request's own task."""
    for _ in range(3):
        assert client.get("/async").text == "task True"


def test_upload(client):
    """ASGI-40: a multipart form, larger than Django keeps in memory."""
    data = b"x" * 4_000_000
    response = client.post("/upload", files={"file": ("f.bin", data)}, data={"field": "value"})
    assert response.json() == {"name": "f.bin", "size": 4_000_000, "field": "value"}


def test_body(client):
    """ASGI-40, ASGI-41."""
    assert client.post("/body", content=b"x" * 100_000).text == "100000"
    assert client.post("/body").text == "0"


def test_streaming_response(client):
    """ASGI-48."""
    assert client.get("/stream").text == "".join(f"{number}," for number in range(20))


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_file_response(client):
    """A synchronous iterator, which Django consumes in a thread."""
    with open(__file__, "rb") as file:
        assert client.get("/file").content == file.read()


def test_stream_ends_when_the_client_leaves(client):
    """ASGI-52: Django listens for the disconnect and cancels the view's task."""
    with client.stream("GET", "/endless") as response:
        next(response.iter_bytes())
    assert said.next() == "cleaned up"
    assert client.serving.logs.messages(logging.ERROR, "uvicorn.error") == []


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_sync_stream_and_a_client_that_leaves(client):
    """FLT-B3: Django reads the iterator to its end, in a thread, before the first piece is sent."""
    with RawConnection(client.serving.address) as peer:
        peer.send(request_bytes("/stream/sync"))
        assert said.next() == "consumed"
        peer.read_head()
        peer.reset()
    assert len(client.get("/stream/sync").content) == 10_000_000
    assert said.next() == "consumed"
    assert client.serving.logs.messages(logging.ERROR, "uvicorn.error") == []


def test_waiting_view_is_cancelled_when_the_client_leaves(client):
    """ASGI-52: Django's handler, not the server, cancels it."""
    gate = gates["poll"] = Gate()
    with RawConnection(client.serving.address) as peer:
        peer.send(request_bytes("/poll"))
        gate.expect_reached()
        peer.reset()
    assert said.next() == "cancelled"


def test_waiting_view_answers(client):
    """Long-polling, with another request served meanwhile."""
    gate = gates["poll"] = Gate()
    with RawConnection(client.serving.address) as peer:
        peer.send(request_bytes("/poll"))
        gate.expect_reached()
        assert client.get("/async").status_code == 200
        gate.open()
        assert peer.read_response().body == b"polled"


def test_errors(client):
    """404 and 500 are Django's own pages; nothing reaches the server's log."""
    assert client.get("/missing").status_code == 404
    assert client.get("/broken").status_code == 500
    assert client.serving.logs.messages(logging.ERROR, "uvicorn.error") == []


def test_head_has_no_body(client):
    """ASGI-53."""
    assert client.head("/async").content == b""
