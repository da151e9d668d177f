"""Programs that were written for uvicorn, with one line changed: `import rsgi_bridge as uvicorn`.

Each is what users have in their repositories, polling loops included. What `run` and `serve`
promise beyond that is in test_embedding.py.
"""

from __future__ import annotations

import signal
import sys
from textwrap import dedent

import pytest

from tests.process.command import HERE
from tests.process.peer import fetch


@pytest.fixture
def program(command, tmp_path):
    """Runs the source of a file called main.py, with `served` beside it."""

    def start(source, *arguments, **environment):
        path = tmp_path / "main.py"
        path.write_text(dedent(source))
        environment = {"PYTHONPATH": str(HERE)} | environment
        return command([sys.executable, str(path), *arguments], environment=environment)

    return start


def test_script_that_names_its_own_application(program):
    # U2.2
    server = program(
        """
        import rsgi_bridge as uvicorn
        from served import app

        if __name__ == "__main__":
            uvicorn.run("main:app", host="127.0.0.1", port=0, log_level="info")
            print("done", flush=True)
        """
    )
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGINT) == 0
    assert server.out.rest()[-1] == "done"


def test_script_that_passes_its_application(program):
    # U2.2
    server = program(
        """
        import rsgi_bridge as uvicorn
        from served import app

        if __name__ == "__main__":
            uvicorn.run(app, host="0.0.0.0", port=0, access_log=False, server_header=False)
        """
    )
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGTERM) == -signal.SIGTERM
    assert server.out.rest() == []


def test_script_that_calls_the_command(program):
    # U2.1
    server = program(
        """
        import rsgi_bridge as uvicorn
        uvicorn.main(["served:app", "--port", "0"])
        """
    )
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGINT) == 0


def test_script_that_changes_the_logging_configuration(program):
    # U2.3, U5.1
    server = program(
        """
        import rsgi_bridge as uvicorn
        from rsgi_bridge.config import LOGGING_CONFIG

        LOGGING_CONFIG["formatters"]["default"]["fmt"] = "mine: %(message)s"
        uvicorn.config.LOGGING_CONFIG["formatters"]["access"]["fmt"] = "seen: %(request_line)s"
        uvicorn.run("served:app", port=0)
        """
    )
    assert fetch(server.port, "/a") == b"served"
    assert server.stop(signal.SIGINT) == 0
    assert all(line.startswith("mine: ") for line in server.err.rest())
    assert server.out.rest() == ["seen: GET /a HTTP/1.1"]


def test_config_and_server_by_hand(program):
    # U2.3, U2.4
    server = program(
        """
        import asyncio
        import rsgi_bridge as uvicorn

        async def main():
            config = uvicorn.Config("served:app", port=0, log_level="info")
            server = uvicorn.Server(config)
            await server.serve()

        if __name__ == "__main__":
            asyncio.run(main())
        """
    )
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGINT) != 0  # asyncio.run raises the interrupt again
    assert server.err.rest()[-1] == "KeyboardInterrupt"


def test_notebook_that_awaits_the_server_on_its_loop(program):
    # U2.4: one cell starts it, others talk to it and stop it; the loop goes on.
    server = program(
        """
        import asyncio
        import rsgi_bridge as uvicorn
        from served import app

        async def cells():
            server = uvicorn.Server(uvicorn.Config(app, port=0))
            task = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            host, port = server.servers[0].sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET / HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n")
            print((await reader.read()).decode().splitlines()[-1], flush=True)
            writer.close()
            server.should_exit = True
            await task
            await asyncio.sleep(0)
            print("still here", flush=True)

        asyncio.run(cells())
        """
    )
    assert server.wait() == 0
    assert server.out.rest()[-2:] == ["served", "still here"]


def test_server_in_a_thread_for_the_time_of_a_block(program):
    # U2.4
    server = program(
        """
        import contextlib, threading, time, urllib.request
        import rsgi_bridge as uvicorn
        from served import app

        class Server(uvicorn.Server):
            def install_signal_handlers(self):
                pass

            @contextlib.contextmanager
            def run_in_thread(self):
                thread = threading.Thread(target=self.run)
                thread.start()
                try:
                    while not self.started:
                        time.sleep(1e-3)
                    yield
                finally:
                    self.should_exit = True
                    thread.join()

        server = Server(config=uvicorn.Config(app, port=0, log_level="warning"))
        with server.run_in_thread():
            port = server.servers[0].sockets[0].getsockname()[1]
            print(urllib.request.urlopen(f"http://127.0.0.1:{port}").read().decode(), flush=True)
        print(server.started, server.server_state.total_requests, flush=True)
        """
    )
    assert server.wait() == 0
    assert [line for line in server.out.rest() if "GET" not in line] == ["served", "True 1"]
    assert server.err.rest() == []


