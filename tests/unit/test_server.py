"""server.py: the order of things from start to stop, addresses, and every way not to start."""

from __future__ import annotations

import asyncio
import logging
import os
import socket

import pytest

from rsgi_bridge import server
from tests.unit.stand_in import FINISHED, RUNNING, STARTED, make, messages, serve, serving

pytestmark = pytest.mark.usefixtures("bridge_class")


def test_whole_life_in_order(app, events, log):
    serve(make(app, ticks=1))
    lines = messages(log)
    assert lines.pop(3).startswith("rsgi running on http://127.0.0.1:")
    assert lines == [
        STARTED,
        "Waiting for application startup.",
        "Application startup complete.",
        "Shutting down",
        "Waiting for application shutdown.",
        "Application shutdown complete.",
        FINISHED,
    ]
    assert events == ["lifespan.startup", "lifespan.shutdown"]


def test_lifespan_off_says_nothing_of_the_application(app, events, log):
    serve(make(app, ticks=1, lifespan="off"))
    lines = messages(log)
    assert lines.pop(1).startswith(RUNNING)
    assert lines == [STARTED, "Shutting down", FINISHED]
    assert events == []


def test_nothing_listens_before_startup_is_complete(events, bridge_class):
    # O24, ASGI-93
    async def app(scope, receive, send):
        await receive()
        events.append(list(bridge_class.made.calls))
        await send({"type": "lifespan.startup.complete"})
        await receive()

    serve(make(app, ticks=1))
    assert events == [[]]
    assert bridge_class.made.calls[0] == "listen"


def test_connections_are_gone_before_the_application_cleans_up(events, bridge_class):
    # ASGI-95
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        events.append(list(bridge_class.made.calls))

    serve(make(app, ticks=1))
    assert events == [["listen", "drain", "abort", "close"]]


def test_bridge_gets_the_state_and_the_loggers(app, bridge_class):
    async def filling(scope, receive, send):
        scope["state"]["pool"] = "a pool"
        await app(scope, receive, send)

    serve(make(filling, ticks=1))
    made = bridge_class.made
    assert made.state == {"pool": "a pool"}
    assert made.logger.name == "uvicorn.error"
    assert made.access_logger.name == "uvicorn.access"


def test_no_access_log_gives_the_bridge_no_logger(app, bridge_class):
    serve(make(app, ticks=1, access_log=False))
    assert bridge_class.made.access_logger is None


# --- Addresses ---


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("127.0.0.1", "http://127.0.0.1:{port}"),
        ("localhost", "http://localhost:{port}"),
        ("", "http://:{port}"),
        (None, "http://0.0.0.0:{port}"),
    ],
)
def test_running_line_has_the_host_as_configured(app, log, host, line):
    async def main():
        made = make(app, host=host)
        async with serving(made):
            return made.servers[0].sockets[0].getsockname()[1]

    port = asyncio.run(main())
    assert f"{RUNNING}{line.format(port=port)} (Press CTRL+C to quit)" in messages(log)


def test_running_line_brackets_ipv6(app, log):
    made = make(app, host="::1", port=8000)
    with socket.socket() as sock:
        made._log_started_message([sock])
    assert messages(log) == [f"{RUNNING}http://[::1]:8000 (Press CTRL+C to quit)"]


def test_running_line_of_a_unix_socket(app, log, tmp_path, monkeypatch, bridge_class):
    monkeypatch.chdir(tmp_path)
    made = make(app, uds="server.sock")
    found = []

    async def on_tick(counter):
        found.extend(os.listdir())
        return True

    made.on_tick = on_tick
    serve(made)
    assert found == ["server.sock"]
    assert f"{RUNNING}unix socket server.sock (Press CTRL+C to quit)" in messages(log)
    assert bridge_class.made.paths == ["server.sock"]
    assert not os.path.exists("server.sock")


def test_running_line_is_bold_in_colour(app, log):
    serve(make(app, ticks=1))
    (record,) = [r for r in log.records if r.getMessage().startswith(RUNNING)]
    assert record.color_message == (
        "rsgi running on \x1b[1m%s://%s:%d\x1b[0m (Press CTRL+C to quit)"
    )


def test_port_is_known_while_serving(app):
    async def main():
        made = make(app)
        async with serving(made):
            address = made.servers[0].sockets[0].getsockname()
            with socket.create_connection(address, timeout=5):
                pass

    asyncio.run(main())


