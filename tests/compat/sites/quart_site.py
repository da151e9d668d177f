"""A Quart site: forms, sessions, uploads, streams, files, time-outs, and work before and after."""

from __future__ import annotations

import asyncio
import threading

from quart import (
    Blueprint,
    Quart,
    abort,
    jsonify,
    make_response,
    redirect,
    request,
    send_file,
    session,
    stream_with_context,
    url_for,
)

app = Quart(__name__)
app.secret_key = "only for tests"
app.config["PROVIDE_AUTOMATIC_OPTIONS"] = True
inner = Blueprint("inner", __name__, url_prefix="/inner")


@app.before_serving
async def begin():
    app.visits = []
    app.done = asyncio.Event()


@app.after_serving
async def end():
    app.logger.warning("the site is closed")


@app.get("/where/<name>")
async def where(name):
    return jsonify(name=name, path=request.path, a=request.args.getlist("a"))


@app.post("/form")
async def form():
    fields, files = await request.form, await request.files
    sizes = {name: len(file.read()) for name, file in files.items()}
    return jsonify(fields=fields.to_dict(flat=False), files=sizes)


@app.post("/json")
async def echo_json():
    return jsonify(await request.get_json())


@app.post("/raw")
async def raw():
    return str(sum([len(piece) async for piece in request.body]))


@app.get("/sync")
def in_thread():
    return jsonify(main=threading.current_thread() is threading.main_thread())


@app.get("/stream")
async def stream():
    @stream_with_context
    async def pieces():
        for number in range(100):
            yield f"{request.path} {number}\n".encode()

    return pieces(), 200, {"content-type": "text/plain"}


@app.get("/events")
async def events():
    async def pieces():
        for number in range(3):
            yield f"event: tick\ndata: {number}\n\n".encode()

    response = await make_response(pieces(), {"content-type": "text/event-stream"})
    response.timeout = None
    return response


@app.get("/file")
async def file():
    return await send_file(__file__, conditional=True)


@app.post("/visits")
async def visits():
    session["visits"] = session.get("visits", 0) + 1
    return jsonify(visits=session["visits"])


@app.get("/later")
async def later():
    async def finish():
        app.done.set()

    app.add_background_task(finish)
    return jsonify(scheduled=True)


@app.get("/done")
async def done():
    await app.done.wait()
    return jsonify(done=True)


@app.get("/moved")
async def moved():
    return redirect(url_for("inner.page", _external=True))


@inner.get("/page")
async def page():
    return "<h1>Grüße</h1>"


@app.get("/forbidden")
async def forbidden():
    abort(403)


@app.get("/broken")
async def broken():
    raise LookupError("broken")


@app.errorhandler(404)
async def missing(error):
    return jsonify(missing=request.path), 404


app.register_blueprint(inner)
