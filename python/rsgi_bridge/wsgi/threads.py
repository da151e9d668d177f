"""`Threads`: a bounded number of daemon threads that run jobs in order. Knows no WSGI.

Not a `ThreadPoolExecutor`, whose threads the interpreter waits for at exit: one request that hangs
would keep a server alive that was told twice to stop. And its threads never end by themselves.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Threads:
    """Runs jobs in at most `limit` threads, each started when no other one is free.

    Args:
        limit: how many jobs run at a time.
        name: what the threads' names begin with.
        patience: seconds for which an idle thread waits for a job before it ends.
    """

    def __init__(self, limit: int, name: str, patience: float = 10.0) -> None:
        if limit < 1:
            raise ValueError(f"At least one thread is needed: {limit}")
        self._limit = limit
        self._name = name
        self._patience = patience
        self._changed = threading.Condition()
        # All of these only under `_changed`.
        self._jobs: deque[Callable[[], object]] = deque()
        self._alive = 0
        self._idle = 0
        self._started = 0
        self._closed = False

    def run(self, job: Callable[[], object]) -> None:
        """Hands a job to a thread, or lets it wait for one. The job must not raise."""
        with self._changed:
            self._jobs.append(job)
            if self._idle >= len(self._jobs):
                self._changed.notify()
            elif self._alive < self._limit:
                self._start_thread()

    def close(self) -> None:
        """Lets threads end as soon as no job waits; does not wait for those that run one."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _start_thread(self) -> None:
        name = f"{self._name}-{self._started + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._alive += 1
        try:
            thread.start()
        except RuntimeError:  # the system has no more of them
            self._alive -= 1
            if self._alive == 0:
                self._jobs.pop()
                raise
            return  # the job waits for one of those that there are
        self._started += 1

    def _work(self) -> None:
        try:
            while (job := self._next_job()) is not None:
                job()
                del job  # its memory must not wait for the next one
        except BaseException:
            with self._changed:
                self._alive -= 1
            raise

    def _next_job(self) -> Callable[[], object] | None:
        """Waits for a job; None if the thread is to end, and no longer counted."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._jobs or self._closed, self._patience)
            self._idle -= 1
            if self._jobs:
                return self._jobs.popleft()
            self._alive -= 1
            return None
