"""The command `rsgi` and the function `run`: options in, a server out.

Options, their order, help texts' conventions and exit codes are uvicorn's. Knows nothing of event
loops or sockets.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
from collections.abc import Callable
from typing import Any

import click

from rsgi_bridge.config import (
    LOG_LEVELS,
    LOGGING_CONFIG,
    Config,
    LifespanType,
    LogConfig,
    LoopFactoryType,
)
from rsgi_bridge.server import Server, __version__

ENVIRONMENT_PREFIXES = ("RSGI", "UVICORN")


class EnvironmentOption(click.Option):
    """An option that `RSGI_<PARAMETER>` or, failing that, `UVICORN_<PARAMETER>` may set."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        # Not --version: a variable of that name pins a version in a container image, and says
        # nothing to the program.
        if self.name is None or self.name == "version":
            return None
        for prefix in ENVIRONMENT_PREFIXES:
            variable = f"{prefix}_{self.name.upper()}"
            value = os.environ.get(variable)
            if value and self.name in ("host", "port") and value.startswith("tcp://"):
                click.echo(
                    f"WARNING:  {variable}={value!r} is ignored: it is the address of a "
                    "Kubernetes service, not an option.",
                    err=True,
                )
            elif value:
                return value
        return None


# uvicorn's parameters that rsgi does not have yet. On the command line click refuses them; set by a
# variable they must not be passed over in silence: a server without its certificate is not what was
# asked for.
MISSING_PARAMETERS = [
    "fd",
    "reload",
    "reload_dirs",
    "reload_includes",
    "reload_excludes",
    "workers",
    "http2",
    "env_file",
    "log_config",
    "interface",
    "limit_concurrency",
    "limit_max_requests_jitter",
    "forwarded_allow_ips",
    "reset_contextvars",
    "ssl_keyfile",
    "ssl_certfile",
    "ssl_keyfile_password",
    "ssl_cert_reqs",
    "ssl_ca_certs",
    "ssl_ciphers",
]
NOT_ASKED_FOR = ("", "0", "f", "false", "n", "no", "off")


def refuse_missing_parameters() -> None:
    """Exits with click's usage error if a variable asks for what is not there yet."""
    for prefix in ENVIRONMENT_PREFIXES:
        for name in MISSING_PARAMETERS:
            variable = f"{prefix}_{name.upper()}"
            value = os.environ.get(variable, "").lower()
            one_worker = name == "workers" and value == "1"
            if value not in NOT_ASKED_FOR and not one_worker:
                dashed = name.replace("_", "-")
                raise click.UsageError(f"{variable} is set, but rsgi has no --{dashed} yet.")
    for variable in ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"):
        value = os.environ.get(variable, "")
        if value not in ("", "1"):
            click.echo(f"WARNING:  {variable}={value!r} has no effect yet.", err=True)


