"""Measures how long each server takes from its command to the first answered request.

The servers take turns, so that a busy moment of the machine meets them all. Files are cached and
compiled by a run that is not counted: it is the second start that operators see. Says nothing of
what an application's own imports cost.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import options as command_line
from scenarios import SCENARIOS
from servers import HERE, Server, ServerError

REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
# Between two attempts to connect: a poll without a pause would take the server's time from it.
PAUSE_SECONDS = 0.001
PATIENCE_SECONDS = 20.0


def main() -> int:
    """Print one line for each server."""
    options = _parse()
    command_line.prepare(tools=("taskset",))
    servers = command_line.servers(options)
    core, _ = command_line.cores(options)
    times: dict[str, list[float]] = {server.name: [] for server in servers}
    with tempfile.TemporaryDirectory(prefix="load-bench-") as scratch:
        for number in range(options.rounds + 1):
            for server in servers:
                seconds = measure(server, core, Path(scratch))
                if number > 0:
                    times[server.name].append(seconds * 1000)
    print(f"{'server':<12}{'ms, least':>10}{'median':>9}{'most':>9}")
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:<12}{min(found):>10.0f}{middle:>9.0f}{max(found):>9.0f}")
    return 0


def measure(server: Server, core: int, scratch: Path) -> float:
    """Seconds from the command to the first whole answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = server.arguments(SCENARIOS["hello"], port, scratch)
    begin = time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "-c", str(core), *words],
        cwd=HERE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        start_new_session=True,
    )
    try:
        while not _answers(port):
            if process.poll() is not None:
                raise ServerError(f"{server.name} ended with status {process.returncode}")
            if time.perf_counter() - begin > PATIENCE_SECONDS:
                raise ServerError(f"{server.name} did not answer")
            time.sleep(PAUSE_SECONDS)
        return time.perf_counter() - begin
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as sock:
            sock.sendall(REQUEST)
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
    except ConnectionError:
        return False
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise ServerError(f"wrong answer: {answer[:100]!r}")
    return True


def _parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="starts of each server")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
