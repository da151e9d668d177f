"""A Starlette site with most of what Starlette offers: forms, sessions, files, errors, mounts."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTasks
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent


class OutOfStock(Exception):
    """Has a handler of its own."""


async def form(request):
    async with request.form() as fields:
        upload = fields.get("file")
        return JSONResponse(
            {
                "fields": [(name, value) for name, value in fields.multi_items() if name != "file"],
                "file": upload and [upload.filename, upload.size, upload.headers["content-type"]],
            }
        )


async def sign_in(request):
    request.session["name"] = (await request.json())["name"]
    return Response(status_code=204)


async def who(request):
    return JSONResponse({"name": request.session.get("name")})


async def cookies(request):
    response = JSONResponse(request.cookies)
    response.set_cookie("a", "1", httponly=True)
    response.set_cookie("b", "2", max_age=60)
    response.delete_cookie("gone")
    return response


async def moved(request):
    return RedirectResponse(request.url_for("who"))


async def long_text(request):
    return PlainTextResponse("again and " * 1000)


async def long_stream(request):
    async def pieces():
        for number in range(1000):
            yield f"piece {number}\n"

    return StreamingResponse(pieces(), media_type="text/plain")


async def file(request):
    return FileResponse(__file__, filename="naïve.py")


async def page(request):
    return HTMLResponse("<h1>Grüße</h1>")


async def no_content(request):
    return Response(status_code=204)


async def not_modified(request):
    return Response(status_code=304, headers={"etag": '"1"'})


async def teapot(request):
    raise HTTPException(418, "short and stout", headers={"x-spout": "yes"})


async def sold_out(request):
    raise OutOfStock("tea")


async def broken(request):
    raise LookupError("nothing here")


async def background(request):
    journal, written = request.state.journal, request.state.written
    journal.clear()
    written.clear()
    tasks = BackgroundTasks()
    for number in range(3):
        tasks.add_task(journal.append, number)  # in threads, one after another
    tasks.add_task(announce, written)
    return PlainTextResponse("later", background=tasks)


async def announce(event):
    event.set()


async def journal(request):
    await request.state.written.wait()
    return JSONResponse(request.state.journal)


async def where(request):
    return JSONResponse(
        {
            "path": request.url.path,
            "root_path": request.scope["root_path"],
            "url_for": str(request.url_for("inner:where")),
        }
    )


class Endpoint:
    """An application of its own below a mount: it sees the rest of the path as Starlette says."""

    async def __call__(self, scope, receive, send):
        await PlainTextResponse(f"{scope['root_path']} {scope['path']}")(scope, receive, send)


async def explain_stock(request, exc):
    return JSONResponse({"sold out": str(exc)}, status_code=409)


@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"journal": [], "written": asyncio.Event()}


app = Starlette(
    debug=True,
    lifespan=lifespan,
    exception_handlers={OutOfStock: explain_stock},
    middleware=[
        Middleware(CORSMiddleware, allow_origins=["https://friend.test"], allow_methods=["PUT"]),
        Middleware(SessionMiddleware, secret_key="only for tests"),
        Middleware(GZipMiddleware, minimum_size=500),
    ],
    routes=[
        Route("/form", form, methods=["POST"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/who", who),
        Route("/cookies", cookies),
        Route("/moved", moved),
        Route("/long-text", long_text),
        Route("/long-stream", long_stream),
        Route("/file", file),
        Route("/page", page),
        Route("/no-content", no_content),
        Route("/not-modified", not_modified),
        Route("/teapot", teapot),
        Route("/sold-out", sold_out),
        Route("/broken", broken),
        Route("/background", background),
        Route("/journal", journal),
        Mount("/inner", routes=[Route("/where", where, name="where")], name="inner"),
        Mount("/raw", app=Endpoint()),
        Mount("/static", app=StaticFiles(directory=HERE), name="static"),
    ],
)
