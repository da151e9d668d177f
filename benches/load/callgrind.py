"""Counts what a server executes: runs it under valgrind's callgrind and reads the dumps it writes.

Knows no scenario and no client. User-space instructions and system calls are counted, not timed:
they come out the same on a busy machine as on a quiet one.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from processes import ProcessTree

DUMP_SECONDS = 60
NAMED = re.compile(r"(c?)fn=\((\d+)\)(?: (.*))?")
COSTS = re.compile(r"[+\-*\d]")


class CountError(Exception):
    """callgrind did not do what it was asked."""


@dataclass
class Counts:
    """What one dump, or the sum of several, says; by function: without what it calls."""

    instructions: Counter[str] = field(default_factory=Counter)
    system_calls: Counter[str] = field(default_factory=Counter)

    def update(self, other: Counts) -> None:
        """Add another dump's counts."""
        self.instructions.update(other.instructions)
        self.system_calls.update(other.system_calls)


def wrapper(directory: Path) -> list[str]:
    """The words to put before a server's own; children are followed, their files kept apart."""
    return [
        "valgrind",
        "--tool=callgrind",
        "--collect-systime=yes",
        "--trace-children=yes",
        f"--callgrind-out-file={directory}/callgrind.%p",
    ]


def dump(tree: ProcessTree, directory: Path) -> list[Path]:
    """Have every process write what it executed since its last dump; the files that hold it.

    Reading them can wait: meanwhile an idle connection would reach its time-out.

    Raises:
        CountError: a process did not answer, or wrote no dump.
    """
    files: list[Path] = []
    for pid in tree.pids():
        before = set(directory.glob(f"callgrind.{pid}.*"))
        words = ["callgrind_control", "--dump", str(pid)]
        try:
            run = subprocess.run(
                words, capture_output=True, text=True, timeout=DUMP_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise CountError(f"process {pid} did not dump within {DUMP_SECONDS} s") from error
        written = set(directory.glob(f"callgrind.{pid}.*")) - before
        if not written:
            raise CountError(f"no dump from process {pid}: {run.stdout}{run.stderr}")
        files.extend(written)
    return files


def read_all(files: Iterable[Path]) -> Counts:
    """The sum of several dumps."""
    counts = Counts()
    for file in files:
        counts.update(read(file))
    return counts


def read(file: Path) -> Counts:
    """Parse one dump (the format is in valgrind's manual, "Callgrind Format Specification").

    A function's name is given once and a number stands for it afterwards. The line after `calls=`
    holds the cost of the callee, which the callee's own lines hold already.
    """
    counts = Counts()
    names: dict[str, str] = {}
    events: list[str] = []
    function = ""
    inclusive = False
    for line in file.read_text(errors="replace").splitlines():
        if match := NAMED.match(line):
            is_callee, number, name = match.groups()
            if name:
                names[number] = name
            if not is_callee:
                function = names[number]
        elif line.startswith("events:"):
            events = line.split()[1:]
        elif line.startswith("calls="):
            inclusive = True
        elif COSTS.match(line):
            if inclusive:
                inclusive = False
                continue
            costs = dict(zip(events, map(int, line.split()[1:]), strict=False))
            counts.instructions[function] += costs.get("Ir", 0)
            if calls := costs.get("sysCount", 0):
                counts.system_calls[function] += calls
    return counts
