"""Differences between two sets of observations, and their comparison with the explained ones.

`expected.txt` holds paragraphs: `[O15, U1.3] name/of-the-observation`, then the lines that only
uvicorn has after `-`, and those that only we have after `+`. `[fault]` is no decision.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

Observed = dict[str, list[str]]
# In place of rules: no decision, but something that is to be mended.
FAULT = "fault"
_TITLE = re.compile(r"\[(?P<rules>[^\]]+)\] (?P<name>\S+)")


@dataclass(frozen=True)
class Difference:
    """What one server shows and the other does not, in one observation."""

    name: str
    lines: tuple[str, ...]
    rules: tuple[str, ...] = ()

    def __str__(self) -> str:
        rules = ", ".join(self.rules) or "?"
        return "\n".join([f"[{rules}] {self.name}", *self.lines])


def differences(uvicorn: Observed, ours: Observed) -> dict[str, Difference]:
    """By observation; those that are equal have none."""
    found = {}
    for name in [*uvicorn, *(name for name in ours if name not in uvicorn)]:
        compared = difflib.ndiff(uvicorn.get(name, []), ours.get(name, []), None, None)
        lines = [line for line in compared if line.startswith(("- ", "+ "))]
        if lines:
            found[name] = Difference(name, tuple(line.rstrip() for line in lines))
    return found


def parse(text: str) -> dict[str, Difference]:
    """The paragraphs of `expected.txt`; lines that begin with `#` say what follows."""
    explained: dict[str, Difference] = {}
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        title = _TITLE.fullmatch(lines[0].rstrip())
        if title is None:
            raise ValueError(f"no title: {lines[0]!r}")
        if title["name"] in explained:
            raise ValueError(f"twice: {title['name']!r}")
        rules = tuple(title["rules"].split(", "))
        difference = Difference(title["name"], tuple(line.rstrip() for line in lines[1:]), rules)
        explained[title["name"]] = difference
    return explained


@dataclass(frozen=True)
class Verdict:
    """What is new, and what is no longer so."""

    unexplained: list[Difference]
    vanished: list[Difference]

    def __bool__(self) -> bool:
        return not self.unexplained and not self.vanished


def judge(found: dict[str, Difference], explained: dict[str, Difference]) -> Verdict:
    """A difference that has changed is both: the old one has vanished, the new one is new."""

    def as_explained(difference: Difference) -> bool:
        known = explained.get(difference.name)
        return known is not None and known.lines == difference.lines

    def is_found(difference: Difference) -> bool:
        seen = found.get(difference.name)
        return seen is not None and seen.lines == difference.lines

    return Verdict(
        [difference for difference in found.values() if not as_explained(difference)],
        [difference for difference in explained.values() if not is_found(difference)],
    )
