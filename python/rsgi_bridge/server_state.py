"""`ServerState`: what a server counts, under uvicorn's names.

The numbers are the core's; nothing is counted here. Must not know of sockets or signals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from typing import Any, Protocol

# The class of the coroutine through which the core runs the application.
APPLICATION_CALL = ("rsgi_bridge._core", "asgi_call")


class Counts(Protocol):
    """What is read of the core."""

    @property
    def connections(self) -> int: ...
    @property
    def tasks(self) -> int: ...
    @property
    def total_requests(self) -> int: ...


class ServerState:
    """What a server counts.

    Attributes:
        core: where the numbers come from, once there is one.
        default_headers: fields that each response carries, as of the last second.
    """

    def __init__(self) -> None:
        self.core: Counts | None = None
        self.default_headers: list[tuple[bytes, bytes]] = []

    @property
    def total_requests(self) -> int:
        """Completed responses."""
        return 0 if self.core is None else self.core.total_requests

    @property
    def connections(self) -> Collection[int]:
        """Open connections, to be counted: its numbers stand for nothing else."""
        return range(0 if self.core is None else self.core.connections)

    @property
    def tasks(self) -> Collection[asyncio.Task[Any]]:
        """Running calls of the application; iterate on the loop's own thread."""
        return RunningTasks(self.core)


class RunningTasks(Collection[asyncio.Task[Any]]):
    """The tasks in which the application runs: how many, from any thread, and which."""

    def __init__(self, counts: Counts | None) -> None:
        self._counts = counts

    def __len__(self) -> int:
        return 0 if self._counts is None else self._counts.tasks

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        for task in asyncio.all_tasks():
            kind = type(task.get_coro())
            if (kind.__module__, kind.__name__) == APPLICATION_CALL:
                yield task

    def __contains__(self, task: object) -> bool:
        return any(task is running for running in self)