def test_server_of_a_fixture_with_a_socket_of_its_own(program):
    # U2.4: the port is known before anything runs, and there is no running line.
    server = program(
        """
        import socket, threading, time, urllib.request
        import rsgi_bridge as uvicorn
        from served import app

        def live_server():
            sock = socket.socket()
            sock.bind(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
            port = sock.getsockname()[1]
            thread.start()
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
            server.should_exit = True
            thread.join(timeout=20)
            assert not thread.is_alive()

        for url in live_server():
            print(urllib.request.urlopen(url).read().decode(), flush=True)
        """
    )
    assert server.wait() == 0
    assert server.out.rest() == ["served"]


def test_subclass_that_learns_of_readiness_and_leaves_signals_alone(program):
    # U2.4
    server = program(
        """
        import contextlib, signal
        import rsgi_bridge as uvicorn

        class Server(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self):
                yield

            async def startup(self, sockets=None):
                await super().startup(sockets=sockets)
                print("ready", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)

            async def shutdown(self, sockets=None):
                print("over", flush=True)
                await super().shutdown(sockets=sockets)

            async def on_tick(self, counter):
                return self.server_state.total_requests > 0 or await super().on_tick(counter)

        Server(uvicorn.Config("served:app", port=0)).run()
        """
    )
    assert fetch(server.port) == b"served"
    assert server.wait() == 0
    assert [line for line in server.out.rest() if "GET" not in line] == ["ready True", "over"]


def test_library_that_patches_handle_exit_hears_of_the_stop(program):
    # U2.4: sse-starlette's two ways to learn that the server is about to stop.
    server = program(
        """
        import signal
        import rsgi_bridge as uvicorn
        from rsgi_bridge.main import Server

        original = Server.handle_exit

        def handle_exit(self, *args, **kwargs):
            handler = signal.getsignal(signal.SIGTERM)
            before = handler.__self__.should_exit
            original(self, *args, **kwargs)
            print(before, handler.__self__.should_exit, handler.__self__ is self, flush=True)

        Server.handle_exit = handle_exit
        uvicorn.run("served:app", port=0)
        """
    )
    server.err.wait("running on")
    assert server.stop(signal.SIGINT) == 0
    assert server.out.rest() == ["False True True"]


def test_shutdown_from_outside_while_it_serves(program):
    # U2.4: the stop of programs that own the loop; serve itself is cancelled afterwards.
    server = program(
        """
        import asyncio, contextlib
        import rsgi_bridge as uvicorn

        async def main():
            server = uvicorn.Server(uvicorn.Config("served:app", port=0))
            task = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            await server.shutdown()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            print("down", flush=True)

        asyncio.run(main())
        """
    )
    assert server.wait() == 0
    assert server.out.rest() == ["down"]
    assert "INFO:     Application shutdown complete." in server.err.rest()


def test_files_of_the_environment_and_of_logging(program, tmp_path):
    # U1.2, U5.1
    pytest.importorskip("dotenv")
    (tmp_path / "env").write_text("GREETING=hello\nFORWARDED_ALLOW_IPS=10.0.0.1\n")
    (tmp_path / "log.json").write_text(
        """{"version": 1, "disable_existing_loggers": false,
            "formatters": {"a": {"()": "uvicorn.logging.DefaultFormatter", "fmt": "%(message)s"}},
            "handlers": {"a": {"class": "logging.StreamHandler", "formatter": "a"}},
            "loggers": {"uvicorn": {"handlers": ["a"], "level": "INFO"}}}"""
    )
    server = program(
        """
        import os, sys
        import rsgi_bridge as uvicorn
        from served import app

        def factory():
            print(os.environ["GREETING"], flush=True)
            return app

        if __name__ == "__main__":
            uvicorn.main(sys.argv[1:])
        """,
        "main:factory",
        "--factory",
        *("--port", "0"),
        *("--env-file", str(tmp_path / "env")),
        *("--log-config", str(tmp_path / "log.json")),
    )
    assert fetch(server.port) == b"served"
    assert server.stop(signal.SIGINT) == 0
    assert server.out.rest()[0] == "hello"
    assert server.err.rest()[0] == f"Loading environment from '{tmp_path / 'env'}'"
