"""wsgi/request_body.py: a body that arrives on the loop, read as a file in a thread."""

from __future__ import annotations

import asyncio
import io

import pytest

from rsgi_bridge.wsgi.request_body import Abandoned, ClientLeft, RequestBody

PATIENCE = 10.0
DISCONNECT = {"type": "http.disconnect"}


def piece(data, more=True):
    return {"type": "http.request", "body": data, "more_body": more}


class Peer:
    """Stands in for the server: what `receive` yields, when, and how often it was asked."""

    def __init__(self):
        self.calls = 0
        self.left = 0
        self._messages = asyncio.Queue()
        self.asked = asyncio.Event()
        self.raw = RequestBody(self.receive, self.on_leave)
        self.file = io.BufferedReader(self.raw)

    async def receive(self):
        self.calls += 1
        self.asked.set()
        message = await self._messages.get()
        if isinstance(message, Exception):
            raise message
        return message

    def on_leave(self):
        self.left += 1

    def say(self, *messages):
        for message in messages:
            self._messages.put_nowait(message)


def on_a_loop(test):
    """Makes a test of an async function, which gets a `Peer`."""

    def run():
        async def main():
            peer = Peer()
            try:
                await asyncio.wait_for(test(peer), PATIENCE)
            finally:
                peer.raw.stop()

        asyncio.run(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def reading(function, *arguments):
    """A read in a thread, under way."""
    return asyncio.ensure_future(asyncio.to_thread(function, *arguments))


async def turns(count=5):
    """Lets the loop do what it has to do."""
    for _ in range(count):
        await asyncio.sleep(0)


@on_a_loop
async def test_nothing_is_received_before_a_read(peer):
    # WSGI-4, ASGI-43
    peer.say(piece(b"data", more=False))
    await turns()
    assert peer.calls == 0
    assert await reading(peer.file.read) == b"data"


@on_a_loop
async def test_read_takes_the_whole_body(peer):
    # WSGI-4
    peer.say(piece(b"ab"), piece(b""), piece(b"cd"), piece(b"e", more=False))
    assert await reading(peer.file.read) == b"abcde"
    assert await reading(peer.file.read) == b""
    assert await reading(peer.file.read, 3) == b""


@on_a_loop
async def test_body_without_content_ends_at_once(peer):
    # WSGI-4, ASGI-41
    peer.say(piece(b"", more=False))
    assert await reading(peer.file.read) == b""


@on_a_loop
async def test_message_without_keys_is_an_empty_body(peer):
    # ASGI: both keys have defaults.
    peer.say({"type": "http.request"})
    assert await reading(peer.file.read) == b""


@on_a_loop
async def test_sized_reads_cross_messages(peer):
    # WSGI-4
    peer.say(piece(b"abc"), piece(b"defg"), piece(b"h", more=False))
    sizes = (2, 3, 0, 10, 10)
    read = [await reading(peer.file.read, size) for size in sizes]
    assert read == [b"ab", b"cde", b"", b"fgh", b""]


@on_a_loop
async def test_lines(peer):
    # WSGI-4: a line may be spread over messages, and the last one may have no end.
    peer.say(piece(b"one\ntw"), piece(b"o\n\nthr"), piece(b"ee", more=False))
    assert await reading(peer.file.readline) == b"one\n"
    assert await reading(peer.file.readline, 2) == b"tw"
    assert await reading(peer.file.readline, -1) == b"o\n"
    assert await reading(peer.file.readline) == b"\n"
    assert await reading(peer.file.readline) == b"three"
    assert await reading(peer.file.readline) == b""


@on_a_loop
async def test_readlines_and_iteration(peer):
    # WSGI-4
    peer.say(piece(b"1\n2\n3"), piece(b"\n4\n5", more=False))
    assert await reading(peer.file.readlines, 3) == [b"1\n", b"2\n"]
    assert await reading(list, peer.file) == [b"3\n", b"4\n", b"5"]


@on_a_loop
async def test_what_has_come_can_be_read_before_the_rest(peer):
    # WSGI-4, ASGI-40
    first = reading(peer.file.read, 4)
    await peer.asked.wait()
    assert not first.done()
    peer.say(piece(b"half"))
    assert await first == b"half"
    second = reading(peer.file.read)
    peer.say(piece(b"rest", more=False))
    assert await second == b"rest"


@on_a_loop
async def test_no_more_is_received_than_read(peer):
    # WSGI-4: back-pressure, ASGI-42.
    peer.say(*[piece(b"x" * 1000) for _ in range(100)])
    assert len(await reading(peer.raw.read, 1000)) == 1000
    await turns()
    # One message may be on its way already.
    assert peer.calls <= 2


@on_a_loop
async def test_large_body_is_complete(peer):
    pieces = [bytes([number % 251]) * (number * 37 % 5000) for number in range(500)]
    peer.say(*map(piece, pieces), piece(b"", more=False))
    assert await reading(peer.file.read) == b"".join(pieces)


@on_a_loop
async def test_unasked_pieces_are_not_lost(peer):
    """A question that is older than the piece that answers it must not ask for the next one."""
    pieces = [bytes([number]) for number in range(200)]
    peer.say(*map(piece, pieces), piece(b"", more=False))
    peer.raw.listen()
    assert await reading(peer.file.read) == b"".join(pieces)


@on_a_loop
async def test_client_that_leaves_during_a_read_is_an_error(peer):
    # WSGI-4, FLT-B4: a truncated body must never look complete.
    peer.say(piece(b"half"))
    assert await reading(peer.file.read, 4) == b"half"
    read = reading(peer.file.read)
    peer.say(DISCONNECT)
    with pytest.raises(ClientLeft) as caught:
        await read
    assert isinstance(caught.value, OSError)
    assert peer.left == 1


@on_a_loop
async def test_client_that_left_before_a_read_is_an_error(peer):
    # WSGI-4, FLT-B4: again and again.
    peer.say(piece(b"half"), DISCONNECT)
    peer.raw.listen()
    assert await reading(peer.file.read, 4) == b"half"
    for _ in range(2):
        with pytest.raises(ClientLeft):
            await reading(peer.file.read)
    assert peer.left == 1


@on_a_loop
async def test_client_may_leave_after_the_body(peer):
    # WSGI-4, WSGI-10: the body is whole all the same.
    peer.say(piece(b"all", more=False), DISCONNECT)
    peer.raw.listen()
    await turns()
    assert peer.left == 1
    assert await reading(peer.file.read) == b"all"
    assert await reading(peer.file.read) == b""


@on_a_loop
async def test_giving_up_wakes_the_reader(peer):
    # WSGI-11
    read = reading(peer.file.read)
    await peer.asked.wait()
    peer.raw.stop()
    with pytest.raises(Abandoned) as caught:
        await read
    assert isinstance(caught.value, OSError)
    with pytest.raises(Abandoned):
        await reading(peer.file.read)
    assert peer.left == 0


@on_a_loop
async def test_giving_up_ends_the_listening(peer):
    peer.raw.listen()
    await peer.asked.wait()
    peer.raw.stop()
    peer.raw.listen()
    await turns()
    assert len(asyncio.all_tasks()) <= 2  # this one, and what waits for it


@on_a_loop
async def test_failing_receive_reaches_the_reader(peer):
    peer.say(LookupError("in receive"))
    with pytest.raises(LookupError, match="in receive"):
        await reading(peer.file.read)


def test_read_after_the_loop_has_closed_is_an_error():
    # WSGI-11: a thread must not wait for a loop that is gone.
    async def make():
        return Peer()

    peer = asyncio.run(make())
    with pytest.raises(Abandoned):
        peer.file.read()
