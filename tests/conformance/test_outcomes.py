"""The judge of the conformance suite notices what it is for: changes, failures, missing cases.

And the client that runs it says what stood in its way. The suite itself is `make conformance`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conformance import fuzzing_client, outcomes
from tests.conformance.fuzzing_client import FuzzingClient, FuzzingClientError
from tests.conformance.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[2]
GOOD = Outcome("OK", "OK")
INFORMATIONAL = Outcome("OK", "INFORMATIONAL")
NON_STRICT = Outcome("NON-STRICT", "OK")
WRONG_CODE = Outcome("OK", "WRONG CODE")


def test_file_is_in_the_order_of_the_suite_and_reads_back():
    some = {"9.10.1": WRONG_CODE, "10.1.1": GOOD, "9.2.1": NON_STRICT}
    text = outcomes.render(some)
    assert text == "9.2.1 NON-STRICT, OK\n9.10.1 OK, WRONG CODE\n10.1.1 OK, OK\n"
    assert outcomes.parse(f"# A remark.\n\n{text}") == some


@pytest.mark.parametrize("text", ["1.1.1 OK", "1.1.1 ok, ok", "1.1 OK, OK\n1.1 OK, OK", "OK, OK"])
def test_malformed_file_is_refused(text):
    with pytest.raises(ValueError, match=r"no outcome|twice"):
        outcomes.parse(text)


def test_report_is_read():
    report = {"1.1.1": {"behavior": "OK", "behaviorClose": "WRONG CODE", "duration": 2}}
    assert outcomes.from_report(report) == {"1.1.1": WRONG_CODE}


def test_nothing_changed():
    assert outcomes.changes({"1.1": GOOD}, {"1.1": GOOD}) == []


def test_changed_new_and_missing_cases_are_found():
    before = {"1.1": GOOD, "5.6": GOOD, "9.1": GOOD}
    after = {"1.1": GOOD, "5.6": NON_STRICT, "10.1": GOOD}
    assert outcomes.changes(before, after) == [
        "- 5.6 OK, OK",
        "+ 5.6 NON-STRICT, OK",
        "- 9.1 OK, OK",
        "+ 10.1 OK, OK",
    ]


def test_cases_that_did_not_pass_are_found():
    some = {"1.1": GOOD, "7.1": INFORMATIONAL, "7.2": WRONG_CODE, "6.4": NON_STRICT}
    assert outcomes.failures(some) == ["6.4 NON-STRICT, OK", "7.2 OK, WRONG CODE"]


def test_counts_name_every_judgement():
    some = {"1.1": GOOD, "7.1": INFORMATIONAL, "6.4": NON_STRICT}
    assert outcomes.counts(some) == "behaviour OK 2, NON-STRICT 1; close OK 2, INFORMATIONAL 1"


# --- The client, with a program in place of the suite's ---


def stand_in(directory: Path, script: str) -> Path:
    program = directory / "wstest"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_client_asks_for_the_cases_and_reads_the_report(tmp_path):
    report = json.dumps({"rsgi": {"1.1": {"behavior": "OK", "behaviorClose": "OK"}}})
    script = f"echo 'Running test case ID 1.1 for'; echo '{report}' >{tmp_path}/index.json"
    program = stand_in(tmp_path, script)
    begun = []
    seen = FuzzingClient(program, tmp_path).run("rsgi", 8000, ["1.*"], begun.append)
    assert (seen, begun) == ({"1.1": GOOD}, ["1.1"])
    asked = json.loads((tmp_path / "fuzzingclient.json").read_text())
    assert asked["cases"] == ["1.*"]
    assert asked["servers"] == [{"agent": "rsgi", "url": "ws://127.0.0.1:8000"}]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo 'Running test case ID 9.1.6 for'; exit 3", "ended with 3, its last case was 9.1.6"),
        ("echo 'Running test case ID 9.1.6 for'; kill -9 $$", "ended with -9"),
        ("echo 'Ok, will run 0 test cases'; exec tail -f /dev/null", "there is no such case"),
        ("echo nonsense", "wrote no report:\nnonsense"),
    ],
)
def test_client_says_why_there_is_no_result(tmp_path, script, complaint):
    with pytest.raises(FuzzingClientError, match=complaint):
        FuzzingClient(stand_in(tmp_path, script), tmp_path).run("rsgi", 8000, ["*"])


def test_client_gives_up_a_case_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing_client, "TIME_LIMIT", 0.3)
    program = stand_in(tmp_path, "echo 'Running test case ID 9.1.6 for'; exec tail -f /dev/null")
    with pytest.raises(FuzzingClientError, match=r"ended with -9, its last case was 9\.1\.6"):
        FuzzingClient(program, tmp_path).run("rsgi", 8000, ["*"])


def test_set_up_says_that_an_interpreter_is_no_python_2(tmp_path):
    python3 = stand_in(tmp_path, "exit 1")
    done = subprocess.run(
        ["scripts/autobahn.sh", "python3", str(tmp_path / "environment"), str(python3)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is no Python 2.7 that runs" in done.stderr
    assert not (tmp_path / "environment").exists()
