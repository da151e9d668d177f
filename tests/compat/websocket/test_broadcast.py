"""A hundred clients in one chat: each hears everything, all in the same order, whoever leaves."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect

from tests.compat.websocket.dialler import PATIENCE

SITE = "tests.compat.sites.broadcast_site:app"
OPTIONS = {"lifespan": "on"}
CLIENTS = 100

pytestmark = pytest.mark.usefixtures("site")


async def join(site, channel, open_ones, **options):
    """A client that has subscribed."""
    url = f"ws://{site.base_url.host}:{site.base_url.port}/chat/{channel}"
    client = await open_ones.enter_async_context(connect(url, proxy=None, **options))
    assert await client.recv() == "subscribed"
    return client


async def hear(client, count):
    """So many messages."""
    return [await client.recv() for _ in range(count)]


async def wait_until_left(site, channel, count):
    """Returns when no more than so many clients are subscribed."""
    response = await asyncio.to_thread(site.get, f"/left/{channel}/{count}")
    assert response.status_code == 204


def run(talk):
    asyncio.run(asyncio.wait_for(talk, 3 * PATIENCE))


def test_hundred_clients_all_talk(site):
    """FLT-B14: ten thousand deliveries; ASGI-73: nobody misses one, nobody's order differs."""

    async def talk():
        async with AsyncExitStack() as open_ones:
            joining = [join(site, "all", open_ones) for _ in range(CLIENTS)]
            clients = await asyncio.gather(*joining)
            await asyncio.gather(*(one.send(str(n)) for n, one in enumerate(clients)))
            first, *others = await asyncio.gather(*(hear(one, CLIENTS) for one in clients))
            assert sorted(first, key=int) == [str(n) for n in range(CLIENTS)]
            assert all(other == first for other in others)

    run(talk())


def test_clients_come_and_go(site):
    """O16: half of them vanish without a farewell while messages are under way."""

    async def talk():
        async with AsyncExitStack() as open_ones:
            joining = [join(site, "going", open_ones) for _ in range(CLIENTS)]
            clients = await asyncio.gather(*joining)
            leaving, staying = clients[: CLIENTS // 2], clients[CLIENTS // 2 :]
            for number, client in enumerate(leaving):
                await staying[0].send(str(number))
                client.transport.abort()
            expected = [str(number) for number in range(len(leaving))]
            heard = await asyncio.gather(*(hear(one, len(expected)) for one in staying))
            assert heard == [expected] * len(staying)
            await wait_until_left(site, "going", len(staying))
            await staying[0].send("who is left?")
            assert await asyncio.gather(*(one.recv() for one in staying)) == ["who is left?"] * len(
                staying
            )
        await wait_until_left(site, "going", 0)

    run(talk())


def test_client_that_does_not_read_holds_up_nobody(site):
    """FLT-F22: its messages wait for it alone."""
    text = "x" * 65_536

    async def talk():
        async with AsyncExitStack() as open_ones:
            # It reads one message and no more; what it may take stays small.
            slow = await join(site, "slow", open_ones, max_queue=1, compression=None)
            slow.transport.pause_reading()
            quick = [await join(site, "slow", open_ones, compression=None) for _ in range(10)]
            for _ in range(200):
                await quick[0].send(text)
                assert await asyncio.gather(*(one.recv() for one in quick)) == [text] * 10
            slow.transport.abort()
            await wait_until_left(site, "slow", 10)

    run(talk())
