"""`FuzzingClient`: the Autobahn testsuite's own program, which plays the peer in every case.

It is for Python 2.7, so it runs as a process, in the environment that scripts/autobahn.sh makes.
Knows nothing of the server but its address.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.conformance.outcomes import Outcome, from_report

# For one case. The suite gives up its slowest ones after 480 seconds: this is for what escapes it.
TIME_LIMIT = 600.0
_RUNNING = re.compile(r"Running test case ID (?P<case>\S+)")


class FuzzingClientError(Exception):
    """The program did not come to its end."""


class FuzzingClient:
    """Runs cases of the suite, one after the other.

    Args:
        program: the suite's command, `wstest`.
        directory: an empty folder for its reports, `index.html` among them.
    """

    def __init__(self, program: Path, directory: Path) -> None:
        self._program = program
        self._directory = directory

    def run(
        self,
        server: str,
        port: int,
        cases: Sequence[str],
        began: Callable[[str], None] = lambda case: None,
    ) -> dict[str, Outcome]:
        """Runs every case that one of the patterns fits.

        Args:
            server: the name that the reports give to the server.
            port: where it listens, on 127.0.0.1.
            cases: patterns in the suite's form, such as `6.*`.
            began: is told each case that begins.

        Raises:
            FuzzingClientError: it failed, or a case took longer than the limit.
        """
        specification = self._directory / "fuzzingclient.json"
        specification.write_text(
            json.dumps(
                {
                    "outdir": str(self._directory),
                    "servers": [{"agent": server, "url": f"ws://127.0.0.1:{port}"}],
                    "cases": list(cases),
                }
            )
        )
        lines = self._run_to_its_end(specification, began)
        index = self._directory / "index.json"
        if not index.exists():
            raise FuzzingClientError("\n".join(["wstest wrote no report:", *lines[-20:]]))
        # Without an entry when no connection at all was accepted.
        return from_report(json.loads(index.read_text()).get(server, {}))

    def _run_to_its_end(self, specification: Path, began: Callable[[str], None]) -> list[str]:
        with (
            # By lines: to be looked at while it runs.
            (self._directory / "wstest.log").open("w", buffering=1) as log,
            subprocess.Popen(
                [self._program, "-m", "fuzzingclient", "-s", specification],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            ) as process,
        ):
            limit = _TimeLimit(process)
            lines = []
            case = "none"
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith("Ok, will run 0 test cases"):
                        # It would wait for the end of the first.
                        raise FuzzingClientError("there is no such case")
                    log.write(line)
                    lines.append(line.rstrip("\n")[:200])
                    if match := _RUNNING.match(line):
                        limit.start_again()
                        case = match["case"]
                        began(case)
                code = process.wait()
            except BaseException:
                process.kill()
                raise
            finally:
                limit.cancel()
        if code != 0:
            last = [f"wstest ended with {code}, its last case was {case}:", *lines[-10:]]
            raise FuzzingClientError("\n".join(last))
        return lines


class _TimeLimit:
    """Kills a process when its time is over."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._timer = self._started()

    def start_again(self) -> None:
        self.cancel()
        self._timer = self._started()

    def cancel(self) -> None:
        self._timer.cancel()

    def _started(self) -> threading.Timer:
        timer = threading.Timer(TIME_LIMIT, self._process.kill)
        timer.daemon = True
        timer.start()
        return timer
