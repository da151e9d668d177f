"""Programs that start the server themselves: through `run`, through `Server`, in a thread."""

from __future__ import annotations

import signal
import sys
from textwrap import dedent

import pytest

from tests.process.command import HERE
from tests.process.peer import fetch


@pytest.fixture
def program(command):
    """Runs Python source beside `served.py`."""
    return lambda source: command([sys.executable, "-c", dedent(source)], cwd=HERE)


RUN = """
    import rsgi_bridge
    from served import app
    rsgi_bridge.run(app, port=0)
    print("after run", flush=True)
"""


def test_run_returns_after_an_interrupt(program):
    server = program(RUN)
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGINT) == 0
    assert server.out.rest()[-1] == "after run"


def test_run_does_not_return_after_a_term(program):
    # O21
    server = program(RUN)
    server.err.wait("running on")
    assert server.stop(signal.SIGTERM) == -signal.SIGTERM
    assert "after run" not in server.out.rest()


def test_run_exits_if_it_cannot_start(program):
    server = program(
        """
        import rsgi_bridge
        rsgi_bridge.run("served:failing_startup", port=0)
        print("after run", flush=True)
        """
    )
    assert server.wait() == 3
    assert server.out.rest() == []


def test_serve_in_a_thread_leaves_signals_to_the_program(program):
    server = program(
        """
        import asyncio, threading
        from rsgi_bridge import Config, Server
        from served import app
        made = Server(Config(app, port=0))
        over = threading.Event()
        def serve():
            asyncio.run(made.serve())
            over.set()
        threading.Thread(target=serve).start()
        try:
            over.wait()
        except KeyboardInterrupt:
            # Not Thread.join: below 3.13 an interrupted one takes the thread for ended.
            print("interrupted", flush=True)
            made.should_exit = True
            over.wait()
        """
    )
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGINT) == 0
    assert server.out.rest()[-1] == "interrupted"
    assert server.err.rest()[-1].startswith("INFO:     Finished server process")


def test_handler_of_the_program_is_called_after_the_shutdown(program):
    # O21
    server = program(
        """
        import asyncio, signal
        from rsgi_bridge import Config, Server
        from served import app
        signal.signal(signal.SIGTERM, lambda *_: print("handled", flush=True))
        asyncio.run(Server(Config(app, port=0)).serve())
        print("after serve", flush=True)
        """
    )
    server.err.wait("running on")
    assert server.stop(signal.SIGTERM) == 0
    assert server.out.rest() == ["handled", "after serve"]
    assert server.err.rest()[-1].startswith("INFO:     Finished server process")


def test_server_may_serve_twice_in_one_process(program):
    server = program(
        """
        import rsgi_bridge
        from served import app
        for _ in range(2):
            rsgi_bridge.run(app, port=0, limit_max_requests=1)
        """
    )
    assert fetch(server.port) == b"served"
    server.err.wait("running on", times=2)
    second = server.err.all[-1]
    assert fetch(int(second.split(" (Press")[0].rpartition(":")[2])) == b"served"
    assert server.wait() == 0


def test_servers_in_threads_leave_no_descriptor_behind(program):
    """Each has a poller, a waker and sockets; its thread, where they belong, has ended."""
    server = program(
        """
        import gc, os, threading
        from rsgi_bridge import Config, Server
        from served import app

        def serve_once():
            server = Server(Config(app, port=0, log_level="critical"))
            started = threading.Event()
            startup = server.startup

            async def tell(sockets=None):
                await startup(sockets=sockets)
                started.set()

            server.startup = tell
            thread = threading.Thread(target=server.run)
            thread.start()
            started.wait()
            server.should_exit = True
            thread.join()

        def count():
            gc.collect()
            return len(os.listdir("/proc/self/fd"))

        serve_once()
        before = count()
        for _ in range(5):
            serve_once()
        print(count() - before, flush=True)
        """
    )
    assert server.wait() == 0
    assert server.out.rest()[-1] == "0"


HAMMERED = """
    import subprocess, sys, threading
    from rsgi_bridge import Config, Server
    from served import app

    server = Server(Config(app, port=0, log_level="critical", access_log=False))
    started = threading.Event()
    startup = server.startup

    async def tell(sockets=None):
        await startup(sockets=sockets)
        started.set()

    server.startup = tell
    threading.Thread(target=server.run, daemon=True).start()
    started.wait()
    client = subprocess.Popen(
        [sys.executable, "-S", "-c", CLIENT, str(server.servers[0].sockets[0].getsockname()[1])],
        stdout=subprocess.PIPE,
    )
    client.stdout.readline()  # it is at it
"""
CLIENT = """
import contextlib, socket, sys
address = ("127.0.0.1", int(sys.argv[1]))
with contextlib.suppress(OSError), socket.create_connection(address) as peer:
    asked = b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" * 50
    for round in range(1_000_000):
        peer.sendall(asked)
        if not peer.recv(65536):
            break
        if round == 20:
            print(flush=True)
"""


def test_end_of_the_program_takes_a_daemon_thread_out_of_the_core(program):
    """Python unwinds its stack wherever it is, which must not be in native code that catches."""
    source = HAMMERED.replace("CLIENT", repr(CLIENT.replace("\\\\", "\\")), 1)
    servers = [program(source) for _ in range(8)]
    assert [server.wait() for server in servers] == [0] * 8
    assert [server.err.rest() for server in servers] == [[]] * 8
