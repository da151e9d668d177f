"""What an application may do with `receive` and `send`, right and wrong, by name.

Each is called with receive, send and a function that notes a line for the report.
"""

from __future__ import annotations

import asyncio
import functools

LENGTH_5 = (b"content-length", b"5")


def start(status=200, *headers, **extra):
    return {"type": "http.response.start", "status": status, "headers": list(headers), **extra}


def body(data=b"", more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


def sends(*messages, then=None):
    """Sends messages; then raises, or returns, what is given."""

    async def behaviour(receive, send, note):
        for message in messages:
            await send(message)
        if isinstance(then, BaseException):
            raise then
        return then

    return behaviour


def goes_on_after(wrong, *messages):
    """Catches what the wrong message raises, notes it, and sends right ones."""

    async def behaviour(receive, send, note):
        try:
            await send(wrong)
        except Exception as exc:
            note(f"send raised {type(exc).__name__}: {exc}")
        for message in messages:
            await send(message)

    return behaviour


async def echo(receive, send, note):
    data = b""
    while True:
        message = await receive()
        data += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send(start(200, (b"content-length", str(len(data)).encode())))
    await send(body(data))


async def receives_to_the_end(receive, send, note):
    """What `receive` gives before and after the answer."""
    note(f"first: {sorted((await receive()).items())}")
    waiting = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    note(f"second is there: {waiting.done()}")
    await send(start(200, LENGTH_5))
    await send(body(b"hello"))
    note(f"second: {await waiting}")
    note(f"third: {await receive()}")


async def receives_between(receive, send, note, head=None):
    """Whether the answer counts as over before its last message has been sent."""
    await receive()
    await send(head or start(200, LENGTH_5))
    waiting = asyncio.ensure_future(receive())
    for _ in range(20):
        await asyncio.sleep(0)
    note(f"over after the head: {waiting.done()}")
    await send(body(b"" if head else b"hello", True))
    for _ in range(20):
        await asyncio.sleep(0)
    note(f"over after the whole length: {waiting.done()}")
    await send(body())
    note(f"at the end: {await waiting}")


async def receives_never(receive, send, note):
    await send(start(200, LENGTH_5))
    await send(body(b"hello"))


async def head_by_generator(receive, send, note):
    fields = ((name, b"1") for name in (b"x-a", b"x-b"))
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body"})


async def head_without_headers(receive, send, note):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"hello"})


async def head_by_lists(receive, send, note):
    await send({"type": "http.response.start", "status": 200, "headers": [[b"x-a", b"1"]]})
    await send({"type": "http.response.body", "body": b"hello"})


OK = (start(200, LENGTH_5), body(b"hello"))

