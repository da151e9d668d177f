"""As process 1 of a container, which Linux spares every signal that it has no handler for.

U6.2, FLT-E16. Skipped where the system grants no namespaces of one's own.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.command import HERE
from tests.process.peer import fetch

NAMESPACES = ["unshare", "--pid", "--fork", "--mount-proc", "--map-root-user", "--kill-child"]


@pytest.fixture(scope="module", autouse=True)
def granted():
    if shutil.which(NAMESPACES[0]) is None:
        pytest.skip("no unshare")
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces")


@pytest.fixture
def first_process(command):
    """Runs the command as process 1; gives it and a function that sends it signals."""

    def start(app, directory=HERE):
        run = [sys.executable, "-m", "rsgi_bridge", app, "--port", "0", "--app-dir", str(directory)]
        server = command([*NAMESPACES, *run])

        def send(number):
            [child] = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            subprocess.run(["kill", f"-{number:d}", child], check=True)

        return server, send

    return start


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_during_the_import_ends_it(first_process, tmp_path, number):
    source = "import sys, threading\nprint('importing', file=sys.stderr, flush=True)\n"
    (tmp_path / "slow.py").write_text(source + "threading.Event().wait(20)\nraise SystemError\n")
    server, send = first_process("slow:app", tmp_path)
    server.err.wait("importing")
    send(number)
    assert server.wait() == 128 + number
    assert server.err.rest() == ["importing"]


def test_graceful_stop_ends_with_zero(first_process):
    # As under uvicorn: the signal that is raised again is nothing to process 1.
    server, send = first_process("served:app")
    assert fetch(server.port) == b"served"
    send(signal.SIGTERM)
    assert server.wait() == 0
    assert "INFO:     Application shutdown complete." in server.err.rest()
