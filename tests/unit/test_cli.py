"""cli.py: options, their environment names, the help, and what `run` makes of them."""

from __future__ import annotations

import inspect
import platform
import sys

import click
import pytest
from click.testing import CliRunner

import rsgi_bridge
from rsgi_bridge import Config, Server, cli

# uvicorn 0.54's order of declaration, as far as this server has its options; then our own.
OPTIONS = [
    "--host",
    "--port",
    "--uds",
    "--loop",
    "--lifespan",
    "--log-level",
    "--access-log",
    "--use-colors",
    "--server-header",
    "--date-header",
    "--root-path",
    "--backlog",
    "--limit-max-requests",
    "--timeout-keep-alive",
    "--timeout-graceful-shutdown",
    "--header",
    "--version",
    "--app-dir",
    "--factory",
    "--timeout-request-header",
    "--timeout-request-body",
    "--min-request-body-rate",
    "--timeout-write",
    "--limit-request-head",
    "--limit-request-fields",
    "--limit-request-body",
    "--limit-connections",
    "--uds-permissions",
]


@pytest.fixture
def invoke(monkeypatch):
    """Runs the command with `run` replaced; returns what `run` was called with, or the failure."""

    def invoke(*arguments, **environment):
        called = {}

        def run(app, **options):
            called.update(app=app, **options)

        monkeypatch.setattr(cli, "run", run)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(cli.main, arguments, prog_name="rsgi")
        return called if called else result

    return invoke


def defaults(function):
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not parameter.empty
    }


def test_public_names():
    assert set(rsgi_bridge.__all__) == {"Config", "Server", "__version__", "main", "run"}
    assert rsgi_bridge.run is cli.run
    assert rsgi_bridge.main is cli.main


def test_run_takes_what_config_takes():
    assert defaults(cli.run) == defaults(Config) | {"app_dir": None}
    parameters = inspect.signature(cli.run).parameters.values()
    assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == ["app"]


def test_command_defaults_are_those_of_run(invoke):
    expected = defaults(cli.run) | {"app": "main:app", "app_dir": "", "headers": []}
    del expected["log_config"]  # no option of the command so far
    assert invoke("main:app") == expected


def test_options_are_declared_in_uvicorns_order():
    declared = [p.opts[0] for p in cli.main.params if isinstance(p, click.Option)]
    assert declared == OPTIONS


def test_help_is_one_flat_list_in_order(invoke):
    result = invoke("--help")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Usage: rsgi [OPTIONS] APP"
    shown = [line.split()[0].split("/")[0].rstrip(",") for line in lines if line.startswith("  --")]
    assert shown == [*OPTIONS, "--help"]


def test_version_is_told_on_standard_output(invoke):
    result = invoke("--version")
    assert (result.exit_code, result.stdout) == (
        0,
        f"Running rsgi {rsgi_bridge.__version__} with {platform.python_implementation()} "
        f"{platform.python_version()} on {platform.system()}\n",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Error: Missing argument 'APP'."),
        (("main:app", "more"), "unexpected extra argument"),
        (("main:app", "--no-such-option"), "No such option"),
        (("main:app", "-h"), "No such option"),
        (("main:app", "--port", "http"), "is not a valid integer"),
        (("main:app", "--lifespan", "maybe"), "'maybe' is not one of"),
        (("main:app", "--log-level", "INFO"), "'INFO' is not one of"),
        (("main:app", "--timeout-keep-alive", "0.5"), "is not a valid integer"),
        (("main:app", "--timeout-write", "-1"), "is not in the range"),
        (("main:app", "--limit-connections", "-1"), "is not in the range"),
        (("main:app", "--uds-permissions", "888"), "'888' is not an octal mode such as 660."),
        (("main:app", "--uds-permissions", "1777"), "'1777' is not an octal mode such as 660."),
    ],
)
def test_wrong_usage_exits_2(invoke, arguments, words):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert words.lower() in result.output.lower()


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--port", "0"], "port", 0),
        (["--no-access-log"], "access_log", False),
        (["--use-colors"], "use_colors", True),
        (["--no-use-colors"], "use_colors", False),
        (["--header", "X-A: b", "--header", "c:d:e"], "headers", [("X-A", " b"), ("c", "d:e")]),
        (["--factory"], "factory", True),
        (["--timeout-graceful-shutdown", "7"], "timeout_graceful_shutdown", 7),
        (["--timeout-write", "0.5"], "timeout_write", 0.5),
        (["--uds-permissions", "0600"], "uds_permissions", 0o600),
    ],
)
def test_option_reaches_run(invoke, arguments, name, value):
    assert invoke("main:app", *arguments)[name] == value


def test_header_without_a_colon_is_told(invoke):
    # uvicorn's exit code: the exception is not handled.
    result = invoke("main:app", "--header", "X-A")
    assert result.exit_code == 1
    assert str(result.exception) == "--header takes Name:Value, not 'X-A'"


