"""Measures what an idle keep-alive connection costs each server: the growth of its PSS.

Every connection has had one answer before it is counted as idle. Says nothing about a connection
in the middle of a request.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import options as command_line
from client import Client, WrongBytesError
from processes import ProcessTree
from scenarios import SCENARIOS
from servers import Server, ServerError, running

# Shorter than any server's keep-alive time-out (5 s), longer than this one takes: after a second it
# gives an idle connection's buffers back to its allocator, two later that gives them to the system.
SETTLE_SECONDS = 3.5
# Opened and asked so many at a time: no server's accept queue overflows. The first lot fills the
# pools and caches that all share, and is not counted.
LOT = 50


def main() -> int:
    """Print one line for each server; 1 if any failed."""
    options = _parse()
    command_line.prepare(tools=("taskset",))
    servers = command_line.servers(options)
    core, _ = command_line.cores(options)
    print(f"{'server':<12}{'PSS MiB':>9}{'KiB per idle connection':>26}")
    failed = False
    for server in servers:
        try:
            before, after = measure(server, core, options.connections)
        except (ServerError, WrongBytesError, OSError) as error:
            failed = True
            print(f"FAILED {server.name}: {error}", file=sys.stderr)
            continue
        each = (after - before) / options.connections / 1024
        print(f"{server.name:<12}{before / 2**20:>9.1f}{each:>26.2f}", flush=True)
    return 1 if failed else 0


def measure(server: Server, core: int, connections: int) -> tuple[int, int]:
    """PSS in bytes before and while so many connections idle."""
    scenario = SCENARIOS["hello"]
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="load-bench-"))
        started = stack.enter_context(running(server, scenario, core, Path(scratch)))
        tree = ProcessTree(started.pid)
        stack.enter_context(Client(scenario, started.port, LOT)).ask(turns=20)
        time.sleep(SETTLE_SECONDS)
        before = tree.pss_bytes()
        crowd = []
        for _ in range(connections // LOT):
            crowd.append(stack.enter_context(Client(scenario, started.port, LOT)))
            crowd[-1].ask(turns=1)
        time.sleep(SETTLE_SECONDS)
        after = tree.pss_bytes()
        for lot in crowd:
            lot.ask(turns=1)  # raises if the server has closed any of them meanwhile
    return before, after


def _parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__ or "")
    parser.add_argument("--connections", type=int, default=2000, help="that idle")
    options = parser.parse_args()
    if options.connections < LOT or options.connections % LOT:
        parser.error(f"--connections is a multiple of {LOT}")
    return options


if __name__ == "__main__":
    sys.exit(main())
