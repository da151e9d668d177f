"""Builds and runs the WebSocket client of websocket_client/ and reads its figures. Knows no server.

The client opens its connections once, and then does what it is told on them: a warm-up and what is
measured meet the same connections, and no handshake is in the figures.
"""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from load import Load, LoadError, UnsupportedError

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "target" / "websocket_client"
PROGRAM = TARGET / "release" / "websocket-client"

# The client gives up by itself after ten seconds without any answer: this is for one that hangs.
HANG_SECONDS = 60.0
UNSUPPORTED_STATUS = 3


def build() -> None:
    """Build the client if it is not there or not up to date; end the program if that fails."""
    if shutil.which("cargo") is None:
        sys.exit("error: the WebSocket client is written in Rust: install cargo first")
    words = ["cargo", "build", "--quiet", "--release", "--locked"]
    words += ["--manifest-path", str(HERE / "websocket_client" / "Cargo.toml")]
    words += ["--target-dir", str(TARGET)]
    if subprocess.run(words, check=False).returncode != 0:
        sys.exit("error: the WebSocket client does not build")


class Client:
    """The client's process, with open connections; they close when the `with` block ends."""

    def __init__(self, arguments: Sequence[str], core: int | None = None) -> None:
        """Start it, on one core if told, and wait until the connections are open.

        Raises:
            LoadError: a handshake failed.
            UnsupportedError: the server does not offer what this load needs.
        """
        pinned = ["taskset", "-c", str(core)] if core is not None else []
        self._process = subprocess.Popen(
            [*pinned, str(PROGRAM), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self.agreed: str = self._answer(HANG_SECONDS)["agreed"]
        except BaseException:
            self._end()
            raise

    def drive(self, seconds: float) -> Load:
        """Load the server for so many seconds, and wait for the last answer."""
        return self._load(f"seconds {seconds}", seconds + HANG_SECONDS)

    def send(self, messages: int) -> Load:
        """Send so many messages, over all connections together."""
        return self._load(f"messages {messages}", 10 * HANG_SECONDS)

    def ask(self, turns: int) -> None:
        """Send so many messages on every connection, each turn together."""
        self._load(f"turns {turns}", 10 * HANG_SECONDS)

    def ping(self) -> None:
        """Have a sign of life from every connection."""
        self._command("ping", HANG_SECONDS)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _load(self, command: str, patience: float) -> Load:
        figures = self._command(command, patience)
        if not figures["answers"]:
            raise LoadError("the client saw no answer at all")
        if self.agreed and not figures["compressed"]:
            raise LoadError("the server agreed to compress, and sent everything as it is")
        return Load(
            requests=figures["answers"],
            seconds=figures["seconds"],
            p50=figures["p50_us"],
            p99=figures["p99_us"],
            cpu_seconds=figures["cpu_seconds"],
        )

    def _command(self, line: str, patience: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()
        return self._answer(patience)

    def _answer(self, patience: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        # One line for each command: there is never a second one in the buffer.
        ready, _, _ = select.select([self._process.stdout], [], [], patience)
        if not ready:
            raise LoadError(f"the client said nothing for {patience:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            self._fail()
        return json.loads(line)

    def _fail(self) -> None:
        assert self._process.stderr is not None
        reason = self._process.stderr.read().strip()
        if self._process.wait() == UNSUPPORTED_STATUS:
            raise UnsupportedError(reason)
        raise LoadError(f"the client ended with status {self._process.returncode}: {reason}")

    def _end(self) -> None:
        self._process.kill()  # it has nothing to tidy up, and the servers are used to such peers
        self._process.communicate()
