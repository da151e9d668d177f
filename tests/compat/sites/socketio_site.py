"""A python-socketio server: events, answers to them, rooms, a namespace, a refusal."""

from __future__ import annotations

import socketio

server = socketio.AsyncServer(async_mode="asgi")


@server.event
async def connect(sid, environ, auth):
    if auth == "wrong":
        raise socketio.exceptions.ConnectionRefusedError("not with that")
    await server.save_session(sid, {"agent": environ["HTTP_X_AGENT"]})


@server.event
async def echo(sid, data):
    """Answers by the return value, as an acknowledgement."""
    return data


@server.event
async def who(sid):
    async with server.session(sid) as session:
        return session["agent"]


@server.event
async def enter(sid, room):
    await server.enter_room(sid, room)
    await server.emit("entered", sid, room=room)
    return sid


@server.event
async def say(sid, room, text):
    await server.emit("said", {"from": sid, "text": text}, room=room, skip_sid=sid)


@server.event
async def leave_me(sid):
    await server.disconnect(sid)


@server.event
async def disconnect(sid, reason):
    await server.emit("left", [sid, reason], room="hall")


@server.on("connect", namespace="/numbers")
async def connect_numbers(sid, environ, auth):
    for number in range(3):
        await server.emit("number", number, to=sid, namespace="/numbers")


app = socketio.ASGIApp(server)
