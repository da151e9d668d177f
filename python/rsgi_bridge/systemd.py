"""`Notifier`: tells the service manager when a server is ready, alive and stopping.

The protocol is that of sd_notify(3). Nobody waits for an answer: there is none, and a manager that
does not listen must not keep a server from serving.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

# Seconds that a full queue of the manager's may take to drain.
PATIENCE = 0.2


class Notifier:
    """Speaks to the socket in `NOTIFY_SOCKET`; silent where there is none.

    Args:
        environment: the variables that the manager has set.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A path, or a name in Linux's abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._interval = _watchdog_interval(environment) if self._address else None
        self._alive_until = 0.0

    def ready(self, status: str) -> None:
        """Connections are accepted."""
        self._tell("READY=1", f"STATUS={status}", f"MAINPID={os.getpid()}")

    def stopping(self) -> None:
        """No more connections are accepted."""
        self._tell("STOPPING=1", "STATUS=Shutting down")

    def alive(self, now: float) -> None:
        """Feeds the watchdog, twice in each of its intervals; to be called more often than that."""
        if self._interval is not None and now >= self._alive_until:
            self._alive_until = now + self._interval / 2
            self._tell("WATCHDOG=1")

    def _tell(self, *assignments: str) -> None:
        if not self._address:
            return
        # A line break in a socket's path must not become an assignment.
        lines = [assignment.replace("\n", " ") for assignment in assignments]
        message = "\n".join(lines).encode("utf-8", "surrogateescape")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.sendto(message, self._address)


def _watchdog_interval(environment: Mapping[str, str]) -> float | None:
    """Seconds within which the manager wants to hear of this process."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    owner = environment.get("WATCHDOG_PID", str(os.getpid()))
    if not (microseconds.isascii() and microseconds.isdigit()) or owner != str(os.getpid()):
        return None
    return int(microseconds) / 1_000_000 or None
