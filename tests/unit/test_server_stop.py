"""server.py: every way to stop, early, gracefully and by force."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from contextlib import closing

import pytest

from rsgi_bridge.server import ServerState
from tests.unit.stand_in import CONNECTIONS, FINISHED, TASKS, make, messages, serve, serving

pytestmark = pytest.mark.usefixtures("bridge_class")


# --- Told to stop while starting ---


@pytest.mark.parametrize("obeys", [True, False])
def test_stop_during_startup_cancels_it(log, events, obeys):
    # O26, FLT-E16
    release = asyncio.Event()

    async def app(scope, receive, send):
        made.should_exit = True
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                events.append("cancelled")
                if obeys:
                    raise

    async def main():
        await made.serve()
        release.set()

    made = make(app)
    asyncio.run(main())
    assert events[0] == "cancelled"
    assert not made.started
    assert made.servers == []
    assert messages(log)[-1] == "Application startup cancelled."


def test_stop_after_startup_runs_the_whole_shutdown(events, log):
    # O26
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        made.should_exit = True
        events.append((await receive())["type"])

    made = make(app)
    serve(made)
    assert events == ["lifespan.shutdown"]
    assert messages(log)[-1] == FINISHED


# --- Stopping ---


def test_should_exit_may_be_set_from_another_thread(app):
    async def main():
        made = make(app)
        async with serving(made) as task:
            threading.Thread(target=setattr, args=(made, "should_exit", True)).start()
            await task

    asyncio.run(main())


def test_limit_of_requests_ends_the_server(app, log, bridge_class):
    bridge_class.total_requests = 3
    made = make(app, limit_max_requests=3)
    serve(made)
    assert "Maximum request limit of 3 exceeded. Terminating process." in messages(log)
    assert made.server_state.total_requests == 3


def test_no_requests_are_counted_before_the_start():
    assert ServerState().total_requests == 0


def stop_with(app, bridge_class, *, connections=0, tasks=0, during=None, **options):
    """Stops a server that has connections and tasks; `during` changes that after a while."""

    async def main():
        made = make(app, **options)
        async with serving(made):
            bridge = bridge_class.made
            bridge.connections, bridge.tasks = connections, tasks
            if during is not None:
                asyncio.get_running_loop().call_later(0.03, during, made, bridge)
        return made

    return asyncio.run(main())


def all_gone(made, bridge):
    bridge.connections = bridge.tasks = 0


def test_requests_are_waited_for(app, log, bridge_class):
    # FLT-E4
    stop_with(app, bridge_class, connections=1, tasks=1, during=all_gone)
    assert CONNECTIONS in messages(log)
    assert TASKS not in messages(log)
    assert bridge_class.made.cancelled == []


def test_tasks_without_a_connection_are_waited_for(app, log, bridge_class):
    stop_with(app, bridge_class, tasks=1, during=all_gone)
    assert TASKS in messages(log)
    assert CONNECTIONS not in messages(log)


def test_idle_connections_end_in_their_grace_without_a_line(app, log, bridge_class):
    # O28
    stop_with(app, bridge_class, connections=5, during=all_gone)
    assert CONNECTIONS not in messages(log)


def test_connections_beyond_the_grace_are_told(app, log, bridge_class):
    def gone_later(made, bridge):
        asyncio.get_running_loop().call_later(0.05, all_gone, made, bridge)

    stop_with(app, bridge_class, connections=1, during=gone_later)
    assert CONNECTIONS in messages(log)


def test_graceful_timeout_cancels_what_runs(app, events, log, bridge_class):
    # FLT-E5
    stop_with(app, bridge_class, connections=2, tasks=2, timeout_graceful_shutdown=0)
    bridge = bridge_class.made
    assert messages(log, logging.ERROR) == [
        "Cancel 2 running task(s), timeout graceful shutdown exceeded"
    ]
    assert set(bridge.cancelled) == {"Task cancelled, timeout graceful shutdown exceeded"}
    assert bridge.calls == ["listen", "drain", "abort", "close", "close"]
    assert events[-1] == "lifespan.shutdown"


def test_task_that_ignores_its_cancellation_is_cancelled_twice_and_left(app, log, bridge_class):
    # FLT-C22
    bridge_class.obeys = False
    stop_with(app, bridge_class, connections=1, tasks=1, timeout_graceful_shutdown=0)
    assert len(bridge_class.made.cancelled) == 2
    assert messages(log, logging.ERROR)[1:] == ["Abandon 1 task(s) that ignored their cancellation"]
    assert messages(log)[-1] == FINISHED


def test_force_stops_waiting_and_skips_the_application(app, events, log, bridge_class):
    # FLT-E6
    def force(made, bridge):
        made.force_exit = True

    stop_with(app, bridge_class, connections=1, tasks=1, during=force)
    assert events == ["lifespan.startup"]
    assert bridge_class.made.calls[:4] == ["listen", "drain", "abort", "close"]
    assert messages(log)[-1] == FINISHED


def test_force_ends_an_application_that_does_not_stop(bridge_class, log):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        made.force_exit = True
        await asyncio.Event().wait()

    made = make(app, ticks=1)
    serve(made)
    assert messages(log)[-1] == FINISHED


def test_shutdown_may_be_called_on_its_own(app, events, log, bridge_class):
    async def main():
        made = make(app)
        task = asyncio.ensure_future(made.serve())
        await made.ready.wait()
        await made.shutdown()
        assert events == ["lifespan.startup", "lifespan.shutdown"]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert made.servers == []

    asyncio.run(main())


def test_shutdown_may_be_called_while_another_runs(app, events, bridge_class):
    async def main():
        made = make(app)
        async with serving(made):
            await asyncio.gather(made.shutdown(), made.shutdown())

    asyncio.run(main())
    assert events == ["lifespan.startup", "lifespan.shutdown"]


def test_cancelled_serve_gives_everything_back(bridge_class, events, log):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        try:
            await receive()
        except asyncio.CancelledError:
            events.append("cancelled")
            raise

    async def main():
        made = make(app)
        task = asyncio.ensure_future(made.serve())
        await made.ready.wait()
        address = made.servers[0].sockets[0].getsockname()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with closing(socket.socket()) as sock:
            sock.bind(address)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert bridge_class.made.calls == ["listen", "close"]
    assert events == ["cancelled"]
    assert messages(log, logging.ERROR) == []
