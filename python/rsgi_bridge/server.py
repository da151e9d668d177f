"""`Server`: the life of one server process, from the first log line to the last.

Binds, loads, starts the application, hands listening sockets to the core and decides when the core
drains, cancels and closes. The only module that imports the core; knows no HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Sequence
from email.utils import formatdate
from types import FrameType
from typing import Any

from rsgi_bridge import signals
from rsgi_bridge._core import Bridge, __version__
from rsgi_bridge.binding import claim, exit_unbound, log_running
from rsgi_bridge.config import STARTUP_FAILURE, Config
from rsgi_bridge.daemon_thread import retired_at_exit
from rsgi_bridge.exceptions import ClientDisconnected
from rsgi_bridge.lifespan import LifespanOff, LifespanOn
from rsgi_bridge.logging import style
from rsgi_bridge.server_state import ServerState
from rsgi_bridge.signals import HANDLED_SIGNALS
from rsgi_bridge.sockets import Listener, where
from rsgi_bridge.systemd import Notifier

__all__ = ["HANDLED_SIGNALS", "Server", "ServerState", "__version__"]

# Seconds between two looks at the flags. uvicorn's: programs that set `should_exit` rely on it.
TICK = 0.1
TICKS_PER_SECOND = 10
TICKS_PER_DAY = 864_000
# Seconds for which the core keeps idle connections while it drains (O28).
IDLE_GRACE = 0.5
# Seconds that a cancelled task has to end. Twice in a row must stay below a second: FLT-E5, O26.
CANCEL_GRACE = 0.4

logger = logging.getLogger("uvicorn.error")


class Server:
    """Serves the application of a `Config`.

    Attributes:
        started: connections are accepted.
        should_exit: set it, from any thread, for a graceful stop.
        force_exit: set it as well for a stop that waits for nobody.
        servers: one object for each group of listening sockets, which are its `sockets`.
        server_state: its `total_requests` counts completed responses.
        last_notified: when `callback_notify` was last called, in seconds of the epoch.
    """

    lifespan: LifespanOn | LifespanOff

    def __init__(self, config: Config) -> None:
        self.config = config
        self.server_state = ServerState()
        self.started = False
        self.should_exit = False
        self.force_exit = False
        self.last_notified = 0.0
        self.servers: list[Listener] = []
        self._bridge: Bridge | None = None
        self._captured_signals: list[int] = []
        self._notifier = Notifier({})
        self._left_tasks_behind = False

    @functools.cached_property
    def limit_max_requests(self) -> int | None:
        """Responses after which the server stops; the jitter is drawn once."""
        limit = self.config.limit_max_requests
        if limit is None:
            return None
        return limit + random.randint(0, self.config.limit_max_requests_jitter)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves on a new event loop until told to stop."""
        # Not asyncio.run: there a task that ignores its cancellation delays the exit for ever.
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("Server.run() needs a thread without a running event loop.")
        loop = self.config.get_loop_factory()()
        # Held back, or it would be the context of each exception that a cancelled task logs.
        ended_by: BaseException | None = None
        try:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(self.serve(sockets=sockets))
        except BaseException as exc:
            ended_by = exc
        try:
            self._end_tasks(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()
        if ended_by is not None:
            try:
                raise ended_by
            finally:
                del ended_by

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves on the running event loop until told to stop.

        Args:
            sockets: bound sockets to accept from, in place of the configured address.
        """
        with self.capture_signals(), retired_at_exit(self.close):
            await self._serve(sockets)

    def bind(self) -> None:
        """Claims the configured address, without accepting yet; exits if it is taken (O24)."""
        if not self.servers:
            self.servers = claim(self.config)

    def close(self) -> None:
        """Gives back sockets and connections, whatever state they are in; idempotent."""
        listeners, self.servers = self.servers, []
        for listener in listeners:
            listener.close()
        if self._bridge is not None:
            self._bridge.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application, then accepts. Does not set `started` if told to stop before."""
        if not hasattr(self, "lifespan"):
            self._load()
        access_logger = logging.getLogger("uvicorn.access") if self.config.access_log else None
        # First of all, because it refuses wrong options.
        bridge = Bridge(self.config, self.lifespan.state, logger, access_logger, ClientDisconnected)
        self._bridge = self.server_state.core = bridge
        if not await self._finish_unless(self.lifespan.startup(), lambda: self.should_exit):
            logger.info("Application startup cancelled.")
            if not await self.lifespan.wait_abandoned(CANCEL_GRACE):
                self._left_tasks_behind = True
            return
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)

        if sockets is None:
            self.bind()
        else:
            self.servers = [Listener([sock]) for sock in sockets]
            for listener, sock in zip(self.servers, sockets, strict=True):
                if sock.family == socket.AF_UNIX:
                    # That of `Config.bind_socket` was bound under another name than it has.
                    listener.path = self.config.uds
        try:
            for listener in self.servers:
                listener.listen(self.config.backlog)
        except OSError as exc:
            # Somebody else bound the same address, and listened first, while we started.
            await self.lifespan.shutdown()
            exit_unbound(self.config, exc)

        for listener in self.servers:
            # The core has duplicates.
            listener.before_close = bridge.unlisten
            for sock in listener.sockets:
                bridge.listen(sock.fileno(), listener.path)
        if sockets is None:
            own = [sock for listener in self.servers for sock in listener.sockets]
            self._log_started_message(own)
            # Sockets of the caller's are served in the caller's service: a worker's end, say, is
            # not the end of what systemd started.
            self._notifier = Notifier(os.environ)
            words, args = self._where(own)
            self._notifier.ready(f"rsgi running on {words}" % args)
        self.started = True

    async def main_loop(self) -> None:
        """Returns when it is time to stop."""
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % TICKS_PER_DAY
            await asyncio.sleep(TICK)

    async def on_tick(self, counter: int) -> bool:
        """Called every 0.1 s; True stops the server."""
        config = self.config
        self._notifier.alive(time.monotonic())
        if counter % TICKS_PER_SECOND == 0:
            now = time.time()
            date = [(b"date", formatdate(now, usegmt=True).encode())] if config.date_header else []
            self.server_state.default_headers = date + config.encoded_headers
            if config.callback_notify is not None and now - self.last_notified > (
                config.timeout_notify
            ):
                self.last_notified = now
                await config.callback_notify()
        if self.should_exit:
            return True
        limit = self.limit_max_requests
        if limit is not None and self.server_state.total_requests >= limit:
            logger.info("Maximum request limit of %d exceeded. Terminating process.", limit)
            return True
        return False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops accepting, lets what runs finish, then lets the application clean up.

        May be called more than once, and while `serve` is still running.
        """
        logger.info("Shutting down")
        self._notifier.stopping()
        bridge = self._bridge
        if bridge is not None:
            bridge.drain()
        for listener in self.servers:
            listener.close()
        for sock in sockets or []:
            sock.close()
        if bridge is not None:
            await asyncio.sleep(TICK)
            if not await self._drained(bridge):
                await self._cancel_requests(bridge)
            bridge.abort()
        # Before the application cleans up: no connection may see it half taken down (ASGI-95).
        self.close()
        if not self.force_exit and hasattr(self, "lifespan"):
            await self._finish_unless(self.lifespan.shutdown(), lambda: self.force_exit)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handles signals while it is open; those that came are raised again when it closes."""
        if not signals.may_handle():
            yield
            return
        with signals.handled_by(self.handle_exit):
            yield
        signals.raise_again(self._captured_signals)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal handler: the first signal stops, a further SIGINT forces (O22)."""
        self._captured_signals.append(sig)
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        else:
            self.should_exit = True

    async def _serve(self, sockets: list[socket.socket] | None = None) -> None:
        pid = os.getpid()
        pid_colour = style("%d", fg="cyan")
        try:
            if sockets is None:
                self.bind()
            self._load()
            logger.info(
                "Started server process [%d]",
                pid,
                extra={"color_message": f"Started server process [{pid_colour}]"},
            )
            try:
                await self.startup(sockets=sockets)
                if not self.should_exit:
                    await self.main_loop()
                if self.started:
                    await self.shutdown(sockets=sockets)
                    logger.info(
                        "Finished server process [%d]",
                        pid,
                        extra={"color_message": f"Finished server process [{pid_colour}]"},
                    )
            finally:
                self.lifespan.abandon()
        finally:
            self.close()

    def _load(self) -> None:
        if not self.config.loaded:
            self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)

    async def _drained(self, bridge: Bridge) -> bool:
        """Waits for the end of all connections and requests; False if patience ran out first."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        limit = self.config.timeout_graceful_shutdown
        said: set[str] = set()
        while (bridge.connections or bridge.tasks) and not self.force_exit:
            waited = loop.time() - begin
            if limit is not None and waited >= limit:
                return False
            what = "connections to close" if bridge.connections else "background tasks to complete"
            # Idle connections end by themselves within the grace: not worth a line.
            if what not in said and (bridge.tasks or waited > IDLE_GRACE):
                said.add(what)
                logger.info("Waiting for %s. (CTRL+C to force quit)", what)
            await asyncio.sleep(TICK)
        return True

    async def _cancel_requests(self, bridge: Bridge) -> None:
        """Cancels requests twice and gives each time a moment; then they are left (FLT-C22)."""
        logger.error("Cancel %s running task(s), timeout graceful shutdown exceeded", bridge.tasks)
        for _ in range(2):
            bridge.cancel_tasks("Task cancelled, timeout graceful shutdown exceeded")
            deadline = asyncio.get_running_loop().time() + CANCEL_GRACE
            while bridge.tasks and not self.force_exit:
                if asyncio.get_running_loop().time() >= deadline:
                    break
                await asyncio.sleep(TICK / 10)
        if bridge.tasks:
            self._left_tasks_behind = True
            logger.error("Abandon %s task(s) that ignored their cancellation", bridge.tasks)

    async def _finish_unless(
        self, work: Coroutine[Any, Any, None], stopped: Callable[[], bool]
    ) -> bool:
        """Runs `work` to its end; cancels it and returns False if `stopped()` comes first."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=TICK)
                if not task.done() and stopped():
                    return False
            task.result()
            return True
        finally:
            task.cancel()

    def _end_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancels what the application left running, as `asyncio.run` does."""
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            in_a_hurry = self.force_exit or self._left_tasks_behind
            patience = CANCEL_GRACE if in_a_hurry else None
            loop.run_until_complete(asyncio.wait(tasks, timeout=patience))

    def _where(self, sockets: Sequence[socket.socket]) -> tuple[str, tuple[object, ...]]:
        is_inherited = bool(self.servers) and self.servers[0].is_inherited
        return where(self.config, sockets, is_inherited=is_inherited)

    def _log_started_message(self, listeners: Sequence[socket.socket]) -> None:
        log_running(*self._where(listeners))
