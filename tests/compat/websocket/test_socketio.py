"""python-socketio with its own client over WebSocket: events, answers, rooms, namespaces."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
import socketio

from tests.compat.websocket.dialler import PATIENCE

SITE = "tests.compat.sites.socketio_site:app"
OPTIONS = {"lifespan": "off"}

pytestmark = pytest.mark.usefixtures("site")


class Client(socketio.AsyncClient):
    """Keeps the events that come, so that a test may wait for the next one."""

    def __init__(self, namespace="/"):
        super().__init__(reconnection=False)
        self.events = asyncio.Queue()
        self.on("*", self._keep, namespace=namespace)
        # One of those that a catch-all does not get.
        self.on("connect_error", partial(self._keep, "connect_error"), namespace=namespace)

    async def _keep(self, event, *arguments):
        await self.events.put((event, *arguments))

    async def dial(self, site, transports=("websocket",), **options):
        fields = {"x-agent": "test"}
        await self.connect(str(site.base_url), fields, transports=list(transports), **options)
        return self

    async def next(self):
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.disconnect()


def test_events_and_answers(site):
    """Text, and binary attachments, which travel as messages of their own."""

    async def talk():
        async with Client() as client:
            await client.dial(site)
            assert client.transport() == "websocket"
            assert await client.call("who") == "test"
            for value in ("Grüße", {"list": [1, None]}, b"\x00\xff" * 100_000, [b"a", {"b": b"c"}]):
                assert await client.call("echo", value) == value

    asyncio.run(talk())


def test_upgrade_from_polling(site):
    """The way in which a client starts if nobody tells it otherwise."""

    async def talk():
        async with Client() as client:
            await client.dial(site, ("polling", "websocket"))
            assert client.transport() == "websocket"
            assert await client.call("echo", "upgraded") == "upgraded"

    asyncio.run(talk())


def test_room(site):
    async def talk():
        async with Client() as ada, Client() as bob, Client() as eve:
            names = [await (await one.dial(site)).call("enter", "hall") for one in (ada, bob)]
            await (await eve.dial(site)).call("enter", "cellar")
            assert [await ada.next(), await ada.next()] == [("entered", one) for one in names]
            assert await bob.next() == ("entered", names[1])
            await ada.emit("say", ("hall", "hello"))
            assert await bob.next() == ("said", {"from": names[0], "text": "hello"})
            await bob.disconnect()
            event, (name, _) = await ada.next()  # whether the packet or the end came first varies
            assert (event, name) == ("left", names[1])
            assert ada.events.empty()
            # Of the hall nothing was heard in the cellar.
            assert await eve.call("echo", 1) == 1
            assert eve.events.get_nowait()[0] == "entered"
            assert eve.events.empty()

    asyncio.run(talk())


def test_namespace(site):
    async def talk():
        async with Client("/numbers") as client:
            await client.dial(site, namespaces=["/numbers"])
            assert [await client.next() for _ in range(3)] == [("number", n) for n in range(3)]

    asyncio.run(talk())


def test_server_disconnects(site):
    async def talk():
        async with Client() as client:
            await client.dial(site)
            await client.emit("leave_me")
            await asyncio.wait_for(client.wait(), PATIENCE)
            assert not client.connected

    asyncio.run(talk())


def test_refusal(site):
    async def talk():
        async with Client() as client:
            with pytest.raises(socketio.exceptions.ConnectionError):
                await client.dial(site, auth="wrong")
            assert await client.next() == ("connect_error", {"message": "not with that"})

    asyncio.run(talk())
