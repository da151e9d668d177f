"""`Command`: a server process, its two output streams line by line, and its end.

Knows nothing of HTTP. Every wait has a limit and says what did come instead.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
PATIENCE = 20.0  # seconds; for a loaded machine


class Lines:
    """One output stream of a process, read to its end by a thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.all: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def wait(self, text: str, times: int = 1) -> str:
        """The first line that contains a text, once there are so many of them."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while True:
                found = [line for line in self.all if text in line]
                if len(found) >= times:
                    return found[0]
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise AssertionError(f"no line with {text!r}, but: {self.all}")
                self._changed.wait(left)

    def rest(self) -> list[str]:
        """Every line, once the stream has ended."""
        self._thread.join(PATIENCE)
        return self.all

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            # Bytes, because text would make a lone CR look like the end of a line.
            for line in stream:
                with self._changed:
                    self.all.append(line.decode("utf-8", "surrogateescape").removesuffix("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Command:
    """Runs a program until the `with` block ends; kills what is still there then.

    Args:
        arguments: the program and its arguments.
        environment: variables beside the test's own ones.
        cwd: its current directory.
        pass_fds: descriptors that it inherits under their numbers.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RSGI_", "UVICORN_", "LISTEN_", "NOTIFY_", "WATCHDOG_"))
        }
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=inherited | dict(environment or {}),
            cwd=cwd,
            pass_fds=pass_fds,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.out.rest()
        self.err.rest()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        """The port of the running line; waits for it."""
        running = re.search(r"http://.*:(\d+)", self.err.wait("running on"))
        assert running is not None
        return int(running[1])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code; negative for the signal that ended the process."""
        code = self.process.wait(PATIENCE)
        self.out.rest()
        self.err.rest()
        return code

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Sends a signal and waits for the end."""
        self.send_signal(number)
        return self.wait()


def server_arguments(app: str, *options: str) -> list[str]:
    """How a test starts an application of `served.py`, on a port that the kernel chooses."""
    python = [sys.executable, "-W", "always::ResourceWarning", "-m", "rsgi_bridge"]
    return [*python, app, "--port", "0", "--app-dir", str(HERE), *options]
