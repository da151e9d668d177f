"""Proves that a wheel is enough: installs it where there is no Rust, and serves the example.

Usage: check_wheel.py DIST, with the interpreter that the wheel was built for. It must not know the
source tree: everything runs in a scratch directory that holds a copy of the example and no more.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Stands between a hang and a CI job that never ends; a start takes a second.
DEADLINE_SECONDS = 60.0


def main() -> None:
    wheel = find_wheel(Path(sys.argv[1]))
    check_contents(wheel)
    with tempfile.TemporaryDirectory(prefix="rsgi-wheel-") as scratch:
        python = install(wheel, Path(scratch))
        examples = Path(scratch, "examples")
        examples.mkdir()
        shutil.copy(ROOT / "examples" / "fastapi_app.py", examples)
        serve_and_fetch(python, Path(scratch))
    print(f"{wheel.name}: installed without Rust, served the example, stopped by SIGTERM")


def find_wheel(dist: Path) -> Path:
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheels = sorted(dist.glob(f"rsgi_bridge-*-{tag}-*.whl"))
    if len(wheels) != 1:
        sys.exit(f"error: one wheel for {tag} expected in {dist}, found {len(wheels)}")
    return wheels[0].resolve()


def check_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("rsgi_bridge/py.typed", "rsgi_bridge/_core.pyi"):
        if wanted not in names:
            sys.exit(f"error: {wanted} is not in {wheel.name}")
    extensions = [name for name in names if name.endswith((".so", ".dylib", ".pyd"))]
    if len(extensions) != 1:
        sys.exit(f"error: one extension module expected in {wheel.name}, found {extensions}")


def environment_without_rust() -> dict[str, str]:
    """The caller's environment, less every PATH entry that holds a Rust tool."""
    kept = [
        entry
        for entry in os.environ.get("PATH", "").split(os.pathsep)
        if not any(Path(entry, tool).exists() for tool in ("cargo", "rustc", "maturin"))
    ]
    hidden = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**environment, "PATH": os.pathsep.join(kept)}


def install(wheel: Path, scratch: Path) -> str:
    venv.create(scratch / "venv", with_pip=True)
    python = str(scratch / "venv" / "bin" / "python")
    # The only requirements beside the wheel's own: what the example imports.
    requirements = ["fastapi", "python-multipart"]
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*command, str(wheel), *requirements],
        check=True,
        cwd=scratch,
        env=environment_without_rust(),
    )
    return python


def serve_and_fetch(python: str, scratch: Path) -> None:
    server = subprocess.Popen(
        [str(Path(python).with_name("rsgi")), "examples.fastapi_app:app", "--port", "0"],
        cwd=scratch,
        env=environment_without_rust(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(DEADLINE_SECONDS, server.kill)
    watchdog.start()
    lines: list[str] = []
    try:
        assert server.stderr is not None
        url = None
        for line in server.stderr:
            lines.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                url = found[1]
                break
        if url is None:
            sys.exit(f"error: the server did not start:\n{''.join(lines)}")
        with urllib.request.urlopen(f"{url}/openapi.json", timeout=DEADLINE_SECONDS) as response:
            if response.status != 200 or "paths" not in json.load(response):
                sys.exit("error: the example did not answer with its schema")
        server.send_signal(signal.SIGTERM)
        lines.extend(server.stderr)
        # The signal is raised again after the graceful stop, as under uvicorn.
        if server.wait() != -signal.SIGTERM or not any("Finished" in line for line in lines):
            sys.exit(f"error: no graceful stop (exit {server.returncode}):\n{''.join(lines)}")
    finally:
        watchdog.cancel()
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
