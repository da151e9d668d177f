"""`Server`: the life of one server process, from the first log line to the last.

Binds, loads, starts the application, hands listening sockets to the core and decides when the core
drains, cancels and closes. The only module that imports the core; knows no HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from types import FrameType
from typing import Any

from rsgi_bridge._core import Bridge, __version__
from rsgi_bridge.config import STARTUP_FAILURE, Config
from rsgi_bridge.lifespan import LifespanOff, LifespanOn
from rsgi_bridge.logging import style
from rsgi_bridge.sockets import Listener, UnixListener, bind_tcp

__all__ = ["HANDLED_SIGNALS", "Server", "ServerState", "__version__"]

# SIGHUP is a graceful stop as well, so that a closed terminal loses no request (O31).
HANDLED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Seconds between two looks at the flags. uvicorn's: programs that set `should_exit` rely on it.
TICK = 0.1
# Seconds for which the core keeps idle connections while it drains (O28).
IDLE_GRACE = 0.5
# Seconds that a cancelled task has to end. Twice in a row must stay below a second: FLT-E5, O26.
CANCEL_GRACE = 0.4

LIFESPANS: dict[str, type[LifespanOn] | type[LifespanOff]] = {
    "auto": LifespanOn,
    "on": LifespanOn,
    "off": LifespanOff,
}

logger = logging.getLogger("uvicorn.error")


class ServerState:
    """What a server counts, under uvicorn's names."""

    def __init__(self) -> None:
        self.bridge: Bridge | None = None

    @property
    def total_requests(self) -> int:
        """Completed responses."""
        return 0 if self.bridge is None else self.bridge.total_requests


class Server:
    """Serves the application of a `Config`.

    Attributes:
        started: connections are accepted.
        should_exit: set it, from any thread, for a graceful stop.
        force_exit: set it as well for a stop that waits for nobody.
        servers: one object for each group of listening sockets, which are its `sockets`.
        server_state: its `total_requests` counts completed responses.
    """

    lifespan: LifespanOn | LifespanOff

    def __init__(self, config: Config) -> None:
        self.config = config
        self.server_state = ServerState()
        self.started = False
        self.should_exit = False
        self.force_exit = False
        self.servers: list[Listener] = []
        self._captured_signals: list[int] = []
        self._left_tasks_behind = False

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
        try:
            asyncio.set_event_loop(loop)
            loop.run_until_complete(self.serve(sockets=sockets))
        finally:
            try:
                self._end_tasks(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                asyncio.set_event_loop(None)
                loop.close()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves on the running event loop until told to stop.

        Args:
            sockets: bound sockets to accept from, in place of the configured address.
        """
        with self.capture_signals():
            await self._serve(sockets)

    def bind(self) -> None:
        """Claims the configured address, without accepting yet; exits if it is taken (O24)."""
        if self.servers:
            return
        config = self.config
        try:
            if config.uds is not None:
                self.servers = [UnixListener(config.uds, config.uds_permissions)]
            else:
                self.servers = [bind_tcp(config.host, config.port)]
        except OSError as exc:
            logger.error("%s", exc)
            sys.exit(self._bind_failure(exc))

    def close(self) -> None:
        """Gives back sockets and connections, whatever state they are in; idempotent."""
        listeners, self.servers = self.servers, []
        for listener in listeners:
            listener.close()
        if self.server_state.bridge is not None:
            self.server_state.bridge.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application, then accepts. Does not set `started` if told to stop before."""
        access_logger = logging.getLogger("uvicorn.access") if self.config.access_log else None
        # First of all, because it refuses wrong options.
        bridge = Bridge(self.config, self.lifespan.state, logger, access_logger)
        self.server_state.bridge = bridge
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
        try:
            for listener in self.servers:
                listener.listen(self.config.backlog)
        except OSError as exc:
            # Somebody else bound the same address, and listened first, while we started.
            logger.error("%s", exc)
            await self.lifespan.shutdown()
            sys.exit(self._bind_failure(exc))

        for listener in self.servers:
            for sock in listener.sockets:
                bridge.listen(sock.fileno(), listener.path)
        if sockets is None:
            self._log_started_message(self.servers[0].sockets)
        self.started = True

    async def main_loop(self) -> None:
        """Returns when it is time to stop."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await asyncio.sleep(TICK)

    async def on_tick(self, counter: int) -> bool:
        """Called every 0.1 s; True stops the server."""
        if self.should_exit:
            return True
        limit = self.config.limit_max_requests
        if limit is not None and self.server_state.total_requests >= limit:
            logger.info("Maximum request limit of %d exceeded. Terminating process.", limit)
            return True
        return False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops accepting, lets what runs finish, then lets the application clean up.

        May be called more than once, and while `serve` is still running.
        """
        logger.info("Shutting down")
        bridge = self.server_state.bridge
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
        if not self.force_exit:
            await self._finish_unless(self.lifespan.shutdown(), lambda: self.force_exit)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handles signals while it is open; those that came are raised again when it closes."""
        # Python runs signal handlers in the main thread only, and lets no other set them.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals: list[int] = [
            number
            for number in HANDLED_SIGNALS
            # nohup's wish is older than ours.
            if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN)
        ]
        # signal.signal and a bound method, because sse-starlette looks for `should_exit` on the
        # handler's object; loop.add_signal_handler could not put back what was there before.
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        # So that whoever sent them sees their usual effect: SIGTERM ends the process (O21), also
        # where a SIGINT came after it.
        interrupted: KeyboardInterrupt | None = None
        for number in reversed(self._captured_signals):
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt as exc:
                interrupted = exc
        if interrupted is not None:
            raise interrupted

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal handler: the first signal stops, a further SIGINT forces (O22)."""
        self._captured_signals.append(sig)
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        else:
            self.should_exit = True

    async def _serve(self, sockets: list[socket.socket] | None) -> None:
        pid = os.getpid()
        pid_colour = style("%d", fg="cyan")
        try:
            if sockets is None:
                self.bind()
            if not self.config.loaded:
                self.config.load()
            self.lifespan = LIFESPANS[self.config.lifespan](self.config)
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

    def _log_started_message(self, sockets: Sequence[socket.socket]) -> None:
        config = self.config
        if config.uds is not None:
            logger.info("rsgi running on unix socket %s (Press CTRL+C to quit)", config.uds)
            return
        host = "0.0.0.0" if config.host is None else config.host
        address = "http://[%s]:%d" if ":" in host else "http://%s:%d"
        bold = style(address, bold=True)
        logger.info(
            f"rsgi running on {address} (Press CTRL+C to quit)",
            host,
            config.port or sockets[0].getsockname()[1],
            extra={"color_message": f"rsgi running on {bold} (Press CTRL+C to quit)"},
        )

    def _bind_failure(self, exc: OSError) -> int:
        # Exit codes are uvicorn's, which ends with 1 where a Unix socket has no place to be.
        is_misplaced = self.config.uds is not None and exc.errno != errno.EADDRINUSE
        return 1 if is_misplaced else STARTUP_FAILURE
