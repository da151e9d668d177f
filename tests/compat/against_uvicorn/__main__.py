"""Observes both servers at once and prints the differences; exits with 1 if one is unexplained.

`--only TEXT` takes the observations whose name contains it, `--all` prints the explained
differences too, `--show` prints what was observed.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.compat.against_uvicorn import answers, lives, scopes, surface, websockets
from tests.compat.against_uvicorn.contender import RSGI, UVICORN, Contender
from tests.compat.against_uvicorn.differences import FAULT, Observed, differences, judge, parse

EXPECTED = Path(__file__).with_name("expected.txt")
CONTENDERS = (UVICORN, RSGI)
OBSERVERS = {
    "scopes": scopes.observe,
    "answers": answers.observe,
    "websockets": websockets.observe,
    "lives": lives.observe,
    "surface": surface.observe,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat.against_uvicorn")
    parser.add_argument("observers", nargs="*", help=f"of {', '.join(OBSERVERS)}; all by default")
    parser.add_argument("--only", default="", help="observations whose name contains this")
    parser.add_argument("--all", action="store_true", help="print explained differences as well")
    parser.add_argument("--show", action="store_true", help="print what was observed")
    options = parser.parse_args()
    began = time.monotonic()
    names = options.observers or list(OBSERVERS)

    def observe(contender: Contender, observer: str) -> Observed:
        # Short, because a Unix socket's path has little room.
        with TemporaryDirectory(prefix="a-", dir="/tmp") as directory:
            observed = OBSERVERS[observer](contender, Path(directory))
        return {name: lines for name, lines in observed.items() if options.only in name}

    # All at once: they wait more than they work. The longest first.
    with ThreadPoolExecutor(2 * len(names)) as pool:
        uvicorn, ours = (
            dict(chain.from_iterable(observed.items() for observed in one))
            for one in [pool.map(partial(observe, contender), names) for contender in CONTENDERS]
        )

    if options.show:
        for server, observed in (("uvicorn", uvicorn), ("rsgi", ours)):
            for name, lines in observed.items():
                print("\n".join([f"{server}: {name}", *(f"    {line}" for line in lines)]))
    found = differences(uvicorn, ours)
    observed_names = uvicorn.keys() | ours.keys()
    is_part = bool(options.only or options.observers)
    explained = {
        name: difference
        for name, difference in parse(EXPECTED.read_text(encoding="utf-8")).items()
        if name in observed_names or not is_part
    }
    verdict = judge(found, explained)
    if options.all:
        print(*(f"{d}\n" for name, d in explained.items() if name in found), sep="\n")
    for title, some in (
        ("Not explained", verdict.unexplained),
        ("Explained, but no longer so", verdict.vanished),
    ):
        if some:
            print(f"# {title}:\n")
            print(*(f"{difference}\n" for difference in some), sep="\n")
    faults = [name for name, difference in explained.items() if FAULT in difference.rules]
    if faults:
        print(f"# To be mended: {', '.join(faults)}\n")
    print(
        f"{len(observed_names)} observations in {time.monotonic() - began:.0f} s: {len(found)} "
        f"differ, {len(verdict.unexplained)} of them unexplained, {len(faults)} to be mended; "
        f"{len(verdict.vanished)} explanations without a difference."
    )
    return 0 if verdict else 1


if __name__ == "__main__":
    sys.exit(main())
