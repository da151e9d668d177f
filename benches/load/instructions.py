"""Counts the instructions and system calls that a request, or a message, costs each server.

Under valgrind: a count, not a time. It repeats to a fraction of a percent however busy the machine
is, so it shows what a change of a few percent does. What it cannot show (the kernel, caches,
waiting) is in ../README.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import callgrind
import options as command_line
import websocket_load
from callgrind import CountError, Counts
from client import Client, WrongBytesError
from load import LoadError, UnsupportedError
from processes import ProcessTree
from scenarios import SCENARIOS
from servers import Server, ServerError, running
from websocket_scenarios import WEBSOCKET_SCENARIOS, AnyScenario, WebSocketScenario

KNOWN: dict[str, AnyScenario] = {**SCENARIOS, **WEBSOCKET_SCENARIOS}

# valgrind runs a server some fifty times slower; importing an application's modules takes longest.
START_SECONDS = 120.0
# Enough for the interpreter to specialise the code and for buffers to have grown.
WARM_UP_TURNS = 10
# Answered without entering the kernel in real life; valgrind hides the page that does so.
CLOCK = re.compile(r"clock_gettime|gettimeofday")


@dataclass(frozen=True)
class Cost:
    """What the same number of requests made one server execute, batch by batch."""

    requests: int
    batches: list[Counts]

    @property
    def per_batch(self) -> list[float]:
        """Instructions per request of every batch."""
        return [batch.instructions.total() / self.requests for batch in self.batches]

    @property
    def least(self) -> Counts:
        """The batch with the fewest instructions."""
        return min(self.batches, key=lambda batch: batch.instructions.total())

    @property
    def instructions(self) -> dict[str, float]:
        """Per request, by function, in the least batch."""
        counts = self.least.instructions.items()
        return {function: number / self.requests for function, number in counts}

    @property
    def system_calls(self) -> dict[str, float]:
        """Per request, by function, in the least batch; reading the clock is not among them."""
        counts = self.least.system_calls.items()
        return {f: n / self.requests for f, n in counts if not CLOCK.search(f)}

    @property
    def clock_reads(self) -> float:
        """Per request, in the least batch."""
        counts = self.least.system_calls.items()
        return sum(n for f, n in counts if CLOCK.search(f)) / self.requests


def main() -> int:
    """Count what the command line asks for; 1 if any server failed."""
    options = _parse()
    command_line.prepare(tools=("valgrind", "callgrind_control", "taskset"))
    servers = command_line.servers(options)
    server_core, _ = command_line.cores(options)
    scenario = KNOWN[options.scenario]
    if options.scenario in WEBSOCKET_SCENARIOS:
        websocket_load.build()
    connections = options.connections or scenario.connections
    costs: dict[str, Cost] = {}
    failed = False
    for server in servers:
        if not server.serves(scenario):
            continue
        try:
            costs[server.name] = count(server, scenario, server_core, connections, options)
        except UnsupportedError as error:
            print(f"{server.name}: {error}", flush=True)
            continue
        except (ServerError, CountError, WrongBytesError, LoadError, OSError) as error:
            failed = True
            print(f"FAILED {server.name}: {error}", file=sys.stderr)
            continue
        figures = ", ".join(f"{figure:.0f}" for figure in costs[server.name].per_batch)
        print(
            f"{server.name}: instructions per {scenario.unit} in each batch: {figures}", flush=True
        )
    if not costs:
        return 1
    reference = options.reference if options.reference in costs else next(iter(costs))
    print(f"\n{scenario.name}, {connections} connections asking together")
    print(_table(costs, reference))
    if options.functions:
        print(_functions(costs, reference, options.functions))
    if options.json:
        options.json.write_text(json.dumps(_as_json(costs), indent=2) + "\n")
    return 1 if failed else 0


def count(
    server: Server,
    scenario: AnyScenario,
    core: int,
    connections: int,
    options: argparse.Namespace,
) -> Cost:
    """Run one server under callgrind, ask in batches, and dump its counters between them."""
    turns = max(1, options.requests // connections)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="load-bench-")))
        directory = (options.keep or scratch).resolve() / server.name
        directory.mkdir(parents=True, exist_ok=True)
        words = callgrind.wrapper(directory)
        started = stack.enter_context(
            running(server, scenario, core, scratch, words, START_SECONDS)
        )
        tree = ProcessTree(started.pid)
        client = stack.enter_context(_client(scenario, started.port, connections))
        client.ask(WARM_UP_TURNS)
        callgrind.dump(tree, directory)
        dumps = []
        for _ in range(options.batches):
            client.ask(turns)
            dumps.append(callgrind.dump(tree, directory))
        batches = [callgrind.read_all(files) for files in dumps]
    return Cost(turns * connections, batches)


def _client(scenario: AnyScenario, port: int, connections: int) -> Client | websocket_load.Client:
    """What asks, and then waits: in turns, so that every batch is alike."""
    if isinstance(scenario, WebSocketScenario):
        return websocket_load.Client(scenario.arguments(port, connections))
    return Client(scenario, port, connections)


def _table(costs: dict[str, Cost], reference: str) -> str:
    base = min(costs[reference].per_batch)
    lines = [
        f"{'server':<12}{'instructions':>14}{'spread':>8}{'/ ' + reference:>14}{'clock':>7}"
        "  system calls"
    ]
    for name, cost in sorted(costs.items(), key=lambda item: min(item[1].per_batch)):
        least, most = min(cost.per_batch), max(cost.per_batch)
        calls = cost.system_calls
        frequent = sorted(calls, key=lambda f: -calls[f])
        listed = ", ".join(f"{f} {calls[f]:.2f}" for f in frequent if calls[f] >= 0.005)
        lines.append(
            f"{name:<12}{least:>14.0f}{most / least - 1:>8.2%}{least / base:>14.3f}"
            f"{cost.clock_reads:>7.2f}  {sum(calls.values()):.2f}: {listed}"
        )
    return "\n".join(lines)


def _functions(costs: dict[str, Cost], reference: str, number: int) -> str:
    """The reference's dearest functions; of the others, what makes the difference to it."""
    base = costs[reference].instructions
    lines = []
    for name, cost in costs.items():
        own = cost.instructions
        weights = {f: abs(own.get(f, 0) - base.get(f, 0)) for f in {*own, *base}}
        if name == reference:
            weights = own
        lines.append(f"\n{name:>12}{reference:>12}{'difference':>12}  function")
        for function in sorted(weights, key=lambda f: -weights[f])[:number]:
            here, there = own.get(function, 0.0), base.get(function, 0.0)
            lines.append(f"{here:>12.0f}{there:>12.0f}{here - there:>+12.0f}  {function[:110]}")
    return "\n".join(lines)


def _as_json(costs: dict[str, Cost]) -> dict[str, object]:
    return {
        name: {
            "requests": cost.requests,
            "instructions_per_request": cost.per_batch,
            "clock_reads": cost.clock_reads,
            "system_calls": cost.system_calls,
            "instructions_by_function": cost.instructions,
        }
        for name, cost in costs.items()
    }


def _parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__ or "")
    parser.add_argument("--scenario", choices=sorted(KNOWN), default="hello", help="which one")
    parser.add_argument("--connections", type=int, help="else the scenario's own number")
    parser.add_argument("--requests", type=int, default=1920, help="in a batch, about")
    parser.add_argument("--batches", type=int, default=3, help="counted one by one")
    parser.add_argument("--reference", metavar="NAME", help="ratios to it; else the first server")
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="show the N largest")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep callgrind's files there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every count goes here")
    options = parser.parse_args()
    if options.batches < 1 or options.requests < 1:
        parser.error("--batches and --requests are at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
