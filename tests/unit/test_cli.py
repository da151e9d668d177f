"""cli.py: options, their environment names, the help, and what `run` makes of them."""

from __future__ import annotations

import platform

import pytest
from click.testing import CliRunner

import rsgi_bridge
from rsgi_bridge import cli
from rsgi_bridge.config import LOGGING_CONFIG
from rsgi_bridge.exceptions import ConfigError, UnreadableError
from rsgi_bridge.options import OPTIONS
from tests.unit import surface


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


def test_command_defaults_are_those_of_run(invoke):
    # U1.1, U1.2
    given = {"app": "main:app", "app_dir": "", "headers": []}
    expected = surface.RUN | surface.OWN | given
    del expected["ssl_context_factory"]  # a function
    assert invoke("main:app") == expected


def test_help_is_one_flat_list_in_order(invoke):
    # U1.1
    result = invoke("--help")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Usage: rsgi [OPTIONS] APP"
    shown = [line.split()[0].split("/")[0].rstrip(",") for line in lines if line.startswith("  --")]
    assert shown == [*(option.flag.split("/")[0] for option in OPTIONS), "--help"]


def test_module_is_a_program_of_its_own_name(invoke):
    # U1.1
    (usage, *_) = (
        CliRunner().invoke(cli.main, ["--help"], prog_name="python -m x").stdout.split("\n")
    )
    assert usage == "Usage: python -m x [OPTIONS] APP"


def test_help_says_what_is_not_available_yet(invoke):
    shown = " ".join(invoke("--help").stdout.split())
    assert "File of the certificate chain. Not available yet." in shown


def test_version_is_told_on_standard_output(invoke):
    # U1.1
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
        (("main:app", "--rel"), "No such option"),
        (("main:app", "-h"), "No such option"),
        (("main:app", "--port", "http"), "is not a valid integer"),
        (("main:app", "--lifespan", "maybe"), "'maybe' is not one of"),
        (("main:app", "--log-level", "INFO"), "'INFO' is not one of"),
        (("main:app", "--timeout-keep-alive", "0.5"), "'0.5' is not a valid integer."),
        (("main:app", "--timeout-write", "soon"), "'soon' is not a valid float."),
        (("main:app", "--timeout-keep-alive", "-1"), "is not in the range"),
        (("main:app", "--timeout-write", "-1"), "is not in the range"),
        (("main:app", "--interface", "asgi4"), "'asgi4' is not one of"),
        (("main:app", "--http", "nope"), "'nope' is not one of"),
        (("main:app", "--ws", "nope"), "'nope' is not one of"),
        (("main:app", "--http", "some:Protocol"), "'some:Protocol' is a protocol class"),
        (("main:app", "--ws", "some:Protocol"), "'some:Protocol' is a protocol class"),
        (("main:app", "--ws-per-message-deflate"), "requires an argument"),
        (("main:app", "--ws-per-message-deflate", "maybe"), "is not a valid boolean"),
        (("main:app", "--env-file", "no-such-file"), "Path 'no-such-file' does not exist"),
        (("main:app", "--log-config", "no-such-file"), "Path 'no-such-file' does not exist"),
        (("main:app", "--reload-dir", "no-such-file"), "Path 'no-such-file' does not exist"),
        (("main:app", "--limit-connections", "-1"), "is not in the range"),
        (("main:app", "--uds-permissions", "888"), "'888' is not an octal mode such as 660."),
        (("main:app", "--uds-permissions", "1777"), "'1777' is not an octal mode such as 660."),
    ],
)
def test_wrong_usage_exits_2(invoke, arguments, words):
    # U1.4
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
        (["--fd", "3"], "fd", 3),
        (["--loop", "none"], "loop", "none"),
        (["--loop", "module:factory"], "loop", "module:factory"),
        (["--http", "h11"], "http", "h11"),
        (["--ws", "none"], "ws", "none"),
        (["--ws", "websockets-sansio"], "ws", "websockets-sansio"),
        (["--ws-per-message-deflate", "off"], "ws_per_message_deflate", False),
        (["--reload-dir", "/", "--reload-dir", "."], "reload_dirs", ["/", "."]),
        (["--reload-include", "*.html"], "reload_includes", ["*.html"]),
        (["--reload-exclude", "a", "--reload-exclude", "b"], "reload_excludes", ["a", "b"]),
        (["--interface", "wsgi"], "interface", "wsgi"),
        (["--log-config", __file__], "log_config", __file__),
        (["--no-proxy-headers"], "proxy_headers", False),
        (["--forwarded-allow-ips", "*"], "forwarded_allow_ips", "*"),
        (["--h11-max-incomplete-event-size", "9"], "h11_max_incomplete_event_size", 9),
        (["--reset-contextvars"], "reset_contextvars", True),
        (["--forwarded-rfc7239"], "forwarded_rfc7239", True),
        (["--control-socket", "/run/c"], "control_socket", "/run/c"),
    ],
)
def test_option_reaches_run(invoke, arguments, name, value):
    # U1.2
    assert invoke("main:app", *arguments)[name] == value


