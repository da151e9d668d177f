"""`Config`: every option of the server, checked once, and the application that it names.

Constructing one configures logging; `load` imports the application and fixes what the core reads.
Must not know of a running server, nor of the extension module.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import math
import sys
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from rsgi_bridge.importer import ImportFromStringError, import_from_string
from rsgi_bridge.logging import LOG_LEVELS, LOGGING_CONFIG, LogConfig, configure

__all__ = ["LOGGING_CONFIG", "LOG_LEVELS", "STARTUP_FAILURE", "Config", "LogConfig"]

LifespanMode: TypeAlias = Literal["auto", "on", "off"]
LoopName: TypeAlias = Literal["auto", "asyncio", "uvloop"]

# The exit code of a server that could not start. Supervisors tell it from a crash by this number.
STARTUP_FAILURE = 3

logger = logging.getLogger("uvicorn.error")


class Config:
    """The options of one server.

    Names, order and defaults are uvicorn's. What uvicorn does not have is keyword-only; a zero
    there turns the limit off.

    Args:
        app: an ASGI application, or an import string that names one.
        host: address or name to bind; None means every interface.
        port: port to bind; 0 lets the kernel choose.
        uds: path of a Unix socket to bind, in place of host and port.
        loop: `auto`, `asyncio`, `uvloop`, or the import string of a loop factory.
        lifespan: whether the application is told of start and stop; `auto` tolerates one that
            does not know the protocol.
        log_config: a dict, a path, an open file or a parser for `logging.config`; None leaves
            logging alone.
        log_level: a name in any case or a number.
        access_log: whether each response is logged.
        use_colors: None decides by whether standard output is a terminal.
        server_header: whether responses carry a default `server` field.
        date_header: whether responses carry a default `date` field.
        root_path: prefix under which a proxy mounts the application.
        limit_max_requests: the server stops after so many responses.
        backlog: length of the kernel's queue of connections.
        timeout_keep_alive: seconds for which an idle connection is kept.
        timeout_graceful_shutdown: seconds for which a stop waits; None waits for ever.
        headers: default response fields, as pairs of name and value.
        factory: `app` is a function that makes the application.
        timeout_request_header: seconds in which a request's head must be complete.
        timeout_request_body: seconds without a byte of a body that the application waits for.
        min_request_body_rate: bytes a second below which a request body is timed out.
        timeout_write: seconds without progress in writing to the peer.
        limit_request_head: bytes of a request's head.
        limit_request_fields: number of a request's header fields.
        limit_request_body: bytes of a request's body.
        limit_connections: open connections beyond which accepting pauses.
        uds_permissions: mode of the Unix socket.
    """

    def __init__(
        self,
        app: Callable[..., Any] | str,
        host: str | None = "127.0.0.1",
        port: int = 8000,
        uds: str | None = None,
        loop: LoopName | str = "auto",
        lifespan: LifespanMode = "auto",
        log_config: LogConfig = LOGGING_CONFIG,
        log_level: str | int | None = None,
        access_log: bool = True,
        use_colors: bool | None = None,
        server_header: bool = True,
        date_header: bool = True,
        root_path: str = "",
        limit_max_requests: int | None = None,
        backlog: int = 2048,
        timeout_keep_alive: float = 5,
        timeout_graceful_shutdown: float | None = None,
        headers: list[tuple[str, str]] | None = None,
        factory: bool = False,
        *,
        timeout_request_header: float = 30,
        timeout_request_body: float = 60,
        min_request_body_rate: int = 0,
        timeout_write: float = 60,
        limit_request_head: int = 65536,
        limit_request_fields: int = 100,
        limit_request_body: int = 0,
        limit_connections: int = 0,
        uds_permissions: int = 0o666,
    ) -> None:
        self.app = app
        self.host = host
        # From an environment variable it is a string, as often as not.
        self.port = int(port)
        self.uds = uds
        self.loop = loop
        self.lifespan: str = lifespan
        self.log_config = log_config
        self.log_level = log_level
        self.access_log = access_log
        self.use_colors = use_colors
        self.server_header = server_header
        self.date_header = date_header
        self.root_path = root_path
        self.limit_max_requests = limit_max_requests
        self.backlog = backlog
        self.timeout_keep_alive = timeout_keep_alive
        self.timeout_graceful_shutdown = timeout_graceful_shutdown
        self.headers = headers or []
        self.factory = factory
        self.timeout_request_header = timeout_request_header
        self.timeout_request_body = timeout_request_body
        self.min_request_body_rate = min_request_body_rate
        self.timeout_write = timeout_write
        self.limit_request_head = limit_request_head
        self.limit_request_fields = limit_request_fields
        self.limit_request_body = limit_request_body
        self.limit_connections = limit_connections
        self.uds_permissions = uds_permissions

        self.encoded_headers: list[tuple[bytes, bytes]] = []
        self.loaded_app: Any = None
        self.loaded = False
        self._check_ranges()
        self.configure_logging()

    def configure_logging(self) -> None:
        """Applies `log_config`, `log_level`, `use_colors` and `access_log` to this process."""
        configure(self.log_config, self.use_colors)
        if self.log_level is not None:
            level = self.log_level
            if isinstance(level, str):
                level = LOG_LEVELS[level.lower()]
            for name in ("uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
                logging.getLogger(name).setLevel(level)
        if not self.access_log:
            access_logger = logging.getLogger("uvicorn.access")
            access_logger.handlers = []
            access_logger.propagate = False

    def load_app(self) -> Any:
        """Imports the application; exits with `STARTUP_FAILURE` if there is none of that name."""
        try:
            return import_from_string(self.app)
        except ImportFromStringError as exc:
            logger.error("Error loading ASGI app. %s", exc)
            sys.exit(STARTUP_FAILURE)

    def load(self) -> None:
        """Fixes what the core reads of this object: `encoded_headers` and `loaded_app`."""
        if self.loaded:
            raise RuntimeError("Config.load() was called twice.")
        fields = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self.headers
        ]
        if self.server_header and b"server" not in dict(fields):
            fields.insert(0, (b"server", b"rsgi"))
        self.encoded_headers = fields
        self.loaded_app = self._called_if_factory(self.load_app())
        self.loaded = True

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:  # uvicorn's name
        """What makes the event loop of `Server.run`."""
        if self.loop == "asyncio":
            return asyncio.SelectorEventLoop
        path = self.loop
        if path == "auto":
            if importlib.util.find_spec("uvloop") is None:
                return asyncio.SelectorEventLoop
            path = "uvloop"
        if path == "uvloop":
            path = "uvloop:new_event_loop"
        try:
            factory: Callable[[], asyncio.AbstractEventLoop] = import_from_string(path)
        except ImportFromStringError as exc:
            logger.error("Error loading custom loop setup function. %s", exc)
            sys.exit(STARTUP_FAILURE)
        return factory

    def _check_ranges(self) -> None:
        # Told here, where the operator still sees which option it was.
        for name in (
            "timeout_request_header",
            "timeout_request_body",
            "min_request_body_rate",
            "timeout_write",
            "limit_request_head",
            "limit_request_fields",
            "limit_request_body",
            "limit_connections",
        ):
            value = getattr(self, name)
            if not 0 <= value < math.inf:  # catches NaN as well
                raise ValueError(f"{name} must be a number from 0 on: {value}")
        if not 0 <= self.uds_permissions <= 0o777:
            # Above all 666, the decimal number, in place of 0o666.
            raise ValueError(f"uds_permissions must be 0-0o777: {self.uds_permissions:#o}")

    def _called_if_factory(self, loaded: Any) -> Any:
        # An application takes three arguments and a factory none: only a call can tell.
        try:
            made = loaded()
        except TypeError as exc:
            if self.factory:
                logger.error("Error loading ASGI app factory: %s", exc)
                sys.exit(STARTUP_FAILURE)
            return loaded
        if not self.factory:
            logger.warning(
                "ASGI app factory detected. Using it, but please consider setting the "
                "--factory flag explicitly."
            )
        return made
