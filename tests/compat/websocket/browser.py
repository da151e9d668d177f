"""`Browser`: a real Chromium without a window that runs one page until the `with` block ends.

Knows no page. Debian's package is `chromium`; where no such program is, tests are skipped.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 45.0  # seconds: a browser takes several to start, and tests may have sixty
FLAGS = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",  # containers have little of it
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-proxy-server",
    "--no-sandbox",  # which root may not have, and which protects from strangers' pages
)


class Browser:
    """Opens one page.

    Args:
        url: of the page.
        profile: a directory of its own.
    """

    def __init__(self, url, profile):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        if program is None:
            pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
        self.errors = profile / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [program, *FLAGS, f"--user-data-dir={profile}", url],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def wait_for(self, posted):
        """The next thing in a queue, which the page's script has brought about."""
        try:
            return posted.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"nothing came of the page: {self.errors.read_text()}") from None

    def __exit__(self, *_):
        # It is a family of processes, which are one group here.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
