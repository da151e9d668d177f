"""`Contender`: one of the two servers, how it is started, and its words made neutral.

Whatever a server says of itself by name (U1.3) becomes SERVER here; observations whose name begins
with `brand/` keep it. Logger names are uvicorn's for both, and stay.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.process.command import Command

ROOT = Path(__file__).resolve().parents[3]
APPLICATIONS = "tests.compat.against_uvicorn.applications"

# What differs between two runs of one server: process ids, ports, dates, addresses of objects.
_PASSING = [
    (re.compile(r"\[\d+\]"), "[PID]"),
    (re.compile(r"(127\.0\.0\.1|\[::1\]|0\.0\.0\.0|localhost|\[::\]|//):\d+"), r"\1:PORT"),
    (re.compile(r"('127\.0\.0\.1'|'::1'|'::'), \d+"), r"\1, PORT"),
    (re.compile(r"\bdate: .*GMT$"), "date: DATE"),
    (re.compile(r" at 0x[0-9a-f]+"), " at ADDRESS"),
    (re.compile(r"\x1b\[36m\d+\x1b"), "\x1b[36mPID\x1b"),
]


@dataclass(frozen=True)
class Contender:
    """A server that is observed.

    Args:
        name: what it is called in the report.
        package: what is imported, and run by `python -m`.
        brand: the names by which it speaks of itself.
    """

    name: str
    package: str
    brand: re.Pattern[str]

    def start(
        self, *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path = ROOT
    ) -> Command:
        """Runs the command; the applications' package is importable from everywhere."""
        return self._run(["-m", self.package, *arguments], environment, cwd)

    def start_program(self, code: str) -> Command:
        """Runs a program that imports the package as `server`."""
        return self._run(["-c", f"import {self.package} as server\n{code}"], None, ROOT)

    def _run(
        self, arguments: list[str], environment: Mapping[str, str] | None, cwd: Path
    ) -> Command:
        paths = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        return Command([sys.executable, *arguments], {**paths, **(environment or {})}, cwd)

    def neutral(self, lines: Iterable[str], directory: Path | None = None) -> list[str]:
        """The lines without names, numbers of processes and ports, and the test's own paths."""
        return [self._neutral_line(line, directory) for line in lines]

    def _neutral_line(self, line: str, directory: Path | None) -> str:
        if directory is not None:
            line = line.replace(str(directory), "DIRECTORY")
        line = self.brand.sub("SERVER", line)
        for pattern, replacement in _PASSING:
            line = pattern.sub(replacement, line)
        return line.rstrip()


# Not the loggers, which are everybody's: uvicorn.error and its like, and "uvicorn" as a key.
_NO_LOGGER = r'(?!\.(error|access|asgi)\b|": \{)'
UVICORN = Contender("uvicorn", "uvicorn", re.compile(r"\b[Uu]vicorn\b" + _NO_LOGGER))
RSGI = Contender("rsgi", "rsgi_bridge", re.compile(r"\brsgi(_bridge)?\b"))


def without_frames(lines: Iterable[str]) -> list[str]:
    """Tracebacks without their frames, whose paths and lines are each server's own matter."""
    kept: list[str] = []
    for line in lines:
        if line.startswith("During handling of the above exception"):
            kept.pop()  # what was there before is no more of ours than the frames are
            continue
        is_frame = line.startswith("  ") or not line.strip(" ^~|+-")
        # The interpreter's own remarks at its end name a file and a line as well.
        is_remark = "RuntimeWarning: " in line
        if not is_frame and not is_remark and line != "Traceback (most recent call last):":
            kept.append(line)
    return kept
