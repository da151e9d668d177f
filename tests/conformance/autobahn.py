"""`python -m tests.conformance.autobahn`: the Autobahn testsuite against an echo application.

Starts the server as a user does, runs the cases, and compares their outcomes with
autobahn-outcomes.txt. Fails if one has changed or did not pass, or if the server took a peer's
fault for its own: a peer must not be able to end it, or to fill its log with errors.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections import ChainMap
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

from tests.conformance import outcomes
from tests.conformance.fuzzing_client import FuzzingClient, FuzzingClientError
from tests.conformance.outcomes import Outcomes
from tests.process.command import Command

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = Path(__file__).with_name("autobahn-outcomes.txt")
WSTEST = ROOT / ".venv-autobahn" / "bin" / "wstest"
REPORTS = ROOT / "target" / "autobahn"
# No options but these: what is tested is what users have.
SERVERS = {"rsgi": "rsgi_bridge", "uvicorn": "uvicorn"}
ECHO = ["tests.conformance.echo:app", "--app-dir", str(ROOT), "--port", "0"]
# Two clients at once, because theirs is most of the work, and half of it is here and half there.
HALVES = {
    "12": ["12.*"],
    "others": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "13.*"],
}
HEADER = """\
# What the Autobahn testsuite finds, case by case: how the messages went, how the connection ended.
# Written by `make conformance ARGS=--update`.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.autobahn")
    parser.add_argument("cases", nargs="*", default=["*"], help="such as '6.*'; all by default")
    parser.add_argument("--server", choices=SERVERS, default="rsgi")
    parser.add_argument("--update", action="store_true", help=f"write {EXPECTED.name} anew")
    options = parser.parse_args()
    if options.update and (options.cases, options.server) != (["*"], "rsgi"):
        parser.error("--update is for all cases of rsgi")
    if not WSTEST.exists():
        return _fail(f"no {WSTEST.relative_to(ROOT)}: make conformance installs it")

    began = time.monotonic()
    try:
        seen, complaints = run(options.server, options.cases)
    except FuzzingClientError as error:
        return _fail(str(error))
    if options.update:
        EXPECTED.write_text(HEADER + outcomes.render(seen), encoding="utf-8")
        print(f"Written: {EXPECTED.relative_to(ROOT)}")
    else:
        complaints += changed(seen, options.cases)
    failed = outcomes.failures(seen)
    _print("Not passed:", failed)
    print(f"{len(seen)} cases in {time.monotonic() - began:.0f} s: {outcomes.counts(seen)}.")
    print(f"What each did is in {REPORTS.relative_to(ROOT)}/*/index.html.")
    return 1 if complaints or failed or not seen else 0


def run(server: str, cases: list[str]) -> tuple[Outcomes, list[str]]:
    """The outcomes, and what the server did that is wrong whatever they are."""
    shutil.rmtree(REPORTS, ignore_errors=True)
    parts = HALVES if cases == ["*"] else {"some": cases}
    for name in parts:
        REPORTS.joinpath(name).mkdir(parents=True)
    with (
        Command([sys.executable, "-m", SERVERS[server], *ECHO]) as command,
        ThreadPoolExecutor(len(parts)) as pool,
    ):
        port = command.port

        def run_part(name: str) -> Outcomes:
            return FuzzingClient(WSTEST, REPORTS / name).run(server, port, parts[name], Progress())

        seen = dict(ChainMap(*pool.map(run_part, parts)))
        ended = command.process.poll()
        code = command.stop(signal.SIGTERM) if ended is None else ended
    log = [*command.out.all, *command.err.all]
    (REPORTS / "server.log").write_text("\n".join([*log, ""]))
    complaints = [line for line in log if not line.startswith("INFO:")]
    _print(f"The server logged {len(complaints)} lines of faults, among them:", complaints[:5])
    if ended is not None:
        complaints.append(f"The server ended with {code} before the cases did.")
        print(complaints[-1])
    return seen, complaints


class Progress:
    """Prints a line for each category of cases."""

    def __init__(self) -> None:
        self._category = ""

    def __call__(self, case: str) -> None:
        category = case.rpartition(".")[0]
        if category != self._category:
            self._category = category
            print(f"Cases {category}.*", flush=True)


def changed(seen: Outcomes, patterns: list[str]) -> list[str]:
    """What is not as in the file, of the cases that were asked for."""
    if not EXPECTED.exists():
        print(f"There is no {EXPECTED.name} to compare with: make conformance ARGS=--update")
        return ["no file"]
    expected = {
        case: outcome
        for case, outcome in outcomes.parse(EXPECTED.read_text(encoding="utf-8")).items()
        if any(fnmatchcase(case, pattern) for pattern in patterns)
    }
    changes = outcomes.changes(expected, seen)
    _print(f"Not as in {EXPECTED.name}:", changes)
    return changes


def _print(title: str, lines: list[str]) -> None:
    if lines:
        print("\n".join([title, *(f"  {line}" for line in lines)]))


def _fail(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
