"""Observes a click command from inside: its options, what it refuses, and what it passes to `run`.

Reads variables under uvicorn's prefix, which both servers know.
"""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any

Observed = dict[str, list[str]]

REFUSED: dict[str, tuple[list[str], dict[str, str]]] = {
    "no-app": ([], {}),
    "two-apps": (["a:b", "c:d"], {}),
    "unknown-option": (["a:b", "--rel"], {}),
    "port-word": (["a:b", "--port", "many"], {}),
    "log-level-upper-case": (["a:b", "--log-level", "INFO"], {}),
    "lifespan-unknown": (["a:b", "--lifespan", "maybe"], {}),
    "interface-unknown": (["a:b", "--interface", "cgi"], {}),
    "float-timeout": (["a:b", "--timeout-keep-alive", "0.5"], {}),
    "deflate-without-value": (["a:b", "--ws-per-message-deflate"], {}),
    "log-config-missing": (["a:b", "--log-config", "no-such-file"], {}),
    "env-file-missing": (["a:b", "--env-file", "no-such-file"], {}),
    "reload-dir-missing": (["a:b", "--reload-dir", "no-such-directory"], {}),
    "option-without-value": (["a:b", "--host"], {}),
    "boolean-variable": (["a:b"], {"UVICORN_ACCESS_LOG": "maybe"}),
    "number-variable": (["a:b"], {"UVICORN_PORT": "many"}),
    "short-help": (["-h"], {}),
}

PASSED: dict[str, tuple[list[str], dict[str, str]]] = {
    "network": (["a:b", "--host", "::1", "--port", "0", "--uds", "x", "--fd", "3"], {}),
    "parsers": (["a:b", "--loop", "asyncio", "--http", "h11", "--ws", "wsproto"], {}),
    "websockets": (
        ["a:b", "--ws-max-size", "1", "--ws-max-queue", "2", "--ws-ping-interval", "3"],
        {},
    ),
    "deflate-false": (["a:b", "--ws-per-message-deflate", "false"], {}),
    "logging": (["a:b", "--log-level", "trace", "--no-access-log", "--no-use-colors"], {}),
    "headers": (["a:b", "--header", "X-A: b", "--header", "x-c:d:e"], {}),
    "switches-off": (
        ["a:b", "--no-proxy-headers", "--no-server-header", "--no-date-header"],
        {},
    ),
    "limits": (
        [
            *["a:b", "--limit-concurrency", "1", "--limit-max-requests", "2"],
            *["--limit-max-requests-jitter", "3", "--backlog", "4"],
            *["--timeout-keep-alive", "5", "--timeout-graceful-shutdown", "6"],
        ],
        {},
    ),
    "application": (
        ["a:b", "--factory", "--app-dir", "/tmp", "--interface", "wsgi", "--lifespan", "off"],
        {},
    ),
    "proxies": (["a:b", "--forwarded-allow-ips", "*", "--root-path", "/api"], {}),
    "contextvars": (["a:b", "--reset-contextvars"], {}),
    "h11": (["a:b", "--h11-max-incomplete-event-size", "1"], {}),
    "variables": (["a:b"], {"UVICORN_HOST": "::1", "UVICORN_PORT": "1", "UVICORN_FACTORY": "yes"}),
    "variable-app": ([], {"UVICORN_APP": "c:d"}),
    "variable-and-flag": (["a:b", "--port", "2"], {"UVICORN_PORT": "1"}),
    "variable-empty": (["a:b"], {"UVICORN_PORT": "", "UVICORN_HOST": ""}),
    "variable-headers": (["a:b"], {"UVICORN_HEADERS": "X-A:1 X-B:2", "UVICORN_HEADER": "X-C:3"}),
    "variable-off": (["a:b"], {"UVICORN_ACCESS_LOG": "false", "UVICORN_NO_DATE_HEADER": "1"}),
    "variable-workers": (["a:b"], {"UVICORN_WORKERS": "1"}),
}


def observe_command_line(package: Any) -> Observed:
    main = package.module("main").main
    observed = {"command/options": [describe(parameter) for parameter in main.params]}
    observed["command/help"] = [line for line in invoke(main, ["--help"], {}) if "--" not in line][
        :3
    ]
    for name, (arguments, variables) in REFUSED.items():
        observed[f"refused/{name}"] = invoke(main, arguments, variables)
    with recorded_runs(main) as runs:
        invoke(main, ["a:b"], {})
        (defaults,) = runs
        observed["passed/defaults"] = lines_of(defaults)
        for name, (arguments, variables) in PASSED.items():
            runs.clear()
            told = invoke(main, arguments, variables)
            passed = runs[0] if runs else {}
            changed = {key: value for key, value in passed.items() if value != defaults.get(key)}
            observed[f"passed/{name}"] = [*lines_of(changed), *told]
    return observed


def describe(parameter: Any) -> str:
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    default = getattr(parameter, "default", None)
    many = " many" if parameter.multiple else ""
    # click has a mark for no default, and takes an empty tuple for one.
    default = None if "UNSET" in repr(default).upper() or default == () else default
    return f"{names} {parameter.name} {parameter.type.name}{many} {default!r}"


def lines_of(passed: dict[str, Any]) -> list[str]:
    lines = []
    for name, value in sorted(passed.items()):
        if isinstance(value, dict):
            value = "a dict"
        if name == "headers" and value:
            value = [tuple(pair) for pair in value]
        lines.append(f"{name}={value!r}")
    return lines


@contextlib.contextmanager
def recorded_runs(main: Any):
    """Replaces the `run` that the command calls."""
    runs: list[dict[str, Any]] = []

    def run(app: Any, **options: Any) -> None:
        runs.append({"app": app, **options})

    names = main.callback.__globals__
    before = names["run"]
    names["run"] = run
    try:
        yield runs
    finally:
        names["run"] = before


def invoke(main: Any, arguments: list[str], variables: dict[str, str]) -> list[str]:
    """What it prints, and its code, called as the script would."""
    said = io.StringIO()
    before = os.environ.copy()
    os.environ.update(variables)
    code: Any = 0
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main(arguments, prog_name="PROGRAM")
    except SystemExit as exc:
        code = exc.code
    finally:
        os.environ.clear()
        os.environ.update(before)
    return [*said.getvalue().splitlines(), f"exit: {code}"]
