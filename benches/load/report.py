"""Rounds of samples as a table and as JSON. Measures nothing."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from websocket_scenarios import AnyScenario


@dataclass(frozen=True)
class Sample:
    """One server in one round of one scenario."""

    round: int
    cpu_us_per_request: float
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    peak_rss_mib: float
    server_core_share: float
    client_cpu_us_per_request: float
    strangers_core_share: float


Rounds = dict[str, list[Sample]]


def table(
    scenario: AnyScenario,
    rounds: Rounds,
    references: Sequence[str],
    unsupported: Mapping[str, str],
) -> str:
    """The scenario's figures, cheapest server first; who cannot serve it comes last, and why."""
    unit = scenario.unit
    head = f"{'server':<12}{'us/' + unit:>8}{'median':>8}{unit + '/s':>9}{'median':>9}{'core':>6}"
    head += f"{'client':>8}{'p50 ms':>9}{'p99 ms':>9}{'RSS MiB':>9}"
    present = [name for name in references if rounds.get(name)]
    head += "".join(f"{'/ ' + name:>14}{'paired':>8}" for name in present)
    lines = [f"{scenario.name}: {scenario.about}", head]
    for name, samples in sorted(rounds.items(), key=lambda item: least_cpu(item[1])):
        if samples:
            lines.append(_row(name, samples) + _ratios(samples, rounds, present))
    lines += [f"{name:<12}{reason}" for name, reason in unsupported.items()]
    worst = max((s.strangers_core_share for all_ in rounds.values() for s in all_), default=0.0)
    lines.append(f"others took up to {worst:.0%} of the server's core in a round")
    return "\n".join(lines)


def least_cpu(samples: Sequence[Sample]) -> float:
    """CPU microseconds per request of the quietest round."""
    return min((sample.cpu_us_per_request for sample in samples), default=float("inf"))


def paired_ratio(samples: Sequence[Sample], reference: Sequence[Sample]) -> float:
    """The median over the rounds of the ratio within a round: slow drifts cancel out."""
    other = {sample.round: sample.cpu_us_per_request for sample in reference}
    ratios = [s.cpu_us_per_request / other[s.round] for s in samples if other.get(s.round)]
    return statistics.median(ratios) if ratios else float("nan")


def as_json(
    scenario: AnyScenario,
    rounds: Rounds,
    references: Sequence[str],
    unsupported: Mapping[str, str],
) -> dict[str, Any]:
    """Every sample, and the ratios that the table shows."""
    servers = {}
    for name, samples in rounds.items():
        if not samples:
            continue
        ratios = {
            other: {
                "least": least_cpu(samples) / least_cpu(rounds[other]),
                "paired": paired_ratio(samples, rounds[other]),
            }
            for other in references
            if rounds.get(other)
        }
        servers[name] = {
            "least_cpu_us_per_request": least_cpu(samples),
            "ratios": ratios,
            "samples": [asdict(sample) for sample in samples],
        }
    return {
        "scenario": scenario.name,
        "about": scenario.about,
        "servers": servers,
        "unsupported": dict(unsupported),
    }


def _row(name: str, samples: Sequence[Sample]) -> str:
    rates = [sample.requests_per_second for sample in samples]
    median_cpu = statistics.median(sample.cpu_us_per_request for sample in samples)
    quietest = min(samples, key=lambda sample: sample.cpu_us_per_request)
    return (
        f"{name:<12}{quietest.cpu_us_per_request:>8.2f}{median_cpu:>8.2f}"
        f"{max(rates):>9.0f}{statistics.median(rates):>9.0f}{quietest.server_core_share:>6.0%}"
        f"{quietest.client_cpu_us_per_request:>8.2f}"
        f"{min(s.p50_ms for s in samples):>9.3f}{min(s.p99_ms for s in samples):>9.3f}"
        f"{max(s.peak_rss_mib for s in samples):>9.1f}"
    )


def _ratios(samples: Sequence[Sample], rounds: Rounds, references: Sequence[str]) -> str:
    cells = ""
    for other in references:
        least = least_cpu(samples) / least_cpu(rounds[other])
        cells += f"{least:>14.3f}{paired_ratio(samples, rounds[other]):>8.3f}"
    return cells
