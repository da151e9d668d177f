"""Takes the native code off a daemon thread before the interpreter ends.

Python ends such a thread wherever it next needs the interpreter, by unwinding its stack, and no
stack may be unwound through the core: that would end the process with a crash. Knows no server.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import Callable, Generator

# Seconds that the end of the interpreter waits for the thread. A synchronous call of the
# application may keep it longer; then there is nothing that could be done.
PATIENCE = 1.0


@contextlib.contextmanager
def retired_at_exit(close: Callable[[], None]) -> Generator[None, None, None]:
    """While it is open, the end of the interpreter first has this thread's loop call `close`.

    After that the thread waits for good, outside of the core. Does nothing in a thread that the end
    of the interpreter waits for.
    """
    if not threading.current_thread().daemon:
        yield
        return
    loop = asyncio.get_running_loop()
    is_retired = threading.Event()

    def retire() -> None:
        try:
            close()
        finally:
            is_retired.set()
            threading.Event().wait()

    def end() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(retire)
            is_retired.wait(PATIENCE)

    atexit.register(end)
    try:
        yield
    finally:
        atexit.unregister(end)
