"""wsgi/exchange.py: what becomes of the thread of a request that the server has given up."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from rsgi_bridge.wsgi.exchange import Exchange
from rsgi_bridge.wsgi.threads import Threads
from tests.unit.test_environ import scope_of

PATIENCE = 10.0


@pytest.fixture
def threads():
    pool = Threads(1, "test")
    yield pool
    pool.close()


class Cancelled:
    """A request that is cancelled while its application waits for the body."""

    def __init__(self, threads, app):
        self.reading = threading.Event()
        self.over = threading.Event()

        def wrapped(environ, start_response):
            self.reading.set()
            try:
                return app(environ, start_response)
            finally:
                self.over.set()

        asyncio.run(self._main(wrapped, threads))

    async def _main(self, app, threads):
        async def send(message):
            pass

        exchange = Exchange(app, scope_of(), asyncio.Queue().get)
        task = asyncio.ensure_future(exchange.run(threads, send))
        await asyncio.to_thread(self.reading.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def settled(threads):
    """Waits until the thread has done what it has to do."""
    done = threading.Event()
    threads.run(done.set)
    assert done.wait(PATIENCE)


@pytest.fixture
def errors(caplog):
    def logged():
        return [r for r in caplog.records if (r.name, r.levelno) == ("uvicorn.error", 40)]

    logging.getLogger("uvicorn").propagate = True
    return logged


def test_cancelled_request_wakes_its_thread(threads, errors):
    # WSGI-11
    cancelled = Cancelled(threads, lambda environ, _: environ["wsgi.input"].read())
    assert cancelled.over.wait(PATIENCE)
    settled(threads)
    assert errors() == []


def test_error_that_nobody_waits_for_is_logged(threads, errors):
    # WSGI-9
    def app(environ, start_response):
        with pytest.raises(OSError, match="given up"):
            environ["wsgi.input"].read()
        raise LookupError("after all")

    Cancelled(threads, app)
    settled(threads)
    (record,) = errors()
    assert record.getMessage() == "Exception in WSGI application\n"
    assert isinstance(record.exc_info[1], LookupError)


def test_request_that_is_cancelled_while_it_waits_is_not_run(threads):
    # WSGI-11
    occupied, release, ran = threading.Event(), threading.Event(), []

    def occupy():
        occupied.set()
        assert release.wait(PATIENCE)

    async def main():
        exchange = Exchange(lambda *_: ran.append("app"), scope_of(), asyncio.Queue().get)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(exchange.run(threads, None), 0.01)

    threads.run(occupy)
    assert occupied.wait(PATIENCE)
    asyncio.run(main())
    release.set()
    settled(threads)
    assert ran == []
