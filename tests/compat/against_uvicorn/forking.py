"""Runs a server's command many times in forks of one process that has imported it: much quicker.

`python -m tests.compat.against_uvicorn.forking PACKAGE` reads one JSON object a line and answers
with the exit code of each; `Forks` is its other end.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

PATIENCE = 20  # seconds; an alarm ends a command that does not end by itself


class Forks:
    """A process that runs the command of one package in forks of itself."""

    def __init__(self, package: str, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
            text=True,
        )

    def run(
        self, arguments: Sequence[str], environment: dict[str, str], directory: Path
    ) -> tuple[list[str], list[str], int]:
        """Runs it in a directory; both output streams and the code, negative for a signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"arguments": arguments, "environment": environment, "directory": str(directory)}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        out, err = ((directory / name).read_text().splitlines() for name in ("out", "err"))
        return out, err, code

    def close(self) -> None:
        self._process.communicate()


@contextlib.contextmanager
def forks_of(package: str, root: Path) -> Iterator[Forks]:
    forks = Forks(package, root)
    try:
        yield forks
    finally:
        forks.close()


def serve(package: str) -> None:
    """Reads orders until there are no more."""
    main = importlib.import_module(f"{package}.main").main
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(in_child(main, package, order))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def in_child(main, package, order) -> int:
    """What `python -m package` does, and the code with which it would end."""
    signal.alarm(PATIENCE)
    os.chdir(order["directory"])
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
        os.close(file)
    # Not closed: what is opened next must not get a number that libuv holds to be standard.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order["environment"])
    sys.argv = [package, *order["arguments"]]
    try:
        main(order["arguments"], prog_name=f"python -m {package}")
        return 0
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 0 if exc.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
