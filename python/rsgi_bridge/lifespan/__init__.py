"""The lifespan protocol: tells an application that serving begins and that it has ended.

The application runs in one task of its own for both (ASGI-90 to ASGI-98), so context variables that
it sets there are not seen by requests. Must not know of sockets or signals: `server.py` decides
when each method is called.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from typing import Any, Protocol

logger = logging.getLogger("uvicorn.error")


class LifespanConfig(Protocol):
    """What the lifespan reads of a `Config`."""

    lifespan: str
    loaded: bool
    loaded_app: Any

    def load(self) -> None: ...


class Phase(enum.Enum):
    """What the application has said so far.

    STARTING -> STARTED -> STOPPED | SHUTDOWN_FAILED, or STARTING -> STARTUP_FAILED
    """

    STARTING = enum.auto()
    STARTUP_FAILED = enum.auto()
    STARTED = enum.auto()
    SHUTDOWN_FAILED = enum.auto()
    STOPPED = enum.auto()


# What each message may follow, and what is so after it.
TRANSITIONS = {
    "lifespan.startup.complete": (Phase.STARTING, Phase.STARTED),
    "lifespan.startup.failed": (Phase.STARTING, Phase.STARTUP_FAILED),
    "lifespan.shutdown.complete": (Phase.STARTED, Phase.STOPPED),
    "lifespan.shutdown.failed": (Phase.STARTED, Phase.SHUTDOWN_FAILED),
}


class LifespanOn:
    """`--lifespan auto` and `on`: they differ in what an exception of the application means.

    Attributes:
        state: the dict that the application may fill; each request gets a shallow copy.
        should_exit: startup or shutdown failed.
        error_occurred: the application raised instead of answering.
    """

    def __init__(self, config: LifespanConfig) -> None:
        if not config.loaded:
            config.load()
        self.config = config
        self.state: dict[str, Any] = {}
        self.should_exit = False
        self.error_occurred = False
        self._phase = Phase.STARTING
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._startup_over = asyncio.Event()
        self._shutdown_over = asyncio.Event()
        self._shutdown_asked = False
        self._abandoned = False
        # Held because the event loop keeps only weak references to tasks.
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Starts the application's task and waits for its answer, however long it takes (O29)."""
        logger.info("Waiting for application startup.")
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._inbox.put_nowait({"type": "lifespan.startup"})
        await self._startup_over.wait()
        if self._phase is Phase.STARTUP_FAILED or self._exception_is_fatal():
            logger.error("Application startup failed. Exiting.")
            self.should_exit = True
        else:
            logger.info("Application startup complete.")

    async def shutdown(self) -> None:
        """Asks the application to clean up and waits until it has; later calls only wait."""
        if self.error_occurred:
            return
        if self._shutdown_asked:
            await self._shutdown_over.wait()
            return
        self._shutdown_asked = True
        logger.info("Waiting for application shutdown.")
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        await self._shutdown_over.wait()
        if self._phase is Phase.SHUTDOWN_FAILED or self._exception_is_fatal():
            logger.error("Application shutdown failed. Exiting.")
            self.should_exit = True
        else:
            logger.info("Application shutdown complete.")

    def abandon(self) -> None:
        """Cancels an application that will not be asked to shut down, whatever it says to that."""
        if self._task is not None and not self._shutdown_over.is_set():
            self._abandoned = True
            self._task.cancel()

    async def wait_abandoned(self, patience: float) -> bool:
        """Cancels the application; False if it has not ended after `patience` seconds."""
        self.abandon()
        if self._task is None:
            return True
        ended, _ = await asyncio.wait({self._task}, timeout=patience)
        return bool(ended)

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self.config.loaded_app(scope, self._receive, self._send)
        except BaseException as exc:  # SystemExit included: it would end the caller's loop
            self.error_occurred = True
            # A loop that ends cancels an application that goes on after its last answer.
            is_teardown = self._shutdown_over.is_set() and isinstance(exc, asyncio.CancelledError)
            if self._abandoned or self._has_failed() or is_teardown:
                return
            if self.config.lifespan == "auto":
                logger.info("ASGI 'lifespan' protocol appears unsupported.")
            else:
                logger.error("Exception in 'lifespan' protocol\n", exc_info=exc)
        finally:
            self._startup_over.set()
            self._shutdown_over.set()

    async def _receive(self) -> dict[str, Any]:
        return await self._inbox.get()

    async def _send(self, message: dict[str, Any]) -> None:
        if self._abandoned:
            return
        kind = message["type"]
        if kind not in TRANSITIONS:
            raise AssertionError(f"Unexpected ASGI message '{kind}' on lifespan protocol.")
        expected, reached = TRANSITIONS[kind]
        if self._phase is not expected:
            raise AssertionError("Got invalid state transition on lifespan protocol.")
        self._phase = reached
        if self._has_failed() and message.get("message"):
            logger.error(message["message"])
        if expected is Phase.STARTING:
            self._startup_over.set()
        else:
            self._shutdown_over.set()

    def _has_failed(self) -> bool:
        return self._phase in (Phase.STARTUP_FAILED, Phase.SHUTDOWN_FAILED)

    def _exception_is_fatal(self) -> bool:
        # In mode `auto` an exception says that the application does not know the protocol.
        return self.error_occurred and self.config.lifespan == "on"


class LifespanOff:
    """`--lifespan off`: the application is told nothing."""

    def __init__(self, config: LifespanConfig) -> None:
        self.state: dict[str, Any] = {}
        self.should_exit = False

    async def startup(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    def abandon(self) -> None:
        pass

    async def wait_abandoned(self, patience: float) -> bool:
        return True
