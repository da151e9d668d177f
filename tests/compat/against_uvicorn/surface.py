"""Observes the command line and the Python API: what `inside.py` prints in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.compat.against_uvicorn import inside
from tests.compat.against_uvicorn.contender import ROOT, Contender
from tests.compat.against_uvicorn.scopes import Observed


def observe(contender: Contender, directory: Path) -> Observed:
    prefixes = ("RSGI_", "UVICORN_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    # Wide, so that help texts are not broken into lines.
    environment = {**inherited, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", inside.__name__, contender.package],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{contender.name}: {done.stderr}")
    observed: Observed = {}
    for name, lines in json.loads(done.stdout).items():
        is_brand = name.startswith("brand/")
        observed[name] = lines if is_brand else contender.neutral(lines, directory)
    return observed
