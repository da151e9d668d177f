"""wsgi: the middleware itself; its parts have tests of their own."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from rsgi_bridge.interfaces import adapt, detect_interface
from rsgi_bridge.middleware import wsgi as reexport
from rsgi_bridge.wsgi import WSGIMiddleware, build_environ
from tests.unit.test_environ import scope_of

PATIENCE = 10.0


def app(environ, start_response):
    start_response("200 OK", [])
    return [threading.current_thread().name.encode()]


def call(middleware, scope):
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    asyncio.run(asyncio.wait_for(middleware(scope, receive, send), PATIENCE))
    return sent


def test_application_answers_from_a_thread():
    # U2.5, WSGI-11
    _, body = call(WSGIMiddleware(app), scope_of())
    assert body["body"] == b"rsgi-wsgi-1"


def test_it_is_an_asgi3_application():
    # U2.3: so that a module may name `app = WSGIMiddleware(...)`.
    assert detect_interface(WSGIMiddleware(app)) == "asgi3"


def test_interface_wsgi_wraps():
    # U2.3
    adapted = adapt(app, "wsgi")
    assert isinstance(adapted, WSGIMiddleware)
    assert adapted.app is app


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_other_protocols_are_refused(kind):
    # WSGI-12
    with pytest.raises(RuntimeError, match=f"WSGI has no protocol '{kind}'"):
        call(WSGIMiddleware(app), {"type": kind})


def test_uvicorns_names_are_there():
    # U2.1
    assert reexport.WSGIMiddleware is WSGIMiddleware
    assert reexport._WSGIMiddleware is WSGIMiddleware
    assert reexport.build_environ is build_environ


def test_number_of_threads_is_the_users():
    # WSGI-11
    both = threading.Barrier(2, timeout=PATIENCE)

    def meets(environ, start_response):
        both.wait()
        return app(environ, start_response)

    middleware = WSGIMiddleware(meets, workers=2)

    async def main():
        async def send(message):
            pass

        async def receive():
            return {"type": "http.request"}

        await asyncio.gather(*[middleware(scope_of(), receive, send) for _ in range(2)])

    asyncio.run(asyncio.wait_for(main(), PATIENCE))


def test_threads_end_with_the_middleware():
    # WSGI-11
    threads = []

    def notes(environ, start_response):
        threads.append(threading.current_thread())
        return app(environ, start_response)

    middleware = WSGIMiddleware(notes)
    call(middleware, scope_of())
    (thread,) = threads
    del middleware
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()
