"""Under load no request is lost to a stop, and a signal at any moment ends the server as it should.

Each test repeats itself twenty times, with several servers at once: races are what it looks for.
"""

from __future__ import annotations

import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.process.command import PATIENCE, Command, server_arguments
from tests.process.peer import answer, request

REPEATS = 20
AT_ONCE = 4
CONNECTIONS = 6
LOOPS = ("asyncio", "uvloop")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# SIGINT ends nothing by itself: `rsgi` swallows what is left of it.
CODES = {
    signal.SIGTERM: -signal.SIGTERM,
    signal.SIGINT: 0,
    signal.SIGHUP: -signal.SIGHUP,
    None: 0,
}


def repeat(once):
    """Runs `once(number)` for every number; raises the first failure."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in [pool.submit(once, number) for number in range(REPEATS)]:
            outcome.result()


class Client(threading.Thread):
    """Asks on one connection again and again until the server says that it was the last answer.

    It never asks twice for the same: what was sent whole is answered, or it fails.
    """

    def __init__(self, port: int, after: int, enough: threading.Semaphore) -> None:
        super().__init__()
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._after, self._enough = after, enough
        self.answered = 0
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with self._sock:
                self._ask_until_closed()
        except BaseException as failure:
            self.failure = failure
            self._enough.release()

    def _ask_until_closed(self) -> None:
        is_last = False
        while not is_last:
            request(self._sock)
            status, fields, body = answer(self._sock)
            assert (status, body) == (200, b"served")
            is_last = fields.get("connection") == "close"
            self.answered += 1
            if self.answered >= self._after:
                self._enough.release()
        assert self._sock.recv(1) == b""


def test_no_request_is_lost_to_a_stop_under_load():
    # FLT-E1, O28: every request that was sent whole is answered, the last with connection: close.
    def once(number):
        # Every fourth one stops by itself, at a limit that comes in the middle of the load.
        sent = (*SIGNALS, None)[number % 4]
        options = ["--limit-max-requests", str(50 + number)] if sent is None else []
        loop_name = LOOPS[number // 4 % 2]
        with Command(server_arguments("served:app", "--loop", loop_name, *options)) as server:
            enough = threading.Semaphore(0)
            clients = [Client(server.port, 5 + number, enough) for _ in range(CONNECTIONS)]
            for client in clients:
                client.start()
            if sent is not None:
                for _ in clients:
                    assert enough.acquire(timeout=PATIENCE)
                server.send_signal(sent)
            for client in clients:
                client.join(PATIENCE)
                assert client.failure is None, client.failure
            assert server.wait() == CODES[sent]
            access = [line for line in server.out.rest() if '"GET / HTTP/1.1" 200 OK' in line]
            assert len(access) == sum(client.answered for client in clients)

    repeat(once)


MOMENTS = [
    "Started server process",
    "Waiting for application startup.",
    "Application startup complete.",
    "running on",
]


def test_signal_at_any_moment_of_the_start_ends_the_server():
    # O26, FLT-E16: whatever it was doing, it ends by that signal, and without a traceback.
    def once(number):
        sent = SIGNALS[number % 3]
        arguments = server_arguments("served:app", "--loop", LOOPS[number % 2])
        with Command(arguments) as server:
            server.err.wait(MOMENTS[number % len(MOMENTS)])
            assert server.stop(sent) == CODES[sent]
            lines = server.err.rest()
            assert not any(line.startswith("Traceback") for line in lines), lines
            started = "INFO:     Application startup complete." in lines
            stopped = "INFO:     Application shutdown complete." in lines
            assert started == stopped, lines

    repeat(once)


def test_signals_at_any_moment_of_the_stop_do_not_upset_it():
    # O21, O22: SIGTERM is what ends it, however many others follow.
    def once(number):
        arguments = server_arguments("served:app", "--loop", LOOPS[number % 2])
        with Command(arguments) as server:
            with server.connect() as peer:
                request(peer, "/upload", "POST", "content-length: 1\r\n")
                server.err.wait("request entered")
                server.send_signal(signal.SIGTERM)
                server.err.wait("Shutting down")
                for _ in range(number):
                    server.send_signal(signal.SIGTERM)
                peer.sendall(b"x")
                assert answer(peer)[2] == b"served"
            assert server.wait() == -signal.SIGTERM
            lines = server.err.rest()
            assert lines[-1] == f"INFO:     Finished server process [{server.pid}]"

    repeat(once)
