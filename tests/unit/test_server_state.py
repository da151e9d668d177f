"""server_state.py: numbers of the core, in the shape of uvicorn's sets."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from rsgi_bridge.server_state import ServerState


def counting(**counts):
    state = ServerState()
    state.core = SimpleNamespace(**({"connections": 0, "tasks": 0, "total_requests": 0} | counts))
    return state


def test_nothing_is_counted_before_the_start():
    state = ServerState()
    assert state.total_requests == 0
    assert (len(state.connections), len(state.tasks)) == (0, 0)
    assert not state.connections
    assert not state.tasks
    assert state.default_headers == []


def test_numbers_are_the_cores_of_now():
    # U2.4
    state = counting(connections=3, tasks=2, total_requests=7)
    assert (len(state.connections), len(state.tasks), state.total_requests) == (3, 2, 7)
    assert len(list(state.connections)) == 3
    state.core.connections = 4
    assert len(state.connections) == 4


def test_only_calls_of_the_application_are_its_tasks():
    async def main():
        state = counting(tasks=0)
        other = asyncio.ensure_future(asyncio.sleep(0))
        assert other not in state.tasks
        assert list(state.tasks) == []
        await other

    asyncio.run(main())
