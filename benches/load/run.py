"""Loads this server and its peers one after another and compares what one request costs them.

The figure that counts is CPU time per request of the server's whole process tree, the least of
several interleaved rounds. How to run it and how to read it: ../README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import options as command_line
import report
import websocket_load
from load import LoadError, UnsupportedError
from processes import ProcessTree, core_busy_seconds
from report import Sample
from scenarios import SCENARIOS
from servers import Server, ServerError, running
from websocket_scenarios import WEBSOCKET_SCENARIOS, AnyScenario, WebSocketScenario
from wrk import Wrk

GROUPS = {"http": SCENARIOS, "websocket": WEBSOCKET_SCENARIOS}
KNOWN: dict[str, AnyScenario] = {**SCENARIOS, **WEBSOCKET_SCENARIOS}

# Start, check, connect and stop: seen, with some room; only for the estimate at the start.
OVERHEAD_SECONDS = 1.2


def main() -> int:
    """Run what the command line asks for; 1 if any server failed in any round."""
    options = _parse()
    scenarios = _scenarios(options.scenarios)
    over_websocket = [scenario.name in WEBSOCKET_SCENARIOS for scenario in scenarios]
    command_line.prepare(tools=("taskset",) if all(over_websocket) else ("wrk", "taskset"))
    if any(over_websocket):
        websocket_load.build()
    servers = command_line.servers(options)
    server_core, load_core = command_line.cores(options)
    references = options.reference or ["uvicorn"]
    if unknown := set(references) - {server.name for server in servers}:
        if options.reference:
            sys.exit(f"error: --reference {', '.join(unknown)} is not among the servers")
        references = [servers[0].name]

    pairs = sum(server.serves(scenario) for scenario in scenarios for server in servers)
    seconds = pairs * options.rounds * (options.seconds + options.warm_up + OVERHEAD_SECONDS)
    print(
        f"{', '.join(server.name for server in servers)}: {options.rounds} rounds of"
        f" {options.seconds} s, server on core {server_core}, load on core {load_core};"
        f" about {seconds / 60:.1f} minutes",
        flush=True,
    )
    results = []
    failed = False
    for scenario in scenarios:
        rounds: report.Rounds = {s.name: [] for s in servers if s.serves(scenario)}
        unsupported: dict[str, str] = {}
        for number in range(options.rounds):
            for server in _rotated(servers, number):
                if not server.serves(scenario) or server.name in unsupported:
                    continue
                try:
                    sample = measure(server, scenario, number, server_core, load_core, options)
                except UnsupportedError as error:
                    unsupported[server.name] = str(error)
                    continue
                except (ServerError, LoadError) as error:
                    failed = True
                    print(f"FAILED {scenario.name} {server.name}: {error}", file=sys.stderr)
                    continue
                rounds[server.name].append(sample)
        print("\n" + report.table(scenario, rounds, references, unsupported), flush=True)
        results.append(report.as_json(scenario, rounds, references, unsupported))
        if options.json:  # after every scenario: an interrupted run keeps what it has
            options.json.write_text(json.dumps(results, indent=2) + "\n")
    return 1 if failed else 0


def measure(
    server: Server,
    scenario: AnyScenario,
    number: int,
    server_core: int,
    load_core: int,
    options: argparse.Namespace,
) -> Sample:
    """Start one server, warm it up, load it, end it."""
    with (
        tempfile.TemporaryDirectory(prefix="load-bench-") as directory,
        running(server, scenario, server_core, Path(directory)) as started,
        _client(scenario, started.port, load_core) as client,
    ):
        if options.warm_up:
            client.drive(options.warm_up)
        tree = ProcessTree(started.pid)
        cpu_before, busy_before = tree.cpu_seconds(), core_busy_seconds(server_core)
        load = client.drive(options.seconds)
        cpu = tree.cpu_seconds() - cpu_before
        busy = core_busy_seconds(server_core) - busy_before
        peak = tree.peak_rss_bytes()
    return Sample(
        round=number,
        cpu_us_per_request=cpu / load.requests * 1e6,
        requests_per_second=load.rate,
        p50_ms=load.p50 / 1000,
        p99_ms=load.p99 / 1000,
        peak_rss_mib=peak / 2**20,
        server_core_share=cpu / load.seconds,
        client_cpu_us_per_request=load.cpu_seconds / load.requests * 1e6,
        strangers_core_share=max(0.0, busy - cpu) / load.seconds,
    )


def _client(
    scenario: AnyScenario, port: int, core: int
) -> AbstractContextManager[Wrk | websocket_load.Client]:
    """What loads the port, as long as the `with` block lasts."""
    if isinstance(scenario, WebSocketScenario):
        return websocket_load.Client(scenario.arguments(port), core)
    return nullcontext(Wrk(scenario, port, core))


def _rotated(servers: Sequence[Server], number: int) -> list[Server]:
    """Each round starts with another server: none is always the one after the heaviest."""
    first = number % len(servers)
    return [*servers[first:], *servers[:first]]


def _scenarios(names: str) -> list[AnyScenario]:
    chosen = [name for word in names.split(",") for name in GROUPS.get(word, [word])]
    if unknown := [name for name in chosen if name not in KNOWN]:
        sys.exit(f"error: no scenario {', '.join(unknown)}; known: {', '.join([*GROUPS, *KNOWN])}")
    return [KNOWN[name] for name in chosen]


def _parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__ or "")
    parser.add_argument(
        "--scenarios",
        default=",".join(GROUPS),
        metavar="A,B",
        help=f"of {', '.join(KNOWN)}, or groups of them",
    )
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    parser.add_argument("--seconds", type=int, default=3, help="measured in a round")
    parser.add_argument("--warm-up", type=int, default=1, help="seconds before, not measured")
    parser.add_argument(
        "--reference", action="append", metavar="NAME", help="ratios to it; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="every sample goes here")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 1 or options.warm_up < 0:
        parser.error("--rounds and --seconds are at least 1, --warm-up at least 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
