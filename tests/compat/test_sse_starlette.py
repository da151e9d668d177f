"""sse-starlette: streams, pings, leaving clients, and how it learns that the server stops.

It asks the SIGTERM handler for the object that it is bound to, and that object for `should_exit`.
"""

from __future__ import annotations

import signal

import httpx
import pytest

from tests.compat.conftest import served_by_command
from tests.compat.sites.events_site import app

SITE = "tests.compat.sites.events_site:app"


@pytest.fixture(params=["asyncio", "uvloop"])
def process(request):
    """The site in a process, because only a main thread gets signals."""
    with served_by_command(SITE, "--loop", request.param, "--lifespan", "off") as client:
        yield client


def test_events(client_of):
    """ASGI-48: fields of several lines, in their order, and an end."""
    response = client_of(app).get("/count?to=100")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    events = response.text.split("\r\n\r\n")[:-1]
    assert len(events) == 100
    assert events[99] == "id: 99\r\nevent: count\r\ndata: line 1\r\ndata: line 99"


def test_head(client_of):
    """ASGI-53: only the head is sent; the stream ends with its client, be it never so endless."""
    client = client_of(app)
    # Older Starlettes stream to a HEAD as well, and until that ends the connection is busy.
    assert client.head("/endless", headers={"connection": "close"}).status_code == 200
    assert client.get("/count?to=1").status_code == 200


def test_pings_and_a_leaving_client(client_of):
    """FLT-B1: pings come while nothing else does; the close handler runs when the client leaves."""
    client = client_of(app)
    with client.stream("GET", "/quiet") as response:
        pings = (line for line in response.iter_lines() if line == ": still here")
        next(pings)
        next(pings)
    client.serving.logs.wait("close handler got http.disconnect")


def test_stop_lets_streams_say_goodbye(process):
    """U2.4: the first signal reaches sse-starlette, which ends its streams within their grace."""
    with process.stream("GET", "/farewell") as response:
        data = (line for line in response.iter_lines() if line.startswith("data"))
        assert next(data) == "data: welcome"
        process.command.send_signal(signal.SIGTERM)
        assert list(data) == ["data: goodbye"]
    assert process.command.wait() == -signal.SIGTERM


def test_stop_ends_streams_that_would_last_for_ever(process):
    """O37: without sse-starlette the stop would wait; with it the answers end as they should."""
    with process.stream("GET", "/endless") as first, httpx.Client() as other:
        assert next(first.iter_lines()) == "data: welcome"
        with other.stream("GET", f"{process.base_url}/endless") as second:
            assert next(second.iter_lines()) == "data: welcome"
            process.command.send_signal(signal.SIGINT)
            # Cancelled by sse-starlette, in mid-stream: the connection is cut, nobody waits.
            assert process.command.wait() == 0