def test_given_sockets_are_served_without_a_line_and_closed(app, log, bridge_class):
    sockets = [socket.socket(), socket.socket()]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))

    async def main():
        made = make(app)
        async with serving(made, sockets):
            assert [group.sockets for group in made.servers] == [(sock,) for sock in sockets]

    asyncio.run(main())
    assert not any(line.startswith(RUNNING) for line in messages(log))
    assert [sock.fileno() for sock in sockets] == [-1, -1]
    assert bridge_class.made.calls[:2] == ["listen", "listen"]
    assert bridge_class.made.paths == [None, None]


# --- Failing to start ---


def exit_code(made):
    with pytest.raises(SystemExit) as caught:
        serve(made)
    assert made.servers == []
    return caught.value.code


def test_taken_port_is_told_before_the_application_is_imported(log):
    # O24, FLT-D10
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        made = make("no_such_module:app", port=port)
        assert exit_code(made) == 3
    assert messages(log) == [
        "[Errno 98] error while attempting to bind on address "
        f"('127.0.0.1', {port}): address already in use"
    ]
    assert log.records[0].levelno == logging.ERROR


def test_socket_that_cannot_listen_stops_the_application(app, events, log):
    # O24: two sockets may be bound to one address, only one of them may listen.
    made = make(app)
    made.bind()
    with socket.socket() as faster:
        faster.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        faster.bind(made.servers[0].sockets[0].getsockname())
        faster.listen()
        assert exit_code(made) == 3
    assert events == ["lifespan.startup", "lifespan.shutdown"]
    (error,) = messages(log, logging.ERROR)
    assert error.endswith("address already in use")


@pytest.mark.parametrize(("exists", "code"), [(True, 1), (False, 1)])
def test_unix_socket_without_a_place_exits_with_uvicorns_code(app, log, tmp_path, exists, code):
    path = tmp_path / "file"
    if exists:
        path.touch()
    else:
        path /= "server.sock"
    assert exit_code(make(app, uds=str(path))) == code
    assert len(messages(log, logging.ERROR)) == 1


def test_live_unix_socket_exits_as_a_taken_port(app, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind("server.sock")
        taken.listen()
        assert exit_code(make(app, uds="server.sock")) == 3


def test_failed_startup_exits_without_a_last_line(log):
    # ASGI-94
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        await receive()

    made = make(app)
    assert exit_code(made) == 3
    assert not made.started
    assert messages(log)[-2:] == ["no database", "Application startup failed. Exiting."]


def test_wrong_option_is_told_before_the_application_starts(app, events, monkeypatch):
    def refuse(*_):
        raise ValueError("not a valid header field")

    monkeypatch.setattr(server, "Bridge", refuse)
    made = make(app)
    with pytest.raises(ValueError, match="not a valid header field"):
        serve(made)
    assert events == []
    assert made.servers == []


def test_failed_application_shutdown_is_no_failure_of_the_server(log):
    # O23
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed"})

    serve(make(app, ticks=1))
    assert messages(log)[-2:] == ["Application shutdown failed. Exiting.", FINISHED]


# --- Server.run ---


def test_run_serves_on_a_loop_of_its_own(app, events, loop_name):
    make(app, ticks=1, loop=loop_name).run()
    assert events == ["lifespan.startup", "lifespan.shutdown"]


def test_run_within_a_running_loop_is_refused(app):
    async def main():
        make(app).run()

    with pytest.raises(RuntimeError, match="without a running event loop"):
        asyncio.run(main())


def test_run_cancels_what_the_application_left_running(events, loop_name):
    async def background():
        try:
            await asyncio.Event().wait()
        finally:
            events.append("cancelled")

    async def app(scope, receive, send):
        scope["state"]["task"] = asyncio.ensure_future(background())
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()

    make(app, ticks=1, loop=loop_name).run()
    assert events == ["cancelled"]


def test_what_ended_the_server_is_no_context_of_a_cancelled_task(events):
    # Else each application that logs its cancellation logs the server's end as well.
    async def background():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as exc:
            events.append(exc.__context__)

    async def app(scope, receive, send):
        scope["state"]["task"] = asyncio.ensure_future(background())
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()

    async def on_tick(counter):
        raise LookupError

    made = make(app)
    made.on_tick = on_tick
    with pytest.raises(LookupError):
        made.run()
    assert events == [None]
