"""Measures what an idle connection costs each server, and whether messages make it grow: its PSS.

Every connection has had one answer before it is counted as idle, unless told otherwise. Says
nothing about a connection in the middle of a request or a message.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import options as command_line
import websocket_load
from client import Client, WrongBytesError
from load import LoadError, UnsupportedError
from processes import ProcessTree
from scenarios import SCENARIOS
from servers import Server, ServerError, running
from websocket_scenarios import WEBSOCKET_SCENARIOS, AnyScenario

# Shorter than any server's keep-alive time-out (5 s), longer than this one takes: after a second it
# gives an idle connection's buffers back to its allocator, two later that gives them to the system.
SETTLE_SECONDS = 3.5
# Opened and asked so many at a time: no server's accept queue overflows. The first lot fills the
# pools and caches that all share, and is not counted.
LOT = 50
WARM_UP_TURNS = 20
# After so many messages, pools, free lists and the interpreter's specialised code are there.
WARM_UP_MESSAGES = 10_000


def main() -> int:
    """Print one table for each measure; 1 if any server failed."""
    options = _parse()
    command_line.prepare(tools=("taskset",))
    if any(name != "keep-alive" for name in options.measure):
        websocket_load.build()
    servers = command_line.servers(options)
    core, _ = command_line.cores(options)
    failed = False
    for name in options.measure:
        measure, scenario = MEASURES[name]
        grows = measure is websocket_growth
        column = "bytes per message" if grows else "KiB per idle connection"
        print(f"{name}\n{'server':<12}{'PSS MiB':>9}{'then':>9}{column:>26}", flush=True)
        for server in servers:
            try:
                before, after = measure(server, scenario, core, options)
            except UnsupportedError as error:
                print(f"{server.name:<12}{error}", flush=True)
                continue
            except (ServerError, WrongBytesError, LoadError, OSError) as error:
                failed = True
                print(f"FAILED {name} {server.name}: {error}", file=sys.stderr)
                continue
            growth = after - before
            each = growth / options.messages if grows else growth / options.connections / 1024
            print(
                f"{server.name:<12}{before / 2**20:>9.1f}{after / 2**20:>9.1f}{each:>26.2f}",
                flush=True,
            )
    return 1 if failed else 0


def keep_alive(
    server: Server, name: str, core: int, options: argparse.Namespace
) -> tuple[int, int]:
    """PSS in bytes before and while so many connections idle between two requests."""
    scenario = SCENARIOS[name]
    with _started(server, scenario, core) as (tree, port), ExitStack() as stack:
        stack.enter_context(Client(scenario, port, LOT)).ask(WARM_UP_TURNS)
        before = _settled(tree)
        crowd = []
        for _ in range(options.connections // LOT):
            crowd.append(stack.enter_context(Client(scenario, port, LOT)))
            crowd[-1].ask(turns=1)
        after = _settled(tree)
        for lot in crowd:
            lot.ask(turns=1)  # raises if the server has closed any of them meanwhile
    return before, after


def websocket_idle(
    server: Server, name: str, core: int, options: argparse.Namespace
) -> tuple[int, int]:
    """The same for accepted WebSocket connections, whose application waits in `receive`."""
    scenario = WEBSOCKET_SCENARIOS[name]
    with _started(server, scenario, core) as (tree, port), ExitStack() as stack:
        first = websocket_load.Client(scenario.arguments(port, LOT))
        stack.enter_context(first).ask(WARM_UP_TURNS)
        before = _settled(tree)
        crowd = websocket_load.Client(scenario.arguments(port, options.connections))
        stack.enter_context(crowd)
        if options.turns:
            crowd.ask(options.turns)
        after = _settled(tree)
        crowd.ping()  # raises if the server has closed any of them meanwhile
    return before, after


def websocket_growth(
    server: Server, name: str, core: int, options: argparse.Namespace
) -> tuple[int, int]:
    """PSS in bytes before and after so many messages on connections that stay open."""
    scenario = WEBSOCKET_SCENARIOS[name]
    with (
        _started(server, scenario, core) as (tree, port),
        websocket_load.Client(scenario.arguments(port)) as client,
    ):
        client.send(WARM_UP_MESSAGES)
        before = _settled(tree)
        client.send(options.messages)
        after = _settled(tree)
        client.ping()
    return before, after


# What is measured, and the scenario that tells what is said meanwhile.
MEASURES = {
    "keep-alive": (keep_alive, "hello"),
    "ws-idle": (websocket_idle, "ws-echo"),
    "ws-idle-deflate": (websocket_idle, "ws-deflate"),
    "ws-growth": (websocket_growth, "ws-echo"),
    "ws-growth-deflate": (websocket_growth, "ws-deflate"),
}


@contextmanager
def _started(server: Server, scenario: AnyScenario, core: int) -> Iterator[tuple[ProcessTree, int]]:
    """The server's processes and its port."""
    with (
        tempfile.TemporaryDirectory(prefix="load-bench-") as scratch,
        running(server, scenario, core, Path(scratch)) as started,
    ):
        yield ProcessTree(started.pid), started.port


def _settled(tree: ProcessTree) -> int:
    """PSS once the server has given back what it can."""
    time.sleep(SETTLE_SECONDS)
    return tree.pss_bytes()


def _parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__ or "")
    parser.add_argument(
        "--measure", default="keep-alive", metavar="A,B", help=f"of {', '.join(MEASURES)}"
    )
    parser.add_argument("--connections", type=int, default=2000, help="that idle")
    parser.add_argument(
        "--turns", type=int, default=1, help="messages on each before it idles, over WebSocket"
    )
    parser.add_argument("--messages", type=int, default=100_000, help="that may leave no growth")
    options = parser.parse_args()
    options.measure = options.measure.split(",")
    if unknown := [name for name in options.measure if name not in MEASURES]:
        parser.error(f"no measure {', '.join(unknown)}; known: {', '.join(MEASURES)}")
    if options.connections < LOT or options.connections % LOT or options.messages < 1:
        parser.error(f"--connections is a multiple of {LOT}, --messages at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
