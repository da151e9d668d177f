"""`run`: from options to the end of serving, and with a failure to the end of the process.

Knows neither the command line nor what a server does while it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import sys
from collections.abc import Callable
from typing import Any

from rsgi_bridge import signals
from rsgi_bridge.config import (
    DEFAULT_REQUEST_HEAD,
    LOGGING_CONFIG,
    SSL_PROTOCOL_VERSION,
    STARTUP_FAILURE,
    Config,
    LogConfig,
    PathType,
    SSLContextFactory,
)
from rsgi_bridge.implementations import (
    HTTPProtocolType,
    InterfaceType,
    LifespanType,
    LoopFactoryType,
    WSProtocolType,
)
from rsgi_bridge.server import Server

logger = logging.getLogger("uvicorn.error")


def run(
    app: Callable[..., Any] | str,
    *,
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
    interface: InterfaceType = "auto",
    reload: bool = False,
    reload_dirs: list[str] | str | None = None,
    reload_includes: list[str] | str | None = None,
    reload_excludes: list[str] | str | None = None,
    reload_delay: float = 0.25,
    workers: int | None = None,
    env_file: PathType | None = None,
    log_config: LogConfig = LOGGING_CONFIG,
    log_level: str | int | None = None,
    access_log: bool = True,
    proxy_headers: bool = True,
    server_header: bool = True,
    date_header: bool = True,
    forwarded_allow_ips: list[str] | str | None = None,
    root_path: str = "",
    limit_concurrency: int | None = None,
    backlog: int = 2048,
    limit_max_requests: int | None = None,
    limit_max_requests_jitter: int = 0,
    timeout_keep_alive: float = 5,
    timeout_graceful_shutdown: float | None = None,
    timeout_worker_healthcheck: float = 5,
    ssl_keyfile: PathType | None = None,
    ssl_certfile: PathType | None = None,
    ssl_keyfile_password: str | None = None,
    ssl_version: int = SSL_PROTOCOL_VERSION,
    ssl_cert_reqs: int = ssl.CERT_NONE,
    ssl_ca_certs: PathType | None = None,
    ssl_ciphers: str | None = None,
    ssl_context_factory: SSLContextFactory | None = None,
    headers: list[tuple[str, str]] | None = None,
    use_colors: bool | None = None,
    app_dir: str | None = None,
    factory: bool = False,
    h11_max_incomplete_event_size: int | None = None,
    reset_contextvars: bool = False,
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
    """Serves an application until a signal comes; exits the process if it cannot start.

    Args are those of `Config`, and:

    Args:
        app_dir: directory to import the application from, put first on `sys.path`.

    Raises:
        ConfigError: if an option has a value that it cannot have, or asks for what is not there.
    """
    options = dict(locals())  # first of all, while nothing but the arguments is in it
    del options["app_dir"]
    if app_dir is not None:
        sys.path.insert(0, app_dir)
    config = Config(**options)
    if config.use_subprocess and not isinstance(app, str):
        logger.warning(
            "You must pass the application as an import string to enable 'reload' or 'workers'."
        )
        sys.exit(STARTUP_FAILURE)
    config.refuse_unavailable()

    server = Server(config)
    try:
        # A taken address is told before the import, which may be slow, and whatever is wrong with
        # the import before an event loop exists.
        with signals.ending_first_process():
            server.bind()
            config.load_app()
        # The SIGINT that stopped the server is raised again when it is done.
        with contextlib.suppress(KeyboardInterrupt):
            server.run()
    finally:
        server.close()
    if not server.started and not server.should_exit:
        sys.exit(STARTUP_FAILURE)
