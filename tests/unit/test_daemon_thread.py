"""daemon_thread.py: what the end of the interpreter does to a thread that it would cut off."""

from __future__ import annotations

import asyncio
import atexit
import threading

import pytest

from rsgi_bridge import daemon_thread
from rsgi_bridge.daemon_thread import retired_at_exit


@pytest.fixture
def at_exit(monkeypatch):
    """What would be called at the end of the interpreter."""
    registered = []
    monkeypatch.setattr(atexit, "register", registered.append)
    monkeypatch.setattr(atexit, "unregister", registered.remove)
    return registered


def test_nothing_is_done_for_a_thread_that_is_waited_for(at_exit):
    with retired_at_exit(lambda: None):
        assert at_exit == []


def test_daemon_threads_loop_closes_and_stands_still(at_exit):
    is_open, order = threading.Event(), []

    async def serve():
        with retired_at_exit(lambda: order.append("closed")):
            is_open.set()
            while True:
                order.append("turn")
                await asyncio.sleep(0)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert is_open.wait(5)
    [end] = at_exit
    end()
    assert order[-1] == "closed"
    assert thread.is_alive(), "it waits for the end, and for nothing else"


def test_thread_that_is_kept_by_its_application_is_not_waited_for(at_exit, monkeypatch):
    monkeypatch.setattr(daemon_thread, "PATIENCE", 0.01)
    is_open, go_on = threading.Event(), threading.Event()

    async def serve():
        with retired_at_exit(lambda: None):
            is_open.set()
            go_on.wait(5)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert is_open.wait(5)
    [end] = at_exit
    end()
    go_on.set()


def test_nothing_is_left_when_the_server_has_ended(at_exit):
    async def serve():
        with retired_at_exit(lambda: None):
            ends.extend(at_exit)

    ends = []
    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    thread.join(5)
    assert at_exit == []
    ends[0]()  # its loop is closed: nothing happens
