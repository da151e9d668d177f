"""What a tree of processes costs, read from /proc (Linux). Starts and ends nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

# Positions in /proc/PID/stat counted from the field after the command's name, see proc(5).
PARENT, USER, SYSTEM, REAPED_USER, REAPED_SYSTEM = 1, 11, 12, 13, 14


@dataclass(frozen=True)
class ProcessTree:
    """A process and all its descendants, looked up anew at every question."""

    root: int

    def pids(self) -> list[int]:
        """The root first, then its descendants."""
        parents = {}
        for directory in PROC.iterdir():
            if directory.name.isdigit() and (fields := _stat(int(directory.name))):
                parents[int(directory.name)] = int(fields[PARENT])
        found = [self.root]
        for pid in found:  # grows while it is walked: breadth first
            found.extend(child for child, parent in parents.items() if parent == pid)
        return found

    def cpu_seconds(self) -> float:
        """User and system time, with that of children that have ended; steps of one tick."""
        ticks = 0
        for pid in self.pids():
            if fields := _stat(pid):
                ticks += sum(int(fields[i]) for i in (USER, SYSTEM, REAPED_USER, REAPED_SYSTEM))
        return ticks / TICKS_PER_SECOND

    def peak_rss_bytes(self) -> int:
        """The sum of the peaks; pages that processes share are counted once for each of them."""
        return sum(_kibibytes(PROC / str(pid) / "status", "VmHWM:") for pid in self.pids()) * 1024

    def pss_bytes(self) -> int:
        """Memory held now, a shared page divided among those who share it."""
        files = (PROC / str(pid) / "smaps_rollup" for pid in self.pids())
        return sum(_kibibytes(file, "Pss:") for file in files) * 1024


def core_busy_seconds(core: int) -> float:
    """Time that one core has spent on anything at all since boot, stolen time included."""
    for line in (PROC / "stat").read_text().splitlines():
        label, *fields = line.split()
        if label == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
            return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
    raise ValueError(f"no core {core} in /proc/stat")


def _stat(pid: int) -> list[str]:
    """The fields after the command's name, which may itself hold spaces; empty once it is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _kibibytes(file: Path, label: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(label)), 0)
