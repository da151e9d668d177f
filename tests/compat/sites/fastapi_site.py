"""A FastAPI shop: dependencies, threads, uploads, streams, error handlers and a mounted admin."""

# No `from __future__ import annotations`: FastAPI reads the annotations of nested functions.
import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    File,
    Form,
    Header,
    HTTPException,
    Request,
    Response,
    UploadFile,
)
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, Field


class Item(BaseModel):
    """What the shop sells."""

    name: str
    price: float = Field(gt=0)
    tags: list[str] = []


class SoldOut(Exception):
    """Has a handler of its own."""


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict]:
    yield {"shelf": [], "closed": [], "done": asyncio.Event()}


app = FastAPI(lifespan=lifespan, title="shop")
guarded = APIRouter(prefix="/guarded")
admin = FastAPI(title="admin")


async def session(request: Request) -> AsyncIterator[str]:
    """A dependency with an end, which comes after the endpoint."""
    yield "open"
    request.state.closed.append(request.url.path)


def visitor(x_name: Annotated[str, Header()] = "nobody") -> str:
    """A synchronous dependency: FastAPI runs it in a thread."""
    assert threading.current_thread() is not threading.main_thread()
    return x_name


def basic_user(given: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
    if given.password != "right":
        raise HTTPException(401, headers={"www-authenticate": "Basic"})
    return given.username


@app.get("/depends")
async def depends(
    request: Request,
    first: Annotated[str, Depends(session)],
    second: Annotated[str, Depends(session)],
    name: Annotated[str, Depends(visitor)],
) -> dict:
    return {"session": first, "name": name, "ended before": request.state.closed[:]}


@guarded.get("/me")
def me(user: Annotated[str, Depends(basic_user)]) -> dict:
    return {"user": user}


@app.put("/items/{number}", status_code=201)
async def put_item(request: Request, number: int, item: Item, response: Response) -> Item:
    request.state.shelf.append(item.name)
    response.headers["x-number"] = str(number)
    return item


@app.get("/barrier")
def barrier() -> dict:
    """Two of these must be in their threads at once."""
    BARRIER.wait()
    return {"thread": threading.get_ident()}


BARRIER = threading.Barrier(2, timeout=10)


@app.post("/upload")
async def upload(
    files: Annotated[list[UploadFile], File()], note: Annotated[str, Form()] = ""
) -> dict:
    sizes = [len(await file.read()) for file in files]
    await files[0].seek(0)
    return {
        "names": [file.filename for file in files],
        "sizes": sizes,
        "first": (await files[0].read(3)).decode(),
        "note": note,
    }


@app.post("/upload-in-a-thread")
def upload_in_a_thread(file: UploadFile) -> dict:
    return {"size": len(file.file.read())}


@app.post("/raw")
async def raw(request: Request) -> dict:
    return {"sizes": sum([len(piece) async for piece in request.stream()])}


@app.get("/sync-stream")
def sync_stream() -> StreamingResponse:
    def pieces() -> Iterator[str]:
        for number in range(5):
            yield f"{number} in {threading.current_thread().name.split('_')[0]}\n"

    return StreamingResponse(pieces())


@app.get("/later")
async def later(request: Request, tasks: BackgroundTasks) -> dict:
    request.state.done.clear()
    tasks.add_task(request.state.done.set)
    return {"scheduled": True}


@app.get("/done")
async def done(request: Request) -> dict:
    await request.state.done.wait()
    return {"done": True}


@app.get("/sold-out")
async def sold_out() -> None:
    raise SoldOut("tea")


@app.exception_handler(SoldOut)
async def explain(request: Request, exc: SoldOut) -> JSONResponse:
    return JSONResponse({"sold out": str(exc)}, status_code=409)


@app.get("/broken")
def broken() -> None:
    raise LookupError("broken in a thread")


@app.middleware("http")
async def stamp(request: Request, call_next):
    """BaseHTTPMiddleware around everything, streams and uploads included."""
    response = await call_next(request)
    response.headers["x-stamp"] = request.method
    return response


@admin.get("/", response_class=PlainTextResponse)
async def root(request: Request) -> str:
    return f"{request.scope['root_path']} {request.scope['path']}"


app.include_router(guarded)
app.mount("/admin", admin)
