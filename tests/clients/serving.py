"""`Serving`: one rsgi server in a thread of this process, on an event loop of its own.

Ready means that the server said so. Knows nothing of HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from rsgi_bridge import Config, Server

LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio")
PATIENCE = 10.0  # seconds that starting or stopping may take on a loaded machine
GRACE = 2.0  # seconds of graceful stop before the server is forced


class Serving:
    """Runs `Server(Config(app, **options)).serve(...)` while the `with` block lasts.

    Args:
        app: the application.
        loop_name: `asyncio` or `uvloop`.
        host: address to bind, on a port that the kernel chooses (IPv6 where it has a colon).
        uds: path of a Unix socket, bound by the server itself, in place of host and port.
        listener: a bound socket to serve, in place of all of these.
        options: anything else that `Config` takes.
    """

    def __init__(
        self,
        app: Any,
        *,
        loop_name: str = "asyncio",
        host: str = "127.0.0.1",
        uds: str | None = None,
        listener: socket.socket | None = None,
        **options: Any,
    ) -> None:
        self.logs = Logs()
        self.uds = uds
        self._loop_name = options.setdefault("loop", loop_name)
        self._app = app
        self._listener = listener
        if listener is None and uds is None:
            self._listener = bound(host)
        options.setdefault("log_config", None)
        options.setdefault("log_level", "info")
        self._options = options | ({"uds": uds} if uds else {})
        self._settled = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="serving", daemon=True)
        self.server: Any = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.address: Any = uds or self._listener.getsockname()[:2]

    @property
    def port(self) -> int:
        return self.address[1]

    @property
    def url(self) -> str:
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Serving:
        # A configuration changes loggers that are everybody's.
        self.logs.remember()
        config = Config(self._app, **self._options)
        self.logs.attach()
        settled = self._settled

        class Announcing(Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets=sockets)
                settled.set()

        self.server = Announcing(config)
        self._thread.start()
        if not settled.wait(PATIENCE):
            raise TimeoutError("the server did not start")
        if not self._thread.is_alive() or self._failure is not None:
            self.join()
            raise RuntimeError("the server ended before it was ready")
        return self

    def __exit__(self, *_: object) -> None:
        if self._failure is None:
            self.stop()

    def begin_stop(self) -> None:
        """Asks for a graceful stop and does not wait for it."""
        self.server.should_exit = True

    def force_stop(self) -> None:
        """Asks for the second level, which waits for nobody."""
        self.server.should_exit = True
        self.server.force_exit = True

    def stop(self) -> None:
        """Stops gracefully, by force if that takes too long; the thread is gone afterwards."""
        self.begin_stop()
        self._thread.join(GRACE)
        if self._thread.is_alive():
            self.force_stop()
        self.join()

    def join(self, timeout: float = PATIENCE) -> None:
        """Waits for the end of the server's thread; raises what ended it."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError("the server did not stop")
        self.logs.detach()
        if self._listener is not None:
            self._listener.close()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _run(self) -> None:
        self.logs.thread = threading.get_ident()
        try:
            loop = self.loop = new_loop(self._loop_name)
            sockets = None if self._listener is None else [self._listener]
            try:
                asyncio.set_event_loop(loop)
                loop.run_until_complete(self.server.serve(sockets=sockets))
                cancel_left_over(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                asyncio.set_event_loop(None)
                loop.close()
        except BaseException as failure:  # SystemExit included: re-raised in the test's thread
            self._failure = failure
        finally:
            self._settled.set()


class Logs(logging.Handler):
    """Keeps the records that one server's thread writes, and lets a test wait for one."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.records: list[logging.LogRecord] = []
        self.thread: int | None = None
        self._changed = threading.Condition()
        self._before: dict[str, tuple[Any, ...]] = {}

    def remember(self) -> None:
        """How the loggers are, for `detach`."""
        for name in LOGGERS:
            logger = logging.getLogger(name)
            self._before[name] = (logger.handlers[:], logger.propagate, logger.level)

    def attach(self) -> None:
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)

    def detach(self) -> None:
        """Makes the loggers what they were."""
        for name, (handlers, propagate, level) in self._before.items():
            logger = logging.getLogger(name)
            logger.handlers[:], logger.propagate = handlers, propagate
            logger.setLevel(level)
        self._before.clear()

    def emit(self, record: logging.LogRecord) -> None:
        # One record comes several times where loggers propagate; other servers have other threads.
        if record.thread != self.thread:
            return
        with self._changed:
            if not any(known is record for known in self.records[-3:]):
                self.records.append(record)
                self._changed.notify_all()

    def __iter__(self) -> Any:
        return iter(list(self.records))

    def clear(self) -> None:
        with self._changed:
            self.records.clear()

    def messages(self, level: int = logging.NOTSET, logger: str = "") -> list[str]:
        """The texts of all records from a level up, of loggers whose name ends so."""
        return [
            record.getMessage()
            for record in self
            if record.levelno >= level and record.name.endswith(logger)
        ]

    @property
    def access(self) -> list[str]:
        return self.messages(logger="uvicorn.access")

    @property
    def problems(self) -> list[str]:
        return self.messages(level=logging.WARNING)

    def wait(self, text: str, timeout: float = 5.0) -> logging.LogRecord:
        """The first record whose message contains a text; waits until there is one."""
        deadline = time.monotonic() + timeout

        def found() -> logging.LogRecord | None:
            return next((r for r in self.records if text in r.getMessage()), None)

        with self._changed:
            while (record := found()) is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    texts = [r.getMessage() for r in self.records]
                    raise AssertionError(f"never logged: {text!r}; only {texts}")
                self._changed.wait(left)
            return record


def bound(host: str = "127.0.0.1", **options: int) -> socket.socket:
    """A socket bound to a free port; options are `SOL_SOCKET` options by name, as SO_RCVBUF."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, value in options.items():
        listener.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    listener.bind((host, 0))
    return listener


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    makers: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if name == "uvloop":
        import uvloop

        makers["uvloop"] = uvloop.new_event_loop
    return makers[name]()


def cancel_left_over(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what an application left running, as `asyncio.run` does."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE))
