"""What an application may do with a WebSocket, right and wrong, by name.

As in behaviours.py each is called with receive, send and a function that notes a line. None waits
for what may never come: a `receive` that may is given up after a moment.
"""

from __future__ import annotations

import asyncio

MOMENT = 0.3  # seconds; for events that are there, or never come


def accept(*headers, **keys):
    return {"type": "websocket.accept", **({"headers": list(headers)} if headers else {}), **keys}


def text(data):
    return {"type": "websocket.send", "text": data}


def close(**keys):
    return {"type": "websocket.close", **keys}


def denial(status=401, *headers):
    return {"type": "websocket.http.response.start", "status": status, "headers": list(headers)}


def denial_body(data=b"", more=False):
    return {"type": "websocket.http.response.body", "body": data, "more_body": more}


def shown(event):
    """An event without the order of its keys; a code may be an enumeration's under uvicorn."""
    plain = {key: int(value) if key == "code" else value for key, value in event.items()}
    return repr(sorted(plain.items()))


def says(*messages, then=None):
    """Receives the connect and sends messages; then raises, or returns, what is given."""

    async def conversation(receive, send, note):
        await receive()
        for message in messages:
            await send(message)
        if isinstance(then, BaseException):
            raise then
        return then

    return conversation


def says_wrong(wrong, *before, right=()):
    """As `says`, with a message after them that may raise, which is noted, and right ones then."""

    async def conversation(receive, send, note):
        await receive()
        for message in before:
            await send(message)
        await tries(send, wrong, note)
        for message in right:
            await send(message)

    return conversation


async def tries(send, message, note):
    try:
        await send(message)
    except Exception as exc:
        note(f"send raised {type(exc).__name__}({exc}), an OSError: {isinstance(exc, OSError)}")
    else:
        note("sent")


def then_receives(*messages, times=1):
    """As `says`, and notes the events that are there afterwards."""

    async def conversation(receive, send, note):
        await receive()
        for message in messages:
            await send(message)
        for _ in range(times):
            try:
                note(shown(await asyncio.wait_for(receive(), MOMENT)))
            except asyncio.TimeoutError:
                note("nothing to receive")

    return conversation


def leaves_after(message):
    """Sends a message to a peer that has gone, and lets out what that raises."""

    async def conversation(receive, send, note):
        await receive()
        await send(accept())
        while (await receive())["type"] == "websocket.receive":
            pass
        await send(message)

    return conversation


async def echoes(receive, send, note):
    await receive()
    await send(accept())
    while (event := await receive())["type"] == "websocket.receive":
        del event["type"]
        await send({"type": "websocket.send", **event})