def parse_mode(ctx: click.Context, param: click.Parameter, value: str) -> int:
    try:
        mode = int(value, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise click.BadParameter(f"{value!r} is not an octal mode such as 660.")
    return mode


def print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    implementation, python = platform.python_implementation(), platform.python_version()
    click.echo(f"Running rsgi {__version__} with {implementation} {python} on {platform.system()}")
    ctx.exit()


def split_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise ValueError(f"--header takes Name:Value, not {text!r}")
    return name, value


option = functools.partial(click.option, cls=EnvironmentOption)
seconds = click.FloatRange(min=0)
count = click.IntRange(min=0)


@click.command()
@click.argument("app", envvar=[f"{prefix}_APP" for prefix in ENVIRONMENT_PREFIXES])
@option(
    "--host",
    type=str,
    default="127.0.0.1",
    help="Bind socket to this host.",
    show_default=True,
)
@option(
    "--port",
    type=int,
    default=8000,
    help="Bind socket to this port. If 0, an available port will be picked.",
    show_default=True,
)
@option("--uds", type=str, default=None, help="Bind to a UNIX domain socket.")
@option(
    "--loop",
    type=str,
    metavar="[auto|asyncio|uvloop]",
    default="auto",
    help="Event loop factory implementation.",
    show_default=True,
)
@option(
    "--lifespan",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    help="Lifespan implementation.",
    show_default=True,
)
@option(
    "--log-level",
    type=click.Choice(list(LOG_LEVELS)),
    default=None,
    help="Log level. [default: info]",
)
@option(
    "--access-log/--no-access-log",
    default=True,
    help="Enable/Disable access log.",
)
@option(
    "--use-colors/--no-use-colors",
    default=None,
    help="Enable/Disable colorized logging.",
)
@option(
    "--server-header/--no-server-header",
    default=True,
    help="Enable/Disable default Server header.",
)
@option(
    "--date-header/--no-date-header",
    default=True,
    help="Enable/Disable default Date header.",
)
@option(
    "--root-path",
    type=str,
    default="",
    help="Set the ASGI 'root_path' for applications submounted below a given URL path.",
)
@option(
    "--backlog",
    type=int,
    default=2048,
    help="Maximum number of connections to hold in backlog",
)
@option(
    "--limit-max-requests",
    type=int,
    default=None,
    help="Maximum number of requests to service before terminating the process.",
)
@option(
    "--timeout-keep-alive",
    type=int,
    default=5,
    help="Close Keep-Alive connections if no new data is received within this timeout "
    "(in seconds).",
    show_default=True,
)
@option(
    "--timeout-graceful-shutdown",
    type=int,
    default=None,
    help="Maximum number of seconds to wait for graceful shutdown.",
)
@option(
    "--header",
    "headers",
    multiple=True,
    help="Specify custom default HTTP response headers as a Name:Value pair",
)
@option(
    "--version",
    is_flag=True,
    callback=print_version,
    expose_value=False,
    is_eager=True,
    help="Display the rsgi version and exit.",
)
@option(
    "--app-dir",
    default="",
    show_default=True,
    help="Look for APP in the specified directory, by adding this to the PYTHONPATH."
    " Defaults to the current working directory.",
)
@option(
    "--factory",
    is_flag=True,
    default=False,
    help="Treat APP as an application factory, i.e. a () -> <ASGI app> callable.",
    show_default=True,
)
# From here on what uvicorn does not have.
@option(
    "--timeout-request-header",
    type=seconds,
    default=30,
    help="Seconds in which the head of a request must arrive. 0 turns it off.",
    show_default=True,
)
@option(
    "--timeout-request-body",
    type=seconds,
    default=60,
    help="Seconds that the application waits for a next byte of a request body. 0 turns it off.",
    show_default=True,
)
@option(
    "--min-request-body-rate",
    type=count,
    default=0,
    help="Bytes per second, over 10 seconds, below which a request body is timed out."
    " 0 turns it off.",
    show_default=True,
)
@option(
    "--timeout-write",
    type=seconds,
    default=60,
    help="Seconds in which the peer must take a next byte of a response. 0 turns it off.",
    show_default=True,
)
@option(
    "--limit-request-head",
    type=count,
    default=65536,
    help="Maximum number of bytes in the head of a request. 0 turns it off.",
    show_default=True,
)
@option(
    "--limit-request-fields",
    type=count,
    default=100,
    help="Maximum number of header fields in a request. 0 turns it off.",
    show_default=True,
)
@option(
    "--limit-request-body",
    type=count,
    default=0,
    help="Maximum number of bytes in a request body. 0 turns it off.",
    show_default=True,
)
@option(
    "--limit-connections",
    type=count,
    default=0,
    help="Number of open connections at which accepting pauses. 0 turns it off.",
    show_default=True,
)
@option(
    "--uds-permissions",
    type=str,
    metavar="MODE",
    callback=parse_mode,
    default="666",
    help="Permissions of the UNIX domain socket.",
    show_default=True,
)
def main(headers: tuple[str, ...], **options: Any) -> None:
    refuse_missing_parameters()
    run(headers=[split_header(header) for header in headers], **options)


def run(
    app: Callable[..., Any] | str,
    *,
    host: str | None = "127.0.0.1",
    port: int = 8000,
    uds: str | None = None,
    loop: LoopFactoryType | str = "auto",
    lifespan: LifespanType = "auto",
    log_config: LogConfig = LOGGING_CONFIG,
    log_level: str | int | None = None,
    access_log: bool = True,
    server_header: bool = True,
    date_header: bool = True,
    root_path: str = "",
    backlog: int = 2048,
    limit_max_requests: int | None = None,
    timeout_keep_alive: float = 5,
    timeout_graceful_shutdown: float | None = None,
    headers: list[tuple[str, str]] | None = None,
    use_colors: bool | None = None,
    app_dir: str | None = None,
    factory: bool = False,
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
    """Serves an application until a signal comes; exits the process if it cannot start.

    Args are those of `Config`, and:

    Args:
        app_dir: directory to import the application from, put first on `sys.path`.
    """
    if app_dir is not None:
        sys.path.insert(0, app_dir)
    config = Config(
        app,
        host=host,
        port=port,
        uds=uds,
        loop=loop,
        lifespan=lifespan,
        log_config=log_config,
        log_level=log_level,
        access_log=access_log,
        use_colors=use_colors,
        server_header=server_header,
        date_header=date_header,
        root_path=root_path,
        limit_max_requests=limit_max_requests,
        backlog=backlog,
        timeout_keep_alive=timeout_keep_alive,
        timeout_graceful_shutdown=timeout_graceful_shutdown,
        headers=headers,
        factory=factory,
        timeout_request_header=timeout_request_header,
        timeout_request_body=timeout_request_body,
        min_request_body_rate=min_request_body_rate,
        timeout_write=timeout_write,
        limit_request_head=limit_request_head,
        limit_request_fields=limit_request_fields,
        limit_request_body=limit_request_body,
        limit_connections=limit_connections,
        uds_permissions=uds_permissions,
    )
    server = Server(config)
    try:
        # A taken address is told before the import, which may be slow, and whatever is wrong with
        # the import before an event loop exists.
        server.bind()
        config.load_app()
        # The SIGINT that stopped the server is raised again when it is done.
        with contextlib.suppress(KeyboardInterrupt):
            server.run()
    finally:
        server.close()
