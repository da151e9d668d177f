"""A server whose core is a stand-in, for the tests of server.py.

The stand-in notes what it is told and has as many connections and tasks as a test says. That the
real core does what it is told is for the other kinds of test.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from contextlib import asynccontextmanager

from rsgi_bridge import Config
from rsgi_bridge.server import Server

RUNNING = "rsgi running on "
CONNECTIONS = "Waiting for connections to close. (CTRL+C to force quit)"
TASKS = "Waiting for background tasks to complete. (CTRL+C to force quit)"
STARTED = f"Started server process [{os.getpid()}]"
FINISHED = f"Finished server process [{os.getpid()}]"


class FakeBridge:
    """Notes calls. A test sets the counts; `obeys` says whether cancelled tasks end."""

    made: FakeBridge
    connections = 0
    tasks = 0
    total_requests = 0
    obeys = True

    def __init__(self, config, state, logger, access_logger, disconnected):
        assert config.loaded
        assert asyncio.get_running_loop()
        assert issubclass(disconnected, OSError)
        type(self).made = self
        self.state, self.logger, self.access_logger = state, logger, access_logger
        self.calls = []
        self.paths = []
        self.cancelled = []
        self.unlistened = []

    def listen(self, fd, server_path=None):
        with socket.socket(fileno=os.dup(fd)) as sock:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        self.calls.append("listen")
        self.paths.append(server_path)

    def unlisten(self, fd):
        assert os.fstat(fd)
        self.unlistened.append(fd)

    def drain(self):
        self.calls.append("drain")

    def abort(self):
        self.calls.append("abort")

    def cancel_tasks(self, message):
        self.cancelled.append(message)
        found = self.tasks
        if self.obeys:
            self.tasks = self.connections = 0
        return found

    def close(self):
        self.calls.append("close")


class Announced(Server):
    """Says when `startup` is over; exits of its own after `ticks`, if given."""

    def __init__(self, config, ticks=None):
        super().__init__(config)
        self.ready = asyncio.Event()
        self.ticks = ticks

    async def startup(self, sockets=None):
        await super().startup(sockets=sockets)
        self.ready.set()

    async def on_tick(self, counter):
        return counter == self.ticks or await super().on_tick(counter)


def make(app, *, ticks=None, **options):
    options = {"port": 0, "log_config": None, "lifespan": "on"} | options
    return Announced(Config(app, **options), ticks)


@asynccontextmanager
async def serving(made, sockets=None):
    """Serves while the block lasts, then stops and waits."""
    task = asyncio.ensure_future(made.serve(sockets=sockets))
    ready = asyncio.ensure_future(made.ready.wait())
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        yield task
    finally:
        ready.cancel()
        made.should_exit = True
        await task


def serve(made, sockets=None):
    """Serves from start to stop; for servers that end by themselves."""
    asyncio.run(made.serve(sockets=sockets))


def messages(log, level=logging.NOTSET):
    return [record.getMessage() for record in log.records if record.levelno >= level]
