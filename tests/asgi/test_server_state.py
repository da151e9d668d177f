"""What a running server says of its connections and tasks, to programs that look (U2.4)."""

from __future__ import annotations

import asyncio

import pytest

from tests.apps import Gate
from tests.asgi.exchange import answer, pause, request
from tests.clients.raw import RawConnection


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def gated(gate, notes):
    async def app(scope, receive, send):
        if scope["type"] == "http":
            notes(asyncio.current_task())
            await gate.wait()
            await answer(send)

    return app


async def ended(state):
    """Waits until no call of the application runs."""
    while state.tasks:
        await pause()
    return True


def test_connections_and_tasks_are_counted(stage_with, gated, gate):
    # U2.4
    stage = stage_with(gated)
    state = stage.serving.server.server_state
    assert (len(state.connections), len(state.tasks), state.total_requests) == (0, 0, 0)
    with RawConnection(stage.serving.address) as connection:
        connection.send(request())
        gate.expect_reached()
        assert (len(state.connections), len(state.tasks)) == (1, 1)
        assert state.connections
        assert state.tasks
        gate.open()
        assert connection.read_response().status == 200
        assert state.total_requests == 1
        # The call returns a little later than its answer is there.
        ending = asyncio.run_coroutine_threadsafe(ended(state), stage.serving.loop)
        assert ending.result(10)


def test_tasks_are_those_of_the_loop(stage_with, gated, gate, notes):
    # U2.4
    stage = stage_with(gated)
    state = stage.serving.server.server_state

    async def look():
        return list(state.tasks), notes.next() in state.tasks

    with RawConnection(stage.serving.address) as connection:
        connection.send(request())
        gate.expect_reached()
        looking = asyncio.run_coroutine_threadsafe(look(), stage.serving.loop)
        tasks, is_in = looking.result(10)
        assert is_in
        assert len(tasks) == 1
        gate.open()
        assert connection.read_response().status == 200
