"""What a load came to, whoever made it. Makes none, and knows no server."""

from __future__ import annotations

from dataclasses import dataclass


class LoadError(Exception):
    """The load failed, or saw an answer that it calls an error: the figures would mean nothing."""


class UnsupportedError(Exception):
    """The server keeps to the protocol and yet cannot serve this load: a fact, not a failure."""


@dataclass(frozen=True)
class Load:
    """What was answered, and what asking for it took; latencies in microseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds
