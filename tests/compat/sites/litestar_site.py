"""A Litestar site: typed bodies, dependencies, guards, streams, files, and a lifespan."""

# No `from __future__ import annotations`: Litestar reads them when the application is built.
import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from litestar import Litestar, MediaType, Request, Response, Router, get, post
from litestar.background_tasks import BackgroundTask
from litestar.config.compression import CompressionConfig
from litestar.config.cors import CORSConfig
from litestar.datastructures import State, UploadFile
from litestar.di import NamedDependency, Provide
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.params import Body, FromPath, JSONBody
from litestar.response import File, Redirect, ServerSentEvent, Stream


@dataclass
class Item:
    """A typed body."""

    name: str
    count: int


async def counter(state: State) -> int:
    state.count += 1
    return state.count


def guard(connection: Any, _: Any) -> None:
    if connection.headers.get("x-key") != "right":
        raise NotAuthorizedException("no key")


@get("/where/{name:str}")
async def where(request: Request, name: FromPath[str]) -> dict:
    return {"name": name, "path": request.url.path, "a": request.query_params.getall("a", [])}


@post("/item")
async def item(data: JSONBody[Item], count: NamedDependency[int]) -> dict:
    return {"name": data.name, "count": data.count, "calls": count > 0}


@get("/sync", sync_to_thread=True)
def in_thread() -> dict:
    return {"main": threading.current_thread() is threading.main_thread()}


@post("/upload")
async def upload(
    data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict:
    return {name: len(await file.read()) for name, file in data.items()}


@get("/stream")
async def stream() -> Stream:
    async def pieces() -> AsyncGenerator[str, None]:
        for number in range(1000):
            yield f"{number},"

    return Stream(pieces())


@get("/events")
async def events() -> ServerSentEvent:
    async def pieces() -> AsyncGenerator[dict, None]:
        for number in range(3):
            yield {"data": str(number), "event": "tick", "id": str(number)}

    return ServerSentEvent(pieces())


@get("/file")
async def file() -> File:
    return File(path=Path(__file__), filename="site.py")


@get("/text", media_type=MediaType.TEXT)
async def text() -> str:
    return "again and " * 1000


@get("/moved")
async def moved() -> Redirect:
    return Redirect("/text")


@get("/later")
async def later(state: State) -> Response:
    async def finish() -> None:
        state.done.set()

    return Response({"scheduled": True}, background=BackgroundTask(finish))


@get("/done")
async def done(state: State) -> dict:
    await state.done.wait()
    return {"done": True}


@get("/guarded", guards=[guard])
async def guarded() -> dict:
    return {"let in": True}


@post("/visits")
async def visits(request: Request) -> dict:
    count = request.session.get("visits", 0) + 1
    request.set_session({"visits": count})
    return {"visits": count}


@get("/broken")
async def broken() -> None:
    raise LookupError("broken")


@contextlib.asynccontextmanager
async def lifespan(app: Litestar) -> AsyncGenerator[None, None]:
    app.state.count = 0
    app.state.done = asyncio.Event()
    yield


app = Litestar(
    [
        Router("/", route_handlers=[where, item, in_thread, upload, stream, events, file, text]),
        *[moved, later, done, guarded, visits, broken],
    ],
    lifespan=[lifespan],
    dependencies={"count": Provide(counter)},
    compression_config=CompressionConfig(backend="gzip", minimum_size=500),
    cors_config=CORSConfig(allow_origins=["https://friend.test"]),
    middleware=[ServerSideSessionConfig().middleware],
    debug=True,
)
