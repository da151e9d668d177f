"""How a server that cannot start ends: one line or a traceback, and uvicorn's exit code (U1.4)."""

from __future__ import annotations

import socket
import sys

import pytest

from tests.process.command import HERE
from tests.process.peer import fetch


@pytest.fixture
def start(command):
    """Starts any import string, on a free port: `start("module:app", cwd=...)`."""

    def start(app, *options, **context):
        arguments = [sys.executable, "-m", "rsgi_bridge", app, "--port", "0", *options]
        return command(arguments, **context)

    return start


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("served", 'Import string "served" must be in format "<module>:<attribute>".'),
        ("no_such_module:app", 'Could not import module "no_such_module".'),
        ("served:nothing", 'Attribute "nothing" not found in module "served".'),
    ],
)
def test_application_that_is_not_there_exits_3(start, app, words):
    # U1.4
    server = start(app, cwd=HERE)
    assert server.wait() == 3
    assert server.err.rest() == [f"ERROR:    Error loading ASGI app. {words}"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def app(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_exception_while_importing_is_a_traceback(start, tmp_path, source, error):
    # O25
    (tmp_path / "broken.py").write_text(source)
    server = start("broken:app", cwd=tmp_path)
    assert server.wait() == 1
    lines = server.err.rest()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith(error)


def test_factory_that_takes_arguments_exits_3(rsgi):
    # U1.4
    server = rsgi("needy_factory", "--factory")
    assert server.wait() == 3
    (line,) = server.err.rest()
    assert line.startswith("ERROR:    Error loading ASGI app factory: needy_factory() missing 1")


def test_exception_of_a_factory_is_a_traceback(rsgi):
    # U1.4
    server = rsgi("failing_factory", "--factory")
    assert server.wait() == 1
    assert server.err.rest()[-1] == "LookupError: no settings"


def test_failed_startup_exits_3(rsgi):
    # ASGI-94, FLT-C24
    server = rsgi("failing_startup")
    assert server.wait() == 3
    assert server.err.rest()[1:] == [
        "INFO:     Waiting for application startup.",
        "ERROR:    no database",
        "ERROR:    Application startup failed. Exiting.",
    ]


def test_exception_in_startup_exits_3_if_lifespan_is_on(rsgi):
    # U1.4
    server = rsgi("without_lifespan", "--lifespan", "on")
    assert server.wait() == 3
    lines = server.err.rest()
    assert lines[2] == "ERROR:    Exception in 'lifespan' protocol"
    assert "RuntimeError: what is a lifespan?" in lines
    assert lines[-1] == "ERROR:    Application startup failed. Exiting."


def test_failed_application_shutdown_exits_0(rsgi):
    # O23
    server = rsgi("failing_shutdown")
    server.err.wait("running on")
    assert server.stop() == 0
    assert "ERROR:    disk full" in server.err.rest()
    assert "ERROR:    Application shutdown failed. Exiting." in server.err.rest()


def test_taken_port_exits_3_before_the_import(start, tmp_path):
    # O24, FLT-D10
    (tmp_path / "tell.py").write_text("print('imported')")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start("tell:app", "--port", str(port), cwd=tmp_path)
        assert server.wait() == 3
    assert server.out.rest() == []
    (line,) = server.err.rest()
    assert line.startswith("ERROR:    [Errno ")
    assert line.endswith(
        f"error while attempting to bind on address ('127.0.0.1', {port}): address already in use"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_host_that_is_not_ours_exits_3(rsgi, host):
    # U1.4
    server = rsgi("app", "--host", host)
    assert server.wait() == 3
    (line,) = server.err.rest()
    assert line.startswith("ERROR:    [Errno ")


def test_port_out_of_range_exits_1(rsgi):
    # U1.4
    server = rsgi("app", "--port", "70000")
    assert server.wait() == 1
    (line,) = server.err.rest()
    assert line.endswith("port must be 0-65535, not 70000")


def test_unknown_loop_exits_3(rsgi):
    # U1.4
    server = rsgi("app", "--loop", "nope")
    assert server.wait() == 3
    assert server.err.rest() == [
        "ERROR:    Error loading custom loop setup function. "
        'Import string "nope" must be in format "<module>:<attribute>".'
    ]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("no colon", "--header takes Name:Value, not 'no colon'."),
        ("in valid: name", "header name 'in valid' is not a token"),
        ("name: a\nb", "header 'name' has a control character in its value: ' a\\nb'"),
        ("name: \u20ac", "header 'name' has characters that are not in Latin-1"),
    ],
)
def test_header_that_cannot_be_sent_exits_1(rsgi, header, line):
    # U1.4
    server = rsgi("app", "--header", header)
    assert server.wait() == 1
    assert server.err.rest() == [f"Error: {line}"]


def test_web_concurrency_that_is_no_number_exits_1(rsgi):
    # U1.1, U1.4
    server = rsgi("app", environment={"WEB_CONCURRENCY": "many"})
    assert server.wait() == 1
    assert server.err.rest() == ["Error: WEB_CONCURRENCY must be an integer: 'many'"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "Error: Missing argument 'APP'."),
        (["served:app", "other:app"], "Error: Got unexpected extra argument (other:app)"),
        (["served:app", "--interface", "asgi4"], "Error: Invalid value for '--interface': "),
        (["served:app", "--http", "nope"], "Error: Invalid value for '--http': 'nope' is not one"),
        (["served:app", "--ws", "some:Protocol"], "Error: Invalid value for '--ws': "),
        (["served:app", "--timeout-keep-alive", "-1"], "Error: Invalid value for '--timeout-keep"),
    ],
)
def test_wrong_usage_exits_2(command, options, line):
    # U1.4
    server = command([sys.executable, "-m", "rsgi_bridge", *options])
    assert server.wait() == 2
    usage, advice, empty, error = server.err.rest()
    assert usage == "Usage: python -m rsgi_bridge [OPTIONS] APP"
    assert (advice, empty) == ("Try 'python -m rsgi_bridge --help' for help.", "")
    assert error.startswith(line)