BEHAVIOURS = {
    # Right ones.
    "length": sends(*OK),
    "one-message": sends(start(), body(b"hello")),
    "two-messages": sends(start(), body(b"hel", True), body(b"lo")),
    "empty": sends(start(), body()),
    "empty-pieces": sends(start(), body(b"", True), body(b"a", True), body(b"", True), body()),
    "large": sends(start(), body(b"x" * 1_000_000)),
    "large-with-length": sends(start(200, (b"content-length", b"1000000")), body(b"x" * 1_000_000)),
    "bytearray": sends(start(), body(bytearray(b"hello"))),
    "memoryview": sends(start(), body(memoryview(b"hello"))),
    "generator": head_by_generator,
    "no-headers": head_without_headers,
    "lists": head_by_lists,
    "echo": echo,
    "unread": receives_never,
    "receive": receives_to_the_end,
    "receive-between": receives_between,
    "204-receive-between": functools.partial(receives_between, head=start(204)),
    "204": sends(start(204), body()),
    "204-body": sends(start(204), body(b"hello")),
    "304": sends(start(304), body()),
    "304-length": sends(start(304, LENGTH_5), body()),
    "201": sends(start(201, LENGTH_5, (b"location", b"/x")), body(b"hello")),
    "599": sends(start(599, LENGTH_5), body(b"hello")),
    "close": sends(start(200, LENGTH_5, (b"connection", b"close")), body(b"hello")),
    "keep": sends(start(200, LENGTH_5, (b"connection", b"keep-alive")), body(b"hello")),
    "close-in-list": sends(start(200, LENGTH_5, (b"connection", b"x, Close")), body(b"hello")),
    "chunked": sends(start(200, (b"transfer-encoding", b"chunked")), body(b"hello")),
    "coding": sends(start(200, (b"transfer-encoding", b"gzip, chunked")), body(b"hello")),
    "date-and-server": sends(
        start(200, LENGTH_5, (b"date", b"today"), (b"server", b"mine")), body(b"hello")
    ),
    "fields": sends(
        start(200, (b"X-Upper", b"1"), (b"set-cookie", b"a"), LENGTH_5, (b"set-cookie", b"b")),
        body(b"hello"),
    ),
    "unusual-values": sends(
        start(200, LENGTH_5, (b"x-tab", b"a\tb"), (b"x-latin", b"\xe9"), (b"x-empty", b"")),
        body(b"hello"),
    ),
    "unknown-keys": sends(
        {**OK[0], "colour": "red"}, {**OK[1], "colour": "red", "more_body": False}
    ),
    "trailers-promised": sends(
        start(200, LENGTH_5, trailers=True),
        body(b"hello"),
        {"type": "http.response.trailers", "headers": []},
    ),
    # Wrong ones.
    "raises-first": sends(then=LookupError("no luck")),
    "raises-after-start": sends(start(200, LENGTH_5), then=LookupError("no luck")),
    "raises-within": sends(start(), body(b"hel", True), then=LookupError("no luck")),
    "raises-at-the-end": sends(*OK, then=LookupError("no luck")),
    "exits": sends(then=SystemExit(7)),
    "cancels-itself": sends(then=asyncio.CancelledError("by itself")),
    "interrupts": sends(then=KeyboardInterrupt()),
    "returns-first": sends(),
    "returns-after-start": sends(start()),
    "returns-within": sends(start(), body(b"hel", True)),
    "returns-something": sends(*OK, then="a value"),
    "body-first": sends(body(b"hello")),
    "start-twice": sends(start(), start()),
    "unknown-type": sends({"type": "http.response.unknown"}),
    "unknown-type-later": sends(start(), {"type": "http.response.unknown"}),
    "websocket-message": sends({"type": "websocket.accept"}),
    "body-after-the-end": sends(*OK, body(b"more")),
    "start-after-the-end": sends(*OK, start()),
    "no-type": sends({"status": 200}),
    "no-status": sends({"type": "http.response.start"}),
    "status-text": sends(start("200"), body()),
    "status-99": sends(start(99), body()),
    "status-1000": sends(start(1000), body()),
    "status-101": sends(start(101), body()),
    "name-is-text": sends(start(200, ("x-a", b"1")), body()),
    "value-is-text": sends(start(200, (b"x-a", "1")), body()),
    "name-with-blank": sends(start(200, (b"x a", b"1")), body()),
    "value-with-line": sends(start(200, (b"x-a", b"1\r\nx-b: 2")), body()),
    "value-with-nul": sends(start(200, (b"x-a", b"1\x00")), body()),
    "body-is-text": sends(start(), body("hello")),
    "body-is-none": sends(start(), body(None)),
    "length-no-number": sends(start(200, (b"content-length", b"five")), body(b"hello")),
    "two-lengths": sends(start(200, LENGTH_5, (b"content-length", b"6")), body(b"hello")),
    "too-long": sends(start(200, LENGTH_5), body(b"hello!")),
    "too-long-later": sends(start(200, LENGTH_5), body(b"hel", True), body(b"lo!")),
    "too-short": sends(start(200, LENGTH_5), body(b"hel")),
    "recovers-from-body": goes_on_after(body(b"early"), *OK),
    "recovers-from-start": goes_on_after(start(200, (b"x a", b"1")), *OK),
}
