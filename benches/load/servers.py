"""The servers under test: how each is started on one core, known to be ready, and ended.

Knows nothing of load or of figures. Every server gets the same application, the same loop, one
process and, unless the scenario is about it, no access log.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nginx
from scenarios import WrongAnswerError
from websocket_scenarios import AnyScenario

HERE = Path(__file__).resolve().parent
STOP_SECONDS = 5.0


class ServerError(Exception):
    """A server that does not exist here, did not start, or answered wrongly."""


@dataclass(frozen=True)
class Server:
    """A named command line.

    `{port}`, `{app}` (an attribute of apps.py, which lies in the working directory) and `{log}`
    are filled in; `{log}` becomes `log_on` or `log_off` as the scenario wants.
    """

    name: str
    command: str
    module: str | None = None
    log_on: str = "--access-log"
    log_off: str = "--no-access-log"
    write_files: Callable[[AnyScenario, int, Path], None] | None = None
    only_apps: tuple[str, ...] | None = None

    def missing(self) -> str | None:
        """What has to be installed before this server can run, or None."""
        if self.module:
            found = importlib.util.find_spec(self.module) is not None
            return None if found else f"no module {self.module} for {sys.executable}"
        program = shlex.split(self.command)[0]
        return None if shutil.which(program) else f"no program {program} on the PATH"

    def serves(self, scenario: AnyScenario) -> bool:
        """Whether the scenario asks for something this server can do at all."""
        if self.only_apps is not None:
            return scenario.app in self.only_apps
        return not scenario.access_log or "{log}" in self.command

    def arguments(self, scenario: AnyScenario, port: int, scratch: Path) -> list[str]:
        """The words of the command line for one run; writes the files that they name."""
        if self.write_files:
            self.write_files(scenario, port, scratch)
        line = self.command.format(
            port=port,
            app=scenario.app,
            log=self.log_on if scenario.access_log else self.log_off,
            python=shlex.quote(sys.executable),
            scratch=shlex.quote(str(scratch)),
        )
        return shlex.split(line)


BUILT_IN = (
    Server(
        "rsgi",
        "{python} -m rsgi_bridge apps:{app} --host 127.0.0.1 --port {port} --loop uvloop"
        " --lifespan off --log-level info {log}",
        module="rsgi_bridge",
    ),
    Server(
        "uvicorn",
        "{python} -m uvicorn apps:{app} --host 127.0.0.1 --port {port} --loop uvloop"
        " --http httptools --lifespan off --log-level info {log}",
        module="uvicorn",
    ),
    Server("nginx", nginx.COMMAND, write_files=nginx.write_files, only_apps=nginx.APPS),
    Server(
        "granian",
        "{python} -m granian apps:{app} --host 127.0.0.1 --port {port} --loop uvloop"
        " --interface asginl --workers 1 {log}",
        module="granian",
    ),
    Server(
        "hypercorn",
        "{python} -m hypercorn apps:{app} --bind 127.0.0.1:{port} --worker-class uvloop"
        " --workers 1 {log}",
        module="hypercorn",
        log_on="--access-logfile -",
        log_off="",
    ),
)


@dataclass(frozen=True)
class Running:
    """A started server that has answered rightly."""

    pid: int
    port: int


@contextmanager
def running(
    server: Server,
    scenario: AnyScenario,
    core: int,
    scratch: Path,
    wrapper: Sequence[str] = (),
    start_seconds: float = 20.0,
) -> Iterator[Running]:
    """Start the server on one core, yield it once it answers rightly, end it.

    `wrapper` goes before the server's own words: a program that watches it run.

    Raises:
        ServerError: it ended early, did not answer in time, or answered wrongly.
        UnsupportedError: it does not offer what the scenario needs.
    """
    port = _free_port()
    words = server.arguments(scenario, port, scratch)
    output = scratch / "server.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *wrapper, *words],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # The luck of a hash seed must not differ between rounds or servers.
            env={**os.environ, "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
    try:
        _await_answer(process, scenario, port, start_seconds, output)
        yield Running(process.pid, port)
    except WrongAnswerError as error:
        raise ServerError(f"wrong answer: {error}") from error
    finally:
        _stop(process)


def _await_answer(
    process: subprocess.Popen[bytes],
    scenario: AnyScenario,
    port: int,
    start_seconds: float,
    output: Path,
) -> None:
    deadline = time.monotonic() + start_seconds
    while True:
        try:
            return scenario.check(port)
        except OSError as error:
            refused = error
        if process.poll() is not None:
            raise ServerError(f"ended with status {process.returncode}\n{_tail(output)}")
        if time.monotonic() > deadline:
            raise ServerError(f"no answer in {start_seconds:.0f} s: {refused}\n{_tail(output)}")
        time.sleep(0.05)


def _tail(output: Path) -> str:
    return "\n".join(output.read_text(errors="replace").splitlines()[-15:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the session that `running` started: politely, then its whole group by force."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):  # nobody was left behind
        os.killpg(process.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