@pytest.mark.parametrize(
    ("options", "environment", "line"),
    [
        (["--reload"], {}, "--reload is not available yet: rsgi has no reloading so far."),
        (
            ["--workers", "2"],
            {},
            "--workers is not available yet: rsgi has no worker processes so far.",
        ),
        (
            ["--ssl-certfile", "a"],
            {},
            "--ssl-certfile is not available yet: rsgi has no TLS so far.",
        ),
        (["--http2"], {}, "--http2 is not available yet: rsgi has no HTTP/2 so far."),
        (
            [],
            {"UVICORN_SSL_KEYFILE": "a"},
            "--ssl-keyfile is not available yet: rsgi has no TLS so far.",
        ),
    ],
)
def test_option_of_what_is_not_there_yet_exits_2(start, options, environment, line):
    server = start("no_such_module:app", *options, environment=environment)
    assert server.wait() == 2
    assert server.err.rest() == [f"Error: {line}"]


@pytest.mark.parametrize("option", ["reload=True", "workers=2"])
def test_application_object_cannot_be_reloaded_nor_multiplied(command, option):
    # U1.4
    program = f"import rsgi_bridge; from served import app; rsgi_bridge.run(app, {option})"
    server = command([sys.executable, "-c", program], cwd=HERE)
    assert server.wait() == 3
    assert server.err.rest() == [
        "WARNING:  You must pass the application as an import string to enable 'reload' or "
        "'workers'."
    ]


def test_limit_of_requests_exits_0(rsgi, loop_name):
    # U1.4
    server = rsgi("app", "--limit-max-requests", "2", "--loop", loop_name)
    port = server.port
    for _ in range(2):
        assert fetch(port) == b"served"
    assert server.wait() == 0
    lines = server.err.rest()
    assert "INFO:     Maximum request limit of 2 exceeded. Terminating process." in lines
    assert lines[-1] == f"INFO:     Finished server process [{server.pid}]"
