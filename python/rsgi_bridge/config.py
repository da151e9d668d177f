"""`Config`: every option of the server, checked once, and the application that it names.

Constructing one configures logging; `load` imports the application and fixes what the core reads.
Must not know of a running server, nor of the extension module.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rsgi_bridge import binding
from rsgi_bridge.environment import allowed_proxies, load_env_file, web_concurrency
from rsgi_bridge.exceptions import ConfigError, UvicornDeprecationWarning
from rsgi_bridge.implementations import (
    HTTP_PROTOCOLS,
    INTERFACES,
    LIFESPAN,
    LOOP_FACTORIES,
    WS_PROTOCOLS,
    HTTPProtocolType,
    InterfaceType,
    LifespanType,
    LoopFactoryType,
    WSProtocolType,
)
from rsgi_bridge.importer import ImportFromStringError, import_from_string
from rsgi_bridge.interfaces import adapt, detect_interface
from rsgi_bridge.logging import LOG_LEVELS, LOGGING_CONFIG, TRACE_LOG_LEVEL, LogConfig, configure
from rsgi_bridge.options import check_available, check_header, check_values
from rsgi_bridge.reload_patterns import is_dir, resolve_reload_patterns
from rsgi_bridge.tls import create_ssl_context

__all__ = [
    "HTTP_PROTOCOLS",
    "INTERFACES",
    "LIFESPAN",
    "LOGGING_CONFIG",
    "LOG_LEVELS",
    "LOOP_FACTORIES",
    "SSL_PROTOCOL_VERSION",
    "STARTUP_FAILURE",
    "TRACE_LOG_LEVEL",
    "WS_PROTOCOLS",
    "Config",
    "ConfigError",
    "LogConfig",
    "UvicornDeprecationWarning",
    "create_ssl_context",
    "is_dir",
    "resolve_reload_patterns",
]

PathType: TypeAlias = str | os.PathLike[str]

SSLContextFactory: TypeAlias = "Callable[[Config, Callable[[], ssl.SSLContext]], ssl.SSLContext]"

SSL_PROTOCOL_VERSION: int = ssl.PROTOCOL_TLS_SERVER

# Bytes of a request's head.
DEFAULT_REQUEST_HEAD = 65536

# The exit code of a server that could not start. Supervisors tell it from a crash by this number.
STARTUP_FAILURE = 3

logger = logging.getLogger("uvicorn.error")


class Config:
    """The options of one server.

    Parameters, their order, their defaults and the attributes are uvicorn's. What uvicorn does not
    have is keyword-only. The settings page of the documentation says what each of them does.

    Args:
        app: an ASGI or WSGI application, or an import string that names one.

    Attributes:
        encoded_headers: default response fields as the core sends them; filled by `load`.
        loaded: `load` has been called.
        loaded_app: what is called for each request; set by `load`.
        lifespan_class: what tells the application of start and stop; set by `load`.

    Raises:
        ConfigError: if an option has a value that it cannot have.
    """

    def __init__(
        self,
        app: Callable[..., Any] | str,
        host: str | None = "127.0.0.1",
        port: int = 8000,
        uds: str | None = None,
        fd: int | None = None,
        loop: LoopFactoryType | str = "auto",
        http: type[asyncio.Protocol] | HTTPProtocolType | str = "auto",
        http2: bool = False,
        ws: type[asyncio.Protocol] | WSProtocolType | str = "auto",
        ws_max_size: int = 16 * 1024 * 1024,
        ws_max_queue: int = 32,
        ws_ping_interval: float | None = 20.0,
        ws_ping_timeout: float | None = 20.0,
        ws_per_message_deflate: bool = True,
        lifespan: LifespanType = "auto",
        env_file: PathType | None = None,
        log_config: LogConfig = LOGGING_CONFIG,
        log_level: str | int | None = None,
        access_log: bool = True,
        use_colors: bool | None = None,
        interface: InterfaceType = "auto",
        reload: bool = False,
        reload_dirs: list[str] | str | None = None,
        reload_delay: float = 0.25,
        reload_includes: list[str] | str | None = None,
        reload_excludes: list[str] | str | None = None,
        workers: int | None = None,
        proxy_headers: bool = True,
        server_header: bool = True,
        date_header: bool = True,
        forwarded_allow_ips: list[str] | str | None = None,
        root_path: str = "",
        limit_concurrency: int | None = None,
        limit_max_requests: int | None = None,
        limit_max_requests_jitter: int = 0,
        backlog: int = 2048,
        timeout_keep_alive: float = 5,
        timeout_notify: float = 30,
        timeout_graceful_shutdown: float | None = None,
        timeout_worker_healthcheck: float = 5,
        callback_notify: Callable[..., Awaitable[None]] | None = None,
        ssl_keyfile: PathType | None = None,
        ssl_certfile: PathType | None = None,
        ssl_keyfile_password: str | None = None,
        ssl_version: int = SSL_PROTOCOL_VERSION,
        ssl_cert_reqs: int = ssl.CERT_NONE,
        ssl_ca_certs: PathType | None = None,
        ssl_ciphers: str | None = None,
        ssl_context_factory: SSLContextFactory | None = None,
        headers: list[tuple[str, str]] | None = None,
        factory: bool = False,
        h11_max_incomplete_event_size: int | None = None,
        reset_contextvars: bool = False,
        *,
        timeout_request_header: float = 30,
        timeout_request_body: float = 60,
        min_request_body_rate: int = 0,
        timeout_write: float = 60,
        ws_accept_timeout: float = 60,
        limit_request_head: int = DEFAULT_REQUEST_HEAD,
        limit_request_fields: int = 100,
        limit_request_body: int = 0,
        limit_connections: int = 0,
        uds_permissions: int | None = None,
        forwarded_rfc7239: bool = False,
        forwarded_host: bool = False,
        forwarded_prefix: bool = False,
        timeout_loop_hang: float = 0,
        kill_hung_worker: bool = False,
        preload: bool = False,
        limit_worker_rss: int = 0,
        control_socket: str | None = None,
    ) -> None:
        self.app = app
        self.host = host
        # From an environment variable it is a string, as often as not.
        self.port = int(port)
        self.uds = uds
        self.fd = fd
        self.loop = loop
        self.http = http
        self.http2 = http2
        self.ws = ws
        self.ws_max_size = ws_max_size
        self.ws_max_queue = ws_max_queue
        self.ws_ping_interval = ws_ping_interval
        self.ws_ping_timeout = ws_ping_timeout
        self.ws_per_message_deflate = ws_per_message_deflate
        self.lifespan: str = lifespan
        self.env_file = env_file
        self.log_config = log_config
        self.log_level = log_level
        self.access_log = access_log
        self.use_colors = use_colors
        self.interface: InterfaceType = interface
        self.reload = reload
        self.reload_delay = reload_delay
        self.workers = workers or 1
        self.proxy_headers = proxy_headers
        self.server_header = server_header
        self.date_header = date_header
        self.root_path = root_path
        self.limit_concurrency = limit_concurrency
        self.limit_max_requests = limit_max_requests
        self.limit_max_requests_jitter = limit_max_requests_jitter
        self.backlog = backlog
        self.timeout_keep_alive = timeout_keep_alive
        self.timeout_notify = timeout_notify
        self.timeout_graceful_shutdown = timeout_graceful_shutdown
        self.timeout_worker_healthcheck = timeout_worker_healthcheck
        self.callback_notify = callback_notify
        self.ssl_keyfile = ssl_keyfile
        self.ssl_certfile = ssl_certfile
        self.ssl_keyfile_password = ssl_keyfile_password
        self.ssl_version = ssl_version
        self.ssl_cert_reqs = ssl_cert_reqs
        self.ssl_ca_certs = ssl_ca_certs
        self.ssl_ciphers = ssl_ciphers
        self.ssl_context_factory = ssl_context_factory
        self.headers = headers or []
        self.factory = factory
        self.h11_max_incomplete_event_size = h11_max_incomplete_event_size
        self.reset_contextvars = reset_contextvars
        self.timeout_request_header = timeout_request_header
        self.timeout_request_body = timeout_request_body
        self.min_request_body_rate = min_request_body_rate
        self.timeout_write = timeout_write
        self.ws_accept_timeout = ws_accept_timeout
        self.limit_request_head = limit_request_head
        self.limit_request_fields = limit_request_fields
        self.limit_request_body = limit_request_body
        self.limit_connections = limit_connections
        self.uds_permissions: int | None = uds_permissions
        self.forwarded_rfc7239 = forwarded_rfc7239
        self.forwarded_host = forwarded_host
        self.forwarded_prefix = forwarded_prefix
        self.timeout_loop_hang = timeout_loop_hang
        self.kill_hung_worker = kill_hung_worker
        self.preload = preload
        self.limit_worker_rss = limit_worker_rss
        self.control_socket = control_socket

        self.encoded_headers: list[tuple[bytes, bytes]] = []
        self.loaded_app: Any = None
        self.loaded = False
        self.ssl: ssl.SSLContext | None = None
        self._check()
        if h11_max_incomplete_event_size and limit_request_head == DEFAULT_REQUEST_HEAD:
            self.limit_request_head = h11_max_incomplete_event_size

        self.configure_logging()
        # 6.4 belongs to the reload part: here they are kept as they came.
        self.reload_dirs = _listed(reload_dirs)
        self.reload_includes = _listed(reload_includes)
        self.reload_excludes = _listed(reload_excludes)
        self.reload_dirs_excludes: list[Path] = []
        if (reload_dirs or reload_includes or reload_excludes) and not self.should_reload:
            logger.warning(
                "Current configuration will not reload as not all conditions are met, please refer "
                "to documentation."
            )
        if env_file is not None:
            load_env_file(env_file)
        # From here on: the file may set these.
        if workers is None:
            self.workers = web_concurrency()
        self.forwarded_allow_ips: list[str] | str = (
            allowed_proxies() if forwarded_allow_ips is None else forwarded_allow_ips
        )
        if self.reload and self.workers > 1:
            logger.warning('"workers" flag is ignored when reloading is enabled.')

    @property
    def asgi_version(self) -> Literal["2.0", "3.0"]:
        """The ASGI version of the application; known once `load` has seen it."""
        versions: dict[str, Literal["2.0", "3.0"]] = {"asgi2": "2.0", "asgi3": "3.0", "wsgi": "3.0"}
        return versions[self.interface]

    @property
    def is_ssl(self) -> bool:
        """Whether connections are encrypted."""
        return bool(self.ssl_keyfile or self.ssl_certfile or self.ssl_context_factory)

    @property
    def use_subprocess(self) -> bool:
        """Whether another process than this one serves."""
        return bool(self.reload or self.workers > 1)

    @property
    def should_reload(self) -> bool:
        """Whether a change of files restarts the application, which takes an import string."""
        return isinstance(self.app, str) and self.reload

    @property
    def trusted_hosts(self) -> list[str]:
        """`forwarded_allow_ips` as a list of addresses, networks and literals."""
        hosts = self.forwarded_allow_ips
        names = hosts.split(",") if isinstance(hosts, str) else hosts
        return [name.strip() for name in names if name.strip()]

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
        # A server by itself neither reloads nor multiplies, under uvicorn as well.
        self.refuse_unavailable(reload=False, workers=1)
        fields = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self.headers
        ]
        if self.server_header and b"server" not in dict(fields):
            fields.insert(0, (b"server", b"rsgi"))
        self.encoded_headers = fields
        self.lifespan_class = import_from_string(LIFESPAN[self.lifespan])
        app = self._called_if_factory(self.load_app())
        if self.interface == "auto":
            self.interface = detect_interface(app)
        self.loaded_app = adapt(app, self.interface)
        self.loaded = True

    def refuse_unavailable(self, **assumed: Any) -> None:
        """Raises `ConfigError` if an option asks for what this version does not have.

        Args:
            assumed: options whose values do not matter, and what to take them for.
        """
        check_available(vars(self) | assumed)
        if self.ssl_context_factory is not None:
            raise ConfigError("ssl_context_factory is not available yet: rsgi has no TLS so far.")

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:  # uvicorn's name
        """What makes the event loop of `Server.run`."""
        try:
            factory = import_from_string(LOOP_FACTORIES.get(self.loop, self.loop))
        except ImportFromStringError as exc:
            logger.error("Error loading custom loop setup function. %s", exc)
            sys.exit(STARTUP_FAILURE)
        made: Callable[[], asyncio.AbstractEventLoop] = factory or asyncio.new_event_loop
        return made

    def bind_socket(self) -> socket.socket:
        """The configured address as one socket, for programs that hand it to their processes."""
        return binding.bind_socket(self)

    def setup_event_loop(self) -> None:
        """Not there, as in uvicorn since 0.36."""
        raise AttributeError("Config.setup_event_loop was replaced by Config.get_loop_factory.")

    def _check(self) -> None:
        # Told here, where the operator still sees which option it was.
        level = self.log_level
        level_name = level.lower() if isinstance(level, str) else None
        check_values(vars(self) | {"log_level": level_name})
        for name, value in self.headers:
            check_header(name, value)
        mode = self.uds_permissions
        if mode is not None and not 0 <= mode <= 0o777:
            # Above all 666, the decimal number, in place of 0o666.
            raise ConfigError(f"uds_permissions must be 0-0o777: {mode:#o}")

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


def _listed(values: list[str] | str | None) -> list[str]:
    return [values] if isinstance(values, str) else list(values or ())
