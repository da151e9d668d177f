"""A Quart site of WebSockets: an echo, a broadcast as its manual has it, denials, endings."""

from __future__ import annotations

import asyncio

from quart import Quart, abort, jsonify, session, websocket

app = Quart(__name__)
app.secret_key = "only for tests"
app.config["PROVIDE_AUTOMATIC_OPTIONS"] = True
listeners: set[asyncio.Queue[str]] = set()


@app.before_serving
async def begin():
    app.ended = asyncio.Queue()


@app.websocket("/echo")
async def echo():
    try:
        while True:
            await websocket.send(await websocket.receive())
    finally:
        app.ended.put_nowait("echo")


@app.websocket("/json")
async def echo_json():
    while True:
        await websocket.send_json({"got": await websocket.receive_json()})


@app.websocket("/choose")
async def choose():
    """Accepts by itself, with a subprotocol and a field."""
    offered = websocket.requested_subprotocols
    await websocket.accept({"x-answer": "yes"}, offered[0] if offered else None)
    await websocket.send_json({"path": websocket.path, "a": websocket.args.getlist("a")})
    await websocket.close(4011, "that is all")


@app.websocket("/broadcast")
async def broadcast():
    """Two tasks for each connection: one that listens to others, one that tells them."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    listeners.add(queue)

    async def hear():
        while True:
            text = await websocket.receive()
            for listener in listeners:
                listener.put_nowait(text)

    async def tell():
        while True:
            await websocket.send(await queue.get())

    await websocket.accept()
    try:
        await asyncio.gather(hear(), tell())
    finally:
        listeners.discard(queue)
        app.ended.put_nowait(f"{len(listeners)} left")


@app.websocket("/session")
async def read_session():
    await websocket.send_json(session.get("visits"))


@app.websocket("/forbidden")
async def forbidden():
    abort(403)


@app.websocket("/said-no")
async def said_no():
    return {"why": "no token"}, 401, {"www-authenticate": "Bearer"}


@app.post("/visits")
async def visits():
    session["visits"] = session.get("visits", 0) + 1
    return jsonify(visits=session["visits"])


@app.get("/ended")
async def ended():
    return await app.ended.get()