async def pauses():
    """So long that a loop notices what it has ended itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def listens(receive, send, note):
    """Notes all that comes, and what a peer that has gone makes of a message and of a close."""
    note(shown(await receive()))
    await send(accept())
    while True:
        event = await receive()
        note(shown(event))
        if event["type"] == "websocket.disconnect":
            break
    await pauses()
    await tries(send, text("late"), note)
    await tries(send, close(code=4001), note)


async def answers_the_end(receive, send, note):
    """Closes at once when the peer has closed."""
    await receive()
    await send(accept())
    await receive()
    await tries(send, close(code=4001), note)


async def accepts_first(receive, send, note):
    await send(accept())
    note(shown(await receive()))
    note(shown(await receive()))


OPEN = accept()
LONG = "x" * 124

CONVERSATIONS = {
    # Right ones.
    "echo": echoes,
    "listen": listens,
    "answer-the-end": answers_the_end,
    "accept-first": accepts_first,
    "headers": says(
        accept((b"X-Upper", b"1"), (b"set-cookie", b"a"), (b"set-cookie", b"b")), close()
    ),
    "date-and-server": says(accept((b"date", b"today"), (b"server", b"mine")), close()),
    "subprotocol": says(accept(subprotocol="chat"), close()),
    "subprotocol-empty": says(accept(subprotocol=""), close()),
    "subprotocol-header": says(accept((b"sec-websocket-protocol", b"chat")), close()),
    "unknown-keys": says({**accept(), "colour": "red"}, {**close(), "colour": "red"}),
    "empty-messages": says(OPEN, text(""), {"type": "websocket.send", "bytes": b""}, close()),
    "long-text": says(OPEN, text("x" * 100_000), close()),
    "other-key-none": says(OPEN, {"type": "websocket.send", "text": "a", "bytes": None}, close()),
    "close": then_receives(OPEN, close(), times=3),
    "close-with-code": then_receives(OPEN, close(code=4001, reason="bye")),
    "close-reason-none": then_receives(OPEN, close(reason=None)),
    "return": says(OPEN),
    "return-something": says(OPEN, then="a value"),
    # Refusals.
    "refuse": then_receives(close()),
    "refuse-with-code": then_receives(close(code=4000, reason="no")),
    "deny-in-pieces": says(denial(), denial_body(b"wh", True), denial_body(b"o?")),
    "deny-empty": says(denial(404), denial_body()),
    "deny-own-fields": says(
        denial(
            503,
            (b"content-type", b"application/json"),
            (b"content-length", b"2"),
            (b"date", b"today"),
        ),
        denial_body(b"{}"),
    ),
    "deny-redirect": says(denial(307, (b"location", b"/x")), denial_body()),
    # Wrong ones: before the accept.
    "raise-first": says(then=LookupError("no luck")),
    "return-first": says(),
    "exit-first": says(then=SystemExit(7)),
    "send-first": says_wrong(text("early"), right=(OPEN, close())),
    "unknown-first": says_wrong({"type": "websocket.unknown"}, right=(OPEN, close())),
    "http-first": says_wrong({"type": "http.response.start", "status": 200}, right=(OPEN, close())),
    "deny-body-first": says_wrong(denial_body(b"x"), right=(OPEN, close())),
    "deny-unfinished": says(denial(), denial_body(b"x", True)),
    "deny-then-raise": says(denial(), then=LookupError("no luck")),
    "deny-then-accept": says_wrong(OPEN, denial(), right=(denial_body(b"x"),)),
    "deny-twice": says_wrong(denial(), denial(), right=(denial_body(b"x"),)),
    "deny-without-body": says(denial(), {"type": "websocket.http.response.body"}),
    "deny-then-more": says_wrong(denial_body(b"more"), denial(), denial_body(b"x")),
    "deny-99": says_wrong(denial(99), right=(denial(401), denial_body())),
    "deny-100": says_wrong(denial(100), right=(denial(401), denial_body())),
    "deny-600": says_wrong(denial(600), right=(denial(401), denial_body())),
    "deny-too-short": says_wrong(
        denial_body(b"x"), denial(401, (b"content-length", b"5")), right=()
    ),
    "name-is-text": says_wrong(accept(("x-a", b"1")), right=(OPEN, close())),
    "value-with-line": says_wrong(accept((b"x-a", b"1\r\nx-b: 2")), right=(OPEN, close())),
    "own-fields": says(accept((b"connection", b"close"), (b"sec-websocket-accept", b"x")), close()),
    "subprotocol-is-bytes": says_wrong(accept(subprotocol=b"chat"), right=(OPEN, close())),
    # Wrong ones: after it.
    "raise": says(OPEN, then=LookupError("no luck")),
    "exit": says(OPEN, then=SystemExit(7)),
    "cancel-itself": says(OPEN, then=asyncio.CancelledError("by itself")),
    "accept-twice": says_wrong(OPEN, OPEN, right=(close(),)),
    "unknown": says_wrong({"type": "websocket.unknown"}, OPEN, right=(close(),)),
    "both": says_wrong(
        {"type": "websocket.send", "text": "a", "bytes": b"b"}, OPEN, right=(close(),)
    ),
    "neither": says_wrong({"type": "websocket.send"}, OPEN, right=(close(),)),
    "text-is-bytes": says_wrong(text(b"a"), OPEN, right=(close(),)),
    "bytes-is-text": says_wrong({"type": "websocket.send", "bytes": "a"}, OPEN, right=(close(),)),
    "bytearray": says(OPEN, {"type": "websocket.send", "bytes": bytearray(b"a")}, close()),
    "memoryview": says(OPEN, {"type": "websocket.send", "bytes": memoryview(b"a")}, close()),
    "surrogate": says_wrong(text("\ud800"), OPEN, right=(close(),)),
    "code-1005": says_wrong(close(code=1005), OPEN, right=(close(),)),
    "code-99": says_wrong(close(code=99), OPEN, right=(close(),)),
    "code-is-text": says_wrong(close(code="1000"), OPEN, right=(close(),)),
    "reason-too-long": says_wrong(close(reason=LONG), OPEN, right=(close(),)),
    "send-after-close": says_wrong(text("late"), OPEN, close()),
    "close-twice": says_wrong(close(), OPEN, close()),
    "send-after-refusal": says_wrong(text("late"), close()),
    "lets-out-what-a-lost-peer-raises": leaves_after(text("late")),
}
