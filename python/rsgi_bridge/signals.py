"""Which signals stop a server, for how long they are its own, and that their sender is not cheated.

Sets handlers and puts them back. What a handler does is not decided here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any, TypeAlias

# SIGHUP is a graceful stop as well, so that a closed terminal loses no request (O31).
HANDLED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler: TypeAlias = Callable[[int, FrameType | None], None]


def may_handle() -> bool:
    """Python runs signal handlers in the main thread only, and lets no other set them."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def handled_by(handler: Handler) -> Generator[None, None, None]:
    """Has every signal of ours handled by `handler` while it is open."""
    # signal.signal, because loop.add_signal_handler could not put back what was there before, and
    # because sse-starlette looks for `should_exit` on the object that a bound handler belongs to.
    before: dict[int, Any] = {
        number: signal.signal(number, handler)
        for number in HANDLED_SIGNALS
        # nohup's wish is older than ours.
        if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN)
    }
    try:
        yield
    finally:
        for number, older in before.items():
            # None: a handler that was not set in Python, and cannot be set from it.
            signal.signal(number, signal.SIG_DFL if older is None else older)


@contextlib.contextmanager
def ending_first_process() -> Generator[None, None, None]:
    """While it is open, a signal that ends any other process ends process 1 as well.

    The kernel spares process 1 what it has no handler for: a container that is told to stop while
    it imports an application would import on, and serve until it is killed.
    """
    if os.getpid() != 1 or not may_handle():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)  # as a shell tells it

    spared = [
        number
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) == signal.SIG_DFL
    ]
    for number in spared:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in spared:
            signal.signal(number, signal.SIG_DFL)


def raise_again(numbers: list[int]) -> None:
    """Raises captured signals, the last first, and forgets them.

    So that whoever sent them sees their usual effect: SIGTERM ends the process (O21), also where a
    SIGINT came after it.
    """
    captured, numbers[:] = numbers[::-1], []
    interrupted: KeyboardInterrupt | None = None
    for number in captured:
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt as exc:
            interrupted = exc
    if interrupted is not None:
        raise interrupted
