"""How a server that cannot start ends: one line or a traceback, and uvicorn's exit code."""

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
    server = rsgi("needy_factory", "--factory")
    assert server.wait() == 3
    (line,) = server.err.rest()
    assert line.startswith("ERROR:    Error loading ASGI app factory: needy_factory() missing 1")


def test_exception_of_a_factory_is_a_traceback(rsgi):
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
    server = rsgi("app", "--host", host)
    assert server.wait() == 3
    (line,) = server.err.rest()
    assert line.startswith("ERROR:    [Errno ")


def test_port_out_of_range_exits_3(rsgi):
    server = rsgi("app", "--port", "70000")
    assert server.wait() == 3
    (line,) = server.err.rest()
    assert line.endswith("port must be 0-65535, not 70000")


def test_unknown_loop_exits_3(rsgi):
    server = rsgi("app", "--loop", "nope")
    assert server.wait() == 3
    assert server.err.rest() == [
        "ERROR:    Error loading custom loop setup function. "
        'Import string "nope" must be in format "<module>:<attribute>".'
    ]


@pytest.mark.parametrize("header", ["no colon", "in valid: name", "name: a\nb"])
def test_wrong_header_is_a_traceback(rsgi, header):
    server = rsgi("app", "--header", header)
    assert server.wait() == 1
    assert any(line.startswith("ValueError: ") for line in server.err.rest())
    assert not any("running on" in line for line in server.err.rest())


def test_limit_of_requests_exits_0(rsgi, loop_name):
    server = rsgi("app", "--limit-max-requests", "2", "--loop", loop_name)
    port = server.port
    for _ in range(2):
        assert fetch(port) == b"served"
    assert server.wait() == 0
    lines = server.err.rest()
    assert "INFO:     Maximum request limit of 2 exceeded. Terminating process." in lines
    assert lines[-1] == f"INFO:     Finished server process [{server.pid}]"
