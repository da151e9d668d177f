"""The extension module: the whole boundary between policy (Python) and mechanism (Rust)."""

import logging
from typing import Any, final

from rsgi_bridge.config import Config

__all__ = ["Bridge", "__version__"]

__version__: str

@final
class Bridge:
    """Joins listening sockets, one ASGI application and the running event loop."""

    def __new__(
        cls,
        config: Config,
        state: dict[str, Any],
        logger: logging.Logger,
        access_logger: logging.Logger | None,
        disconnected: type[OSError],
    ) -> Bridge:
        """Needs a running event loop; `state` is copied for each request, and `disconnected` is
        raised by a `send` to a WebSocket whose peer has left.
        """

    def listen(self, fd: int, server_path: str | None = None) -> None:
        """Accepts from a duplicate of a listening socket."""

    def unlisten(self, fd: int) -> None:
        """Accepts no more from the socket that `listen` was given by this number."""

    def turn(self) -> None:
        """Does what is ready; the event loop calls it."""

    def drain(self) -> None:
        """Stops accepting; what runs is finished, idle connections close after a grace."""

    def abort(self) -> None:
        """Closes every connection at once."""

    def cancel_tasks(self, message: str) -> int:
        """Cancels every running application task; says how many."""

    def close(self) -> None:
        """Gives everything back; idempotent."""

    @property
    def connections(self) -> int:
        """Open connections."""

    @property
    def tasks(self) -> int:
        """Running application calls."""

    @property
    def total_requests(self) -> int:
        """Completed responses."""
