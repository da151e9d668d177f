"""Looks at one server's package from inside a process, and prints what it sees as JSON.

`python -m tests.compat.against_uvicorn.inside PACKAGE`. Imports that one package alone.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import json
import logging
import platform
import sys
from typing import Any

from tests.compat.against_uvicorn import applications
from tests.compat.against_uvicorn.command_line import observe_command_line
from tests.compat.against_uvicorn.proxies import observe_proxies

Observed = dict[str, list[str]]

# Module below the package -> what programs import from it.
NAMES = {
    "": "run main Config Server __version__",
    "main": "main run Server Config STARTUP_FAILURE LOGGING_CONFIG logger",
    "config": "Config LOGGING_CONFIG LOG_LEVELS HTTP_PROTOCOLS WS_PROTOCOLS LIFESPAN LOOP_FACTORIES"
    " INTERFACES SSL_PROTOCOL_VERSION STARTUP_FAILURE UvicornDeprecationWarning create_ssl_context"
    " resolve_reload_patterns is_dir logger",
    "server": "Server ServerState HANDLED_SIGNALS logger",
    "logging": "TRACE_LOG_LEVEL ColourizedFormatter DefaultFormatter AccessFormatter",
    "importer": "import_from_string ImportFromStringError",
    "lifespan.on": "LifespanOn",
    "lifespan.off": "LifespanOff",
    "middleware.proxy_headers": "ProxyHeadersMiddleware _TrustedHosts",
    "middleware.asgi2": "ASGI2Middleware",
    "middleware.wsgi": "WSGIMiddleware _WSGIMiddleware build_environ",
    "middleware.message_logger": "MessageLoggerMiddleware",
    "protocols.utils": "ClientDisconnected get_client_addr get_path_with_query_string"
    " get_local_addr get_remote_addr is_ssl",
    "_types": "ASGIApplication Scope",
    "supervisors": "ChangeReload Multiprocess",
    "_subprocess": "get_subprocess subprocess_started",
    "workers": "UvicornWorker UvicornH11Worker",
}

METHODS = "run serve startup main_loop on_tick shutdown capture_signals handle_exit"

SIGNATURES = {
    "Config": "config.Config",
    "run": "main.run",
    "Server": "server.Server",
    "serve": "server.Server.serve",
    "server-run": "server.Server.run",
    "shutdown": "server.Server.shutdown",
    "startup": "server.Server.startup",
    "handle_exit": "server.Server.handle_exit",
    "import_from_string": "importer.import_from_string",
    "DefaultFormatter": "logging.DefaultFormatter",
    "AccessFormatter": "logging.AccessFormatter",
    "ProxyHeadersMiddleware": "middleware.proxy_headers.ProxyHeadersMiddleware",
    "get_path_with_query_string": "protocols.utils.get_path_with_query_string",
}


def main(package: str) -> None:
    observed: Observed = {}
    modules = Package(package)
    for observe in (
        observe_names,
        observe_signatures,
        observe_logging,
        observe_config,
        observe_interfaces,
        observe_imports,
        observe_server,
        observe_command_line,
        observe_proxies,
        observe_brand,
    ):
        observed |= observe(modules)
    print(json.dumps(observed))


class Package:
    """Imports modules and finds names below one package."""

    def __init__(self, name: str) -> None:
        self.name = name

    def module(self, name: str) -> Any:
        return importlib.import_module(f"{self.name}.{name}" if name else self.name)

    def find(self, path: str) -> Any:
        """`server.Server.run`: as much of it as is a module is imported."""
        parts = path.split(".")
        for end in range(len(parts), -1, -1):
            try:
                found = self.module(".".join(parts[:end]))
            except ModuleNotFoundError:
                continue
            for part in parts[end:]:
                found = getattr(found, part)
            return found
        raise AssertionError(path)


def observe_names(package: Package) -> Observed:
    observed: Observed = {}
    for module, names in NAMES.items():
        try:
            found = package.module(module)
        except ImportError as exc:
            observed[f"names/{module or 'package'}"] = [f"cannot be imported: {type(exc).__name__}"]
            continue
        lines = []
        for name in names.split():
            value = getattr(found, name, None)
            plain = isinstance(value, (int, str)) and name != "__version__"
            kind = value if plain else type(value).__name__
            lines.append(f"{name}: {kind if hasattr(found, name) else 'missing'}")
        observed[f"names/{module or 'package'}"] = lines
    return observed


def observe_signatures(package: Package) -> Observed:
    observed: Observed = {}
    for name, path in SIGNATURES.items():
        lines = []
        for parameter in inspect.signature(package.find(path)).parameters.values():
            default = parameter.default
            if isinstance(default, dict):
                default = "a dict"
            lines.append(f"{parameter.name} {parameter.kind.description} {default!r}")
        # Keyword-only ones have no order that a caller could depend on.
        observed[f"signature/{name}"] = sorted(lines) if name == "run" else lines
    return observed


def observe_logging(package: Package) -> Observed:
    module = package.module("logging")
    config = package.module("config").LOGGING_CONFIG
    lines = json.dumps(config, indent=1, sort_keys=True).splitlines()
    same = config is package.module("main").LOGGING_CONFIG
    observed = {"logging/config": [*lines, f"one dict: {same}"]}
    for colours in (False, True, None):
        formatter = module.DefaultFormatter("%(levelprefix)s %(message)s", use_colors=colours)
        access = module.AccessFormatter(
            '%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s',
            use_colors=colours,
        )
        lines = [repr(formatter.format(record)) for record in records()]
        lines += [repr(access.format(record)) for record in access_records()]
        observed[f"logging/formatters-{colours}"] = lines
    levels = package.module("config").LOG_LEVELS
    observed["logging/levels"] = [f"{name}: {level}" for name, level in levels.items()]
    package.module("config").Config("a:b", log_level="trace", access_log=False)
    observed["logging/configured"] = [describe_logger(name) for name in LOGGERS]
    observed["logging/configured"].append(logging.getLevelName(5))
    return observed


LOGGERS = ["uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"]


def describe_logger(name: str) -> str:
    logger = logging.getLogger(name)
    handlers = len(logger.handlers)
    return f'"{name}": {{{logger.level} {logger.propagate}, {handlers} handlers}}'


def records() -> list[logging.LogRecord]:
    made = [
        logging.makeLogRecord({"levelno": level, "levelname": name, "msg": "%s", "args": ("said",)})
        for level, name in (
            (5, "TRACE"),
            (10, "DEBUG"),
            (20, "INFO"),
            (30, "WARNING"),
            (40, "ERROR"),
            (50, "CRITICAL"),
            (25, "NOTICE"),
        )
    ]
    extra = {
        "levelno": 20,
        "levelname": "INFO",
        "msg": "plain",
        "color_message": "\x1b[1mbold\x1b[0m",
    }
    return [*made, logging.makeLogRecord(extra)]


def access_records() -> list[logging.LogRecord]:
    return [
        logging.makeLogRecord(
            {
                "levelno": 20,
                "levelname": "INFO",
                "msg": '%s - "%s %s HTTP/%s" %d',
                "args": ("1.2.3.4:5", "GET", "/a%20b?c=d", "1.1", status),
            }
        )
        for status in (101, 200, 204, 304, 404, 503, 599, 799)
    ]


def observe_config(package: Package) -> Observed:
    config = package.module("config")

    def attributes(made: Any) -> list[str]:
        return [f"{name}: {simple(value)}" for name, value in sorted(vars(made).items())]

    made = config.Config("a:b", log_config=None)
    observed = {"config/attributes": attributes(made)}
    made = config.Config(
        applications.obedient,
        log_config=None,
        headers=[("X-A", "b"), ("Server", "ours")],
        forwarded_allow_ips="10.0.0.1, ::1",
        workers=0,
    )
    before = vars(made).copy()
    made.load()
    changed = {name for name, value in vars(made).items() if before.get(name) is not value}
    observed["config/loaded"] = [
        f"{name}: {simple(value)}" for name, value in sorted(vars(made).items()) if name in changed
    ]
    observed["config/properties"] = [
        f"{name}: {getattr(made, name)!r}"
        for name in ("asgi_version", "is_ssl", "use_subprocess", "should_reload")
    ]
    observed["config/defaults-without-load"] = [raised(lambda: made.load())]
    observed["config/loops"] = [
        f"{loop}: {raised(lambda loop=loop: config.Config('a:b', loop=loop).get_loop_factory())}"
        for loop in ("auto", "asyncio", "uvloop", "none", "nope", "no_such:loop")
    ]
    return observed


def simple(value: Any) -> str:
    """Its repr, where that is the same in both servers; else what kind of thing it is."""
    if value is None or isinstance(value, (bool, int, float, str, bytes, list, tuple)):
        return repr(value)
    return "a class" if isinstance(value, type) else f"a {type(value).__name__}"


def raised(call: Any) -> str:
    try:
        result = call()
    except BaseException as exc:
        return f"{type(exc).__name__}: {exc}"
    name = getattr(result, "__name__", type(result).__name__)
    return f"returned {name}"


class ByClass:
    """An ASGI 3 application, by awaiting an instance of a class."""

    def __init__(self, scope, receive, send):
        pass

    def __await__(self):
        yield


class TwoCallClass:
    """An ASGI 2 application."""

    def __init__(self, scope):
        pass


class AsyncCall:
    async def __call__(self, scope, receive, send):
        pass


class SyncCall:
    def __call__(self, scope):
        pass


def observe_interfaces(package: Package) -> Observed:
    config = package.module("config")
    found = {
        "function": applications.obedient,
        "two calls": applications.two_calls,
        "class": ByClass,
        "class of two calls": TwoCallClass,
        "asynchronous __call__": AsyncCall(),
        "synchronous __call__": SyncCall(),
        "partial": functools.partial(applications.obedient),
        "method": AsyncCall().__call__,
        "factory": applications.factory,
        "number": 42,
    }
    lines = []
    for name, app in found.items():
        made = config.Config(app, log_config=None)
        lines.append(f"{name}: {raised(made.load)} {made.interface}")
    return {"interfaces/detected": lines}


def observe_imports(package: Package) -> Observed:
    importer = package.module("importer")
    strings = ["nothing", ":a", "a:", "no_such:a", "no.such:a", "json:no", "json:decoder.no", 7]
    return {
        "imports/messages": [
            f"{string!r}: {raised(lambda string=string: importer.import_from_string(string))}"
            for string in [*strings, "json:loads", "json:decoder.JSONDecoder"]
        ]
    }


def observe_server(package: Package) -> Observed:
    server = package.module("server").Server(
        package.module("config").Config("a:b", log_config=None)
    )
    names = "config started should_exit force_exit last_notified servers server_state lifespan"
    methods = [
        f"{name}: {inspect.iscoroutinefunction(getattr(type(server), name, None))}"
        for name in METHODS.split()
    ]
    state = server.server_state
    return {
        "server/attributes": [
            f"{name}: {simple(getattr(server, name, 'missing'))}" for name in names.split()
        ],
        "server/methods": methods,
        "server/state": [
            f"{name}: {simple(getattr(state, name, 'missing'))}"
            for name in ("total_requests", "connections", "tasks", "default_headers")
        ],
        "server/signals": [str(int(number)) for number in package.find("server.HANDLED_SIGNALS")],
        "server/threads": serve_in_a_loop(package),
    }


def serve_in_a_loop(package: Package) -> list[str]:
    """`serve` on the caller's loop, in a program that stops it by its flag."""

    async def program() -> list[str]:
        config = package.module("config").Config(
            applications.simple, port=0, log_config=None, lifespan="off"
        )
        ready = asyncio.Event()

        class Announcing(package.module("server").Server):
            async def startup(self, sockets=None):
                await super().startup(sockets=sockets)
                ready.set()

        server = Announcing(config)
        serving = asyncio.create_task(server.serve())
        await ready.wait()
        sock = server.servers[0].sockets[0]
        lines = [f"family: {sock.family.name}", f"port: {sock.getsockname()[1] > 0}"]
        server.should_exit = True
        await serving
        return [*lines, f"started: {server.started}"]

    return asyncio.run(program())


def observe_brand(package: Package) -> Observed:
    """What is not made neutral: the names by which the servers may be told apart."""
    version = package.module("").__version__
    main = package.module("main").main
    callback = next(option for option in main.params if option.name == "version")
    return {
        "brand/package": [package.name],
        "brand/version-option": [str(callback.help), *version_line(main, version)],
    }


def version_line(main: Any, version: str) -> list[str]:
    from click.testing import CliRunner

    result = CliRunner().invoke(main, ["--version"])
    python = platform.python_version()
    line = result.output.strip().replace(version, "VERSION").replace(python, "PYTHON")
    return [line, f"exit: {result.exit_code}"]


if __name__ == "__main__":
    main(sys.argv[1])