# --- Environment ---


@pytest.mark.parametrize("prefix", ["RSGI", "UVICORN"])
@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("HOST", "::1", "host", "::1"),
        ("PORT", "9000", "port", 9000),
        ("HEADERS", "a:b c:d", "headers", [("a", "b"), ("c", "d")]),
        ("HEADER", "a:b", "headers", []),
        ("ACCESS_LOG", "false", "access_log", False),
        ("ACCESS_LOG", "No", "access_log", False),
        ("NO_ACCESS_LOG", "true", "access_log", True),
        ("FACTORY", "1", "factory", True),
        ("HOST", "", "host", "127.0.0.1"),
        ("LIMIT_CONNECTIONS", "5", "limit_connections", 5),
        ("VERSION", "1.2.3", "port", 8000),
    ],
)
def test_environment_sets_options(invoke, prefix, variable, text, name, value):
    assert invoke("main:app", **{f"{prefix}_{variable}": text})[name] == value


def test_application_may_come_from_the_environment(invoke):
    assert invoke(UVICORN_APP="theirs:app")["app"] == "theirs:app"
    assert invoke(UVICORN_APP="theirs:app", RSGI_APP="ours:app")["app"] == "ours:app"


def test_own_environment_wins_over_uvicorns_and_the_flag_over_both(invoke):
    both = {"RSGI_PORT": "1", "UVICORN_PORT": "2"}
    assert invoke("main:app", **both)["port"] == 1
    assert invoke("main:app", "--port", "3", **both)["port"] == 3


def test_boolean_that_is_no_word_exits_2(invoke):
    result = invoke("main:app", RSGI_ACCESS_LOG="maybe")
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("environment", "port"),
    [
        ({"RSGI_PORT": "tcp://10.0.0.1:80"}, 8000),
        ({"RSGI_PORT": "tcp://10.0.0.1:80", "UVICORN_PORT": "9000"}, 9000),
    ],
)
def test_address_of_a_kubernetes_service_is_ignored(invoke, environment, port):
    assert invoke("main:app", **environment)["port"] == port


def test_address_of_a_kubernetes_service_is_warned_of(monkeypatch, capsys):
    monkeypatch.setattr(cli, "run", lambda app, **options: None)
    monkeypatch.setenv("RSGI_HOST", "tcp://10.0.0.1:80")
    cli.main(["main:app"], standalone_mode=False)
    assert capsys.readouterr().err == (
        "WARNING:  RSGI_HOST='tcp://10.0.0.1:80' is ignored: it is the address of a Kubernetes "
        "service, not an option.\n"
    )


# --- run ---


@pytest.fixture
def life(monkeypatch):
    """What `run` does with the server, in order; nothing is served."""
    calls = []
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(Server, "bind", lambda self: calls.append("bind"))
    monkeypatch.setattr(Config, "load_app", lambda self: calls.append("load_app"))
    monkeypatch.setattr(Server, "run", lambda self: calls.append("run"))
    monkeypatch.setattr(Server, "close", lambda self: calls.append("close"))
    return calls


def test_run_binds_then_imports_then_serves(life):
    # O24
    cli.run("main:app", log_config=None)
    assert life == ["bind", "load_app", "run", "close"]


def test_run_gives_the_socket_back_if_the_import_fails(life, monkeypatch):
    def load_app(self):
        raise SyntaxError

    monkeypatch.setattr(Config, "load_app", load_app)
    with pytest.raises(SyntaxError):
        cli.run("main:app", log_config=None)
    assert life == ["bind", "close"]


def test_run_returns_after_an_interrupt(life, monkeypatch):
    def run(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "run", run)
    cli.run("main:app", log_config=None)
    assert life == ["bind", "load_app", "close"]


@pytest.mark.parametrize("directory", ["", "/somewhere"])
def test_run_puts_the_directory_first_on_the_path(life, directory):
    cli.run("main:app", app_dir=directory, log_config=None)
    assert sys.path[0] == directory


def test_run_leaves_the_path_alone_by_default(life):
    before = sys.path[:]
    cli.run("main:app", log_config=None)
    assert sys.path == before


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("UVICORN_SSL_CERTFILE", "/cert.pem"),
        ("UVICORN_WORKERS", "4"),
        ("RSGI_RELOAD", "true"),
        ("UVICORN_LOG_CONFIG", "log.json"),
    ],
)
def test_variable_for_a_missing_option_is_refused(invoke, variable, value):
    result = invoke("main:app", **{variable: value})
    assert result.exit_code == 2
    assert f"{variable} is set, but rsgi has no --" in result.stderr


@pytest.mark.parametrize(
    ("variable", "value"), [("UVICORN_WORKERS", "1"), ("UVICORN_RELOAD", "false")]
)
def test_variable_that_asks_for_nothing_is_borne(invoke, variable, value):
    assert invoke("main:app", **{variable: value})["app"] == "main:app"
