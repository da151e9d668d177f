"""The script that compares this server with uvicorn finds what is decided, and nothing else.

And it would notice: its comparison is tried on differences made up for it.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from tests import architecture
from tests.compat.against_uvicorn.differences import FAULT, Difference, differences, judge, parse

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = Path(__file__).with_name("against_uvicorn") / "expected.txt"


def uvicorn_is_another() -> bool:
    """Whether the version is not there that the observations were made with."""
    try:
        return not (
            importlib.metadata.version("uvicorn").startswith("0.54.")
            # Whose sentences are in uvicorn's answers to handshakes, and in its Close frames.
            and importlib.metadata.version("websockets").startswith("17.")
        )
    except importlib.metadata.PackageNotFoundError:
        return True


@pytest.mark.skipif(uvicorn_is_another(), reason="needs uvicorn 0.54 and websockets 17")
@pytest.mark.timeout(300)  # some 170 processes, on a machine that may be busy
def test_every_difference_is_a_decision():
    """U1.1 to U6.7: scopes, answers, WebSockets, lives and the API, beside uvicorn's."""
    arguments = [sys.executable, "-m", "tests.compat.against_uvicorn"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_decisions_are_explained():
    """In docs/internals/conformance.md, as everything that is cited."""
    page = (ROOT / "docs" / "internals" / "conformance.md").read_text(encoding="utf-8")
    known = architecture.explained_rules(page) | {FAULT}
    explained = parse(EXPECTED.read_text(encoding="utf-8"))
    assert len(explained) > 60
    strangers = {
        name: difference.rules
        for name, difference in explained.items()
        if not set(difference.rules) <= known or not difference.lines
    }
    assert strangers == {}


SAMPLE = """# A remark.

[O1] a/changed
- old
+ new

[O2, U1.1] a/gone
- only there
"""


def test_what_is_explained_passes():
    found = differences(
        {"a/same": ["x"], "a/changed": ["x", "old"], "a/gone": ["only there"]},
        {"a/same": ["x"], "a/changed": ["x", "new"], "a/gone": []},
    )
    assert list(found) == ["a/changed", "a/gone"]
    assert judge(found, parse(SAMPLE))


def test_new_difference_is_found():
    found = differences({"a/b": ["x"]}, {"a/b": ["y"]})
    verdict = judge(found, {})
    assert not verdict
    assert [str(difference) for difference in verdict.unexplained] == ["[?] a/b\n- x\n+ y"]


def test_vanished_difference_is_found():
    verdict = judge(differences({"a/gone": []}, {"a/gone": []}), parse(SAMPLE))
    assert not verdict
    assert [difference.name for difference in verdict.vanished] == ["a/changed", "a/gone"]


def test_changed_difference_is_found():
    explained = {"a/b": Difference("a/b", ("- x", "+ y"), ("O1",))}
    verdict = judge(differences({"a/b": ["x"]}, {"a/b": ["z"]}), explained)
    assert [difference.lines for difference in verdict.unexplained] == [("- x", "+ z")]
    assert [difference.lines for difference in verdict.vanished] == [("- x", "+ y")]


def test_observation_of_one_server_only_is_a_difference():
    assert list(differences({"a": ["x"]}, {"b": ["x"]})) == ["a", "b"]


@pytest.mark.parametrize("text", ["no title\n- x", "[O1] a\n- x\n\n[O1] a\n- y"])
def test_malformed_explanations_are_refused(text):
    with pytest.raises(ValueError, match=r"no title|twice"):
        parse(text)
