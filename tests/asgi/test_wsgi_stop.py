"""The stop of a server and its WSGI threads: what is finished, what is given up, what is left."""

from __future__ import annotations

import gc
import logging
import threading

import pytest

from tests.asgi.exchange import request
from tests.clients.raw import RawConnection
from tests.clients.serving import Serving

PATIENCE = 10.0
PLAIN = [("Content-Type", "text/plain")]


@pytest.fixture
def wsgi(stage_with):
    """`wsgi(app, **options)`: a server that runs this WSGI application."""
    return lambda app, **options: stage_with(app, interface="wsgi", **options)


def lines(server):
    return server.logs.messages(logger="uvicorn.error")[1:]


def test_lifespan_is_unsupported_in_one_line(wsgi, notes):
    """WSGI-12."""
    server = wsgi(lambda environ, start_response: notes("called"))
    assert lines(server) == [
        "Waiting for application startup.",
        "ASGI 'lifespan' protocol appears unsupported.",
        "Application startup complete.",
    ]
    assert notes.rest() == []


def test_request_that_runs_is_finished(wsgi):
    """WSGI-11, U6.3."""
    running, release = threading.Event(), threading.Event()

    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        yield b"half,"
        running.set()
        assert release.wait(PATIENCE)
        yield b"rest"

    server = wsgi(app)
    peer = server.connect(request())
    assert running.wait(PATIENCE)
    server.serving.begin_stop()
    server.logs.wait("Shutting down")
    release.set()
    assert peer.read_response().body == b"half,rest"
    server.serving.join()
    assert server.errors == []


def test_request_is_given_up_when_patience_ends(wsgi, notes):
    """WSGI-11, U6.3: its thread is told, wherever it waits."""
    reading = threading.Event()

    def app(environ, start_response):
        reading.set()
        try:
            environ["wsgi.input"].read()
        except OSError as exc:
            notes(str(exc))
            raise

    server = wsgi(app, timeout_graceful_shutdown=0.1)
    server.connect(b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 9\r\n\r\nhalf")
    assert reading.wait(PATIENCE)
    server.serving.begin_stop()
    assert notes.next() == "The server has given up this request."
    server.serving.join()
    (error,) = server.logs.messages(logging.ERROR, "uvicorn.error")[:1]
    assert error.startswith("Cancel 1 running task(s)")


def test_request_that_hangs_does_not_hold_the_stop(wsgi):
    """WSGI-11, FLT-C22: nobody can end a thread; the server goes without it."""
    hanging, release = threading.Event(), threading.Event()

    def app(environ, start_response):
        hanging.set()
        release.wait(PATIENCE)
        start_response("200 OK", list(PLAIN))
        return [b"too late"]

    server = wsgi(app, timeout_graceful_shutdown=0.1)
    server.connect(request())
    assert hanging.wait(PATIENCE)
    server.serving.begin_stop()
    server.serving.join()
    release.set()


def test_no_thread_is_left(loop_name):
    """WSGI-11."""
    threads = []

    def app(environ, start_response):
        threads.append(threading.current_thread())
        start_response("200 OK", list(PLAIN))
        return [b"ok"]

    def one_server():
        options = {"loop_name": loop_name, "interface": "wsgi", "lifespan": "off"}
        with Serving(app, **options) as serving, RawConnection(serving.address) as peer:
            peer.send(request())
            assert peer.read_response().body == b"ok"

    one_server()
    gc.collect()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
