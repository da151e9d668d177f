"""Runs wrk on one core against a port and reads its figures. Knows no server."""

from __future__ import annotations

import resource
import subprocess
from dataclasses import dataclass
from pathlib import Path

from load import Load, LoadError
from scenarios import Scenario

SCRIPT = Path(__file__).resolve().parent / "report.lua"
REQUEST_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Wrk:
    """wrk, to be run on one core against one port; it opens its connections in every run."""

    scenario: Scenario
    port: int
    core: int

    def drive(self, seconds: int) -> Load:
        """Load the port for so many seconds from one thread.

        Raises:
            LoadError: wrk did not end well, or counted errors.
        """
        words = ["taskset", "-c", str(self.core), "wrk", "--latency", "-t", "1"]
        words += ["-c", str(self.scenario.connections), "-d", f"{seconds}s"]
        words += ["--timeout", f"{REQUEST_TIMEOUT_SECONDS}s", "-s", str(SCRIPT)]
        words += [
            f"http://127.0.0.1:{self.port}/",
            "--",
            self.scenario.method,
            str(len(self.scenario.body)),
        ]
        before = _children_cpu_seconds()
        bound = seconds + 4 * REQUEST_TIMEOUT_SECONDS
        try:
            run = subprocess.run(words, capture_output=True, text=True, timeout=bound, check=False)
        except subprocess.TimeoutExpired as error:
            raise LoadError(f"wrk did not end within {bound} s") from error
        lines = [line for line in run.stdout.splitlines() if line.startswith("figures ")]
        if run.returncode != 0 or not lines:
            raise LoadError(f"wrk ended with status {run.returncode}: {run.stderr or run.stdout}")
        pairs = (word.split("=") for word in lines[-1].split()[1:])
        figures = {name: int(value) for name, value in pairs}
        kinds = ("connect", "read", "write", "status", "timeout")
        if errors := {kind: figures[kind] for kind in kinds if figures[kind]}:
            raise LoadError(f"wrk saw errors: {errors}")
        if not figures["requests"]:
            raise LoadError("wrk saw no answer at all")
        return Load(
            requests=figures["requests"],
            seconds=figures["microseconds"] / 1e6,
            p50=figures["p50"],
            p99=figures["p99"],
            cpu_seconds=_children_cpu_seconds() - before,
        )


def _children_cpu_seconds() -> float:
    """Of the children that have ended: between two looks, wrk is the only one."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
