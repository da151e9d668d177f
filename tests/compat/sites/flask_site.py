"""A Flask site: forms, sessions, uploads, streams both ways, files, errors and a blueprint."""

from __future__ import annotations

import threading

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    get_flashed_messages,
    jsonify,
    redirect,
    request,
    send_file,
    session,
    stream_with_context,
    url_for,
)

app = Flask(__name__)
app.secret_key = "only for tests"
inner = Blueprint("inner", __name__, url_prefix="/inner")


@app.get("/where/<name>")
def where(name):
    return jsonify(
        name=name,
        path=request.path,
        root=request.root_path,
        url=request.url,
        a=request.args.getlist("a"),
        client=request.remote_addr,
        main=threading.current_thread() is threading.main_thread(),
    )


@app.post("/form")
def form():
    sizes = {name: len(file.read()) for name, file in request.files.items()}
    return jsonify(fields=request.form.to_dict(flat=False), files=sizes)


@app.post("/json")
def echo_json():
    return jsonify(request.get_json())


@app.post("/raw")
def raw():
    return str(len(request.get_data()))


@app.post("/upper")
def upper():
    """Answers each line when it has come."""

    @stream_with_context
    def lines():
        for line in request.stream:
            yield line.upper()

    return Response(lines(), content_type="text/plain")


@app.get("/count/<int:to>")
def count(to):
    return Response((f"{number}\n" for number in range(to)), content_type="text/plain")


@app.get("/me")
def me():
    return send_file(__file__, mimetype="text/x-python", conditional=True)


@app.get("/visits")
def visits():
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


@app.post("/note")
def note():
    flash(request.form["text"])
    return redirect(url_for("notes"))


@app.get("/notes")
def notes():
    response = jsonify(get_flashed_messages())
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


@inner.get("/link")
def link():
    return url_for("where", name="x", _external=True)


@app.get("/teapot")
def teapot():
    abort(418)


@app.get("/broken")
def broken():
    raise LookupError("broken view")


@app.errorhandler(404)
def missing(error):
    return jsonify(error=error.name), 404


@app.after_request
def stamp(response):
    response.headers["x-stamp"] = request.method
    return response


app.register_blueprint(inner)