def test_log_config_is_uvicorns_dict_unless_a_file_is_named(invoke):
    # U1.1: the very dict, which programs change.
    assert invoke("main:app")["log_config"] is LOGGING_CONFIG


def test_header_without_a_colon_is_told(invoke):
    # U1.4: the exit code is that of uvicorn's traceback.
    result = invoke("main:app", "--header", "X-A")
    assert result.exit_code == 1
    assert result.output == "Error: --header takes Name:Value, not 'X-A'.\n"


@pytest.mark.parametrize(("error", "code"), [(ConfigError, 2), (UnreadableError, 1)])
def test_wrong_option_is_one_line(monkeypatch, error, code):
    # U1.4
    def run(app, **options):
        raise error("no such thing")

    monkeypatch.setattr(cli, "run", run)
    result = CliRunner().invoke(cli.main, ["main:app"])
    assert (result.exit_code, result.output) == (code, "Error: no such thing\n")


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
        ("RELOAD_DIRS", "/:.", "reload_dirs", ["/", "."]),
        ("RELOAD_DIR", "/", "reload_dirs", None),
        ("RELOAD_INCLUDES", "*.html  *.css", "reload_includes", ["*.html", "*.css"]),
        ("RELOAD_EXCLUDES", "a", "reload_excludes", ["a"]),
        ("RELOAD", "yes", "reload", True),
        ("RELOAD", "off", "reload", False),
        ("USE_COLORS", "T", "use_colors", True),
        ("WS_PER_MESSAGE_DEFLATE", "f", "ws_per_message_deflate", False),
        ("WORKERS", "3", "workers", 3),
        ("SSL_CERTFILE", "cert.pem", "ssl_certfile", "cert.pem"),
        ("LOG_LEVEL", "trace", "log_level", "trace"),
        ("UDS_PERMISSIONS", "660", "uds_permissions", 0o660),
    ],
)
def test_environment_sets_options(invoke, prefix, variable, text, name, value):
    # U1.1
    assert invoke("main:app", **{f"{prefix}_{variable}": text})[name] == value


def test_application_may_come_from_the_environment(invoke):
    assert invoke(UVICORN_APP="theirs:app")["app"] == "theirs:app"
    assert invoke(UVICORN_APP="theirs:app", RSGI_APP="ours:app")["app"] == "ours:app"


def test_own_environment_wins_over_uvicorns_and_the_flag_over_both(invoke):
    both = {"RSGI_PORT": "1", "UVICORN_PORT": "2"}
    assert invoke("main:app", **both)["port"] == 1
    assert invoke("main:app", "--port", "3", **both)["port"] == 3


@pytest.mark.parametrize("word", ["1", "t", "true", "y", "yes", "on", "TRUE", "Yes"])
def test_words_for_yes(invoke, word):
    # U1.1
    assert invoke("main:app", UVICORN_FACTORY=word)["factory"] is True


@pytest.mark.parametrize("word", ["0", "f", "false", "n", "no", "off", "FALSE", "No"])
def test_words_for_no(invoke, word):
    # U1.1
    assert invoke("main:app", UVICORN_ACCESS_LOG=word)["access_log"] is False


@pytest.mark.parametrize(
    ("variable", "text"),
    [("ACCESS_LOG", "maybe"), ("PORT", "http"), ("LOG_LEVEL", "INFO"), ("RELOAD_DIRS", "/:/none")],
)
def test_variable_that_cannot_be_read_exits_2(invoke, variable, text):
    # U1.1, U1.4
    assert invoke("main:app", **{f"RSGI_{variable}": text}).exit_code == 2


def test_variables_that_belong_to_others_are_not_read(invoke):
    # U1.1
    given = invoke("main:app", PORT="1", HOST="a", LOG_LEVEL="debug", WORKERS="2")
    assert [given[name] for name in ("port", "host", "log_level", "workers")] == [
        8000,
        "127.0.0.1",
        None,
        None,
    ]


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
