"""`Outcome`: how a server did in one case of the Autobahn testsuite; their file, and what changed.

Knows neither the suite's program nor the server.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

# What the suite's words mean is in its documentation; the rest of them say that something is wrong.
PASSED = frozenset({"OK", "INFORMATIONAL"})
_LINE = re.compile(r"(?P<case>\d+(?:\.\d+)+) (?P<behaviour>[A-Z -]+), (?P<close>[A-Z -]+)")


class Outcome(NamedTuple):
    """The suite's two judgements: of the messages, and of the end of the connection."""

    behaviour: str
    close: str

    def __str__(self) -> str:
        return f"{self.behaviour}, {self.close}"

    @property
    def passed(self) -> bool:
        return self.behaviour in PASSED and self.close in PASSED


Outcomes = Mapping[str, Outcome]


def from_report(index: Mapping[str, Mapping[str, Any]]) -> dict[str, Outcome]:
    """One server's part of the `index.json` that the suite writes."""
    return {
        case: Outcome(result["behavior"], result["behaviorClose"]) for case, result in index.items()
    }


def parse(text: str) -> dict[str, Outcome]:
    """The outcomes of a file that `render` made; lines that begin with `#` are remarks.

    Raises:
        ValueError: a line is no outcome, or a case has two.
    """
    outcomes: dict[str, Outcome] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} is no outcome: {line!r}")
        if match["case"] in outcomes:
            raise ValueError(f"line {number}: case {match['case']} is there twice")
        outcomes[match["case"]] = Outcome(match["behaviour"], match["close"])
    return outcomes


def render(outcomes: Outcomes) -> str:
    """One line for each case, in the suite's order: `1.1.1 OK, OK`."""
    return "".join(f"{case} {outcomes[case]}\n" for case in in_order(outcomes))


def changes(before: Outcomes, after: Outcomes) -> list[str]:
    """`- 5.6 OK, OK` and `+ 5.6 FAILED, OK` for each case that is not as it was."""
    return [
        f"{sign} {case} {outcomes[case]}"
        for case in in_order({**before, **after})
        if before.get(case) != after.get(case)
        for sign, outcomes in (("-", before), ("+", after))
        if case in outcomes
    ]


def failures(outcomes: Outcomes) -> list[str]:
    """`5.6 FAILED, OK` for each case that did not pass, whatever was expected of it."""
    return [f"{case} {outcomes[case]}" for case in in_order(outcomes) if not outcomes[case].passed]


def counts(outcomes: Outcomes) -> str:
    """How often which judgement was given: `behaviour OK 514, INFORMATIONAL 3; close OK 517`."""
    return "; ".join(
        f"{name} " + ", ".join(f"{word} {times}" for word, times in counted.most_common())
        for name, counted in (
            ("behaviour", Counter(outcome.behaviour for outcome in outcomes.values())),
            ("close", Counter(outcome.close for outcome in outcomes.values())),
        )
    )


def in_order(cases: Mapping[str, Any]) -> Iterator[str]:
    """Case 9.2 comes before 9.10."""
    return iter(sorted(cases, key=lambda case: [int(part) for part in case.split(".")]))
