"""wsgi/threads.py: how many threads there are, when they end, and that no job is forgotten."""

from __future__ import annotations

import threading

import pytest

from rsgi_bridge.wsgi.threads import Threads

PATIENCE = 10.0


class Job:
    """Waits, in its thread, until a test lets it end."""

    def __init__(self):
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.thread = None
        self._release = threading.Event()

    def __call__(self):
        self.thread = threading.current_thread()
        self.begun.set()
        assert self._release.wait(PATIENCE)
        self.ended.set()

    def release(self):
        self._release.set()
        assert self.ended.wait(PATIENCE)


@pytest.fixture
def threads_of():
    """`threads_of(limit, ...)`: threads that end with the test."""
    made = []

    def make(limit, **options):
        made.append(Threads(limit, "test", **options))
        return made[-1]

    yield make
    for threads in made:
        threads.close()


def begun(job):
    assert job.begun.wait(PATIENCE)
    return job


def ended(thread):
    thread.join(PATIENCE)
    return not thread.is_alive()


def test_job_runs_in_a_thread_that_does_not_delay_the_exit(threads_of):
    # WSGI-11
    threads, job = threads_of(1), Job()
    threads.run(job)
    begun(job)
    assert job.thread.daemon
    assert job.thread.name == "test-1"
    job.release()


def test_limit_holds_and_jobs_wait_in_order(threads_of):
    # WSGI-11
    threads = threads_of(2)
    jobs = [Job() for _ in range(4)]
    for job in jobs:
        threads.run(job)
    begun(jobs[0])
    begun(jobs[1])
    assert not jobs[2].begun.is_set()
    jobs[0].release()
    begun(jobs[2])
    assert not jobs[3].begun.is_set()
    assert jobs[2].thread is jobs[0].thread
    for job in jobs[1:]:
        begun(job).release()


def test_thread_is_used_again(threads_of):
    threads = threads_of(1)
    first, second = Job(), Job()
    for job in (first, second):
        threads.run(job)
        begun(job).release()
    assert first.thread is second.thread


def test_idle_thread_ends_after_a_while(threads_of):
    # WSGI-11
    threads, job = threads_of(1, patience=0.01), Job()
    threads.run(job)
    begun(job).release()
    assert ended(job.thread)
    later = Job()
    threads.run(later)
    begun(later).release()
    assert later.thread is not job.thread


def test_closing_ends_idle_threads(threads_of):
    # WSGI-11
    threads, job = threads_of(1, patience=3600), Job()
    threads.run(job)
    begun(job).release()
    threads.close()
    assert ended(job.thread)


def test_closing_forgets_no_job(threads_of):
    threads = threads_of(1, patience=3600)
    running, waiting = Job(), Job()
    threads.run(running)
    threads.run(waiting)
    begun(running)
    threads.close()
    running.release()
    begun(waiting).release()
    assert ended(running.thread)


def test_no_job_is_forgotten_where_threads_end_all_the_time(threads_of):
    """A job must not be left to a thread that has just decided to end."""
    threads = threads_of(3, patience=0.0001)
    left = threading.Semaphore(0)
    for _ in range(500):
        threads.run(left.release)
        # Every second time the threads have had the time to become idle.
        assert left.acquire(timeout=PATIENCE)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_job_that_raises_costs_its_thread_alone(threads_of):
    threads = threads_of(1)
    failing, job = Job(), Job()

    def fails():
        failing()
        raise LookupError("in a job")

    threads.run(fails)
    begun(failing).release()
    assert ended(failing.thread)
    threads.run(job)
    begun(job).release()


def test_no_thread_to_be_had_is_told_to_the_first_job(threads_of, monkeypatch):
    """The system is out of threads: the request fails, rather than wait for ever."""
    threads, refused = threads_of(2), Job()

    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        threads.run(refused)
    monkeypatch.undo()
    job = Job()
    threads.run(job)
    begun(job).release()
    assert not refused.begun.is_set()


def test_no_further_thread_to_be_had_lets_a_job_wait(threads_of, monkeypatch):
    threads = threads_of(2)
    running, waiting = Job(), Job()
    threads.run(running)
    begun(running)

    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    threads.run(waiting)
    monkeypatch.undo()
    running.release()
    begun(waiting).release()
    assert waiting.thread is running.thread


def test_limit_is_at_least_one():
    with pytest.raises(ValueError, match="At least one thread"):
        Threads(0, "test")
