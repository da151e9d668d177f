"""What a healthy server prints from start to stop, on which stream, and how it is started."""

from __future__ import annotations

import platform
import signal
import sys
import sysconfig
from pathlib import Path

import pytest

from rsgi_bridge import __version__
from tests.process.command import HERE
from tests.process.peer import fetch

SCRIPT = Path(sysconfig.get_path("scripts")) / "rsgi"


def start_lines(pid, port, *extra):
    return [
        f"INFO:     Started server process [{pid}]",
        "INFO:     Waiting for application startup.",
        *extra,
        "INFO:     Application startup complete.",
        f"INFO:     rsgi running on http://127.0.0.1:{port} (Press CTRL+C to quit)",
    ]


def test_lines_of_a_whole_life(rsgi, loop_name):
    server = rsgi("app", "--loop", loop_name)
    port = server.port
    assert server.stop() == 0
    assert server.err.rest() == [
        *start_lines(server.pid, port),
        "INFO:     Shutting down",
        "INFO:     Waiting for application shutdown.",
        "INFO:     Application shutdown complete.",
        f"INFO:     Finished server process [{server.pid}]",
    ]
    assert server.out.rest() == []


def test_lines_of_an_application_without_lifespan(rsgi):
    # ASGI-92
    server = rsgi("without_lifespan")
    port = server.port
    assert fetch(port) == b"served"
    server.stop()
    assert server.err.rest() == [
        *start_lines(server.pid, port, "INFO:     ASGI 'lifespan' protocol appears unsupported."),
        "INFO:     Shutting down",
        f"INFO:     Finished server process [{server.pid}]",
    ]


def test_lines_without_lifespan_messages(rsgi):
    server = rsgi("app", "--lifespan", "off")
    port = server.port
    server.stop()
    assert server.err.rest() == [
        f"INFO:     Started server process [{server.pid}]",
        f"INFO:     rsgi running on http://127.0.0.1:{port} (Press CTRL+C to quit)",
        "INFO:     Shutting down",
        f"INFO:     Finished server process [{server.pid}]",
    ]


def test_lines_in_colour(rsgi):
    server = rsgi("app", "--use-colors")
    port = server.port
    server.stop()
    prefix = "\x1b[32mINFO\x1b[0m:     "
    lines = server.err.rest()
    assert lines[0] == f"{prefix}Started server process [\x1b[36m{server.pid}\x1b[0m]"
    assert lines[3] == (
        f"{prefix}rsgi running on \x1b[1mhttp://127.0.0.1:{port}\x1b[0m (Press CTRL+C to quit)"
    )


def test_level_warning_prints_nothing(rsgi):
    # Nothing says that it is ready, so it stops by its own count of requests.
    server = rsgi("app", "--log-level", "warning", "--limit-max-requests", "0")
    assert server.wait() == 0
    assert server.err.rest() == []


@pytest.mark.skipif(not SCRIPT.exists(), reason="the script is not installed")
def test_script_serves(command):
    server = command([str(SCRIPT), "served:app", "--port", "0", "--app-dir", str(HERE)])
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGTERM) == -signal.SIGTERM


def test_application_is_looked_for_in_the_current_directory(command):
    server = command([sys.executable, "-m", "rsgi_bridge", "served:app", "--port", "0"], cwd=HERE)
    assert fetch(server.port) == b"served"


def test_environment_names_application_and_options(command):
    server = command(
        [sys.executable, "-m", "rsgi_bridge", "--app-dir", str(HERE)],
        environment={
            "UVICORN_APP": "served:factory",
            "UVICORN_FACTORY": "1",
            "UVICORN_PORT": "1",
            "RSGI_PORT": "0",
        },
    )
    assert fetch(server.port) == b"served"


def test_factory_is_called(rsgi):
    server = rsgi("factory", "--factory")
    assert fetch(server.port) == b"served"


def test_factory_without_the_flag_is_warned_of(rsgi):
    server = rsgi("factory")
    assert fetch(server.port) == b"served"
    server.err.wait("WARNING:  ASGI app factory detected. Using it, but please consider setting")


def test_address_of_a_kubernetes_service_is_ignored(rsgi):
    server = rsgi("app", environment={"RSGI_HOST": "tcp://10.0.0.1:8000"})
    server.err.wait("WARNING:  RSGI_HOST='tcp://10.0.0.1:8000' is ignored")
    assert fetch(server.port) == b"served"


def test_version_is_one_line_on_standard_output(command):
    program = command([sys.executable, "-m", "rsgi_bridge", "--version"])
    assert program.wait() == 0
    assert program.out.rest() == [
        f"Running rsgi {__version__} with CPython {platform.python_version()} "
        f"on {platform.system()}"
    ]


def test_missing_application_is_a_usage_error(command):
    program = command([sys.executable, "-m", "rsgi_bridge"])
    assert program.wait() == 2
    assert program.err.rest()[0] == "Usage: python -m rsgi_bridge [OPTIONS] APP"
    assert program.err.rest()[-1] == "Error: Missing argument 'APP'."
