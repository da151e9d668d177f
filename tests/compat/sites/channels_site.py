"""A Django Channels project in one file, with the in-memory layer: groups, threads, refusals.

Only ever imported in a process of its own, because Django's settings are global.
"""

from __future__ import annotations

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        DEBUG=True,
        INSTALLED_APPS=["channels", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="only for tests",
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",  # no database
        USE_TZ=True,
    )
    django.setup()

import threading

from asgiref.sync import async_to_sync
from channels.exceptions import DenyConnection
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
)
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import path


class Room(AsyncJsonWebsocketConsumer):
    """Members of a group hear each other, on the loop."""

    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def receive_json(self, content):
        await self.channel_layer.group_send(self.room, {"type": "room.said", "said": content})

    async def room_said(self, event):
        await self.send_json({"said": event["said"]})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)
        await self.channel_layer.group_send(
            self.room, {"type": "room.said", "said": ["left", code]}
        )


class SyncRoom(JsonWebsocketConsumer):
    """The same in threads, with `groups` as Channels keeps them."""

    groups = ("threads",)

    def connect(self):
        offered = self.scope["subprotocols"]
        self.accept(subprotocol=offered[0] if offered else None)

    def receive_json(self, content):
        said = [content, threading.current_thread() is threading.main_thread()]
        async_to_sync(self.channel_layer.group_send)("threads", {"type": "room.said", "said": said})

    def room_said(self, event):
        self.send_json(event["said"])


class Doorkeeper(AsyncWebsocketConsumer):
    """Refuses in each way that Channels has, or closes with the code that it is told."""

    async def connect(self):
        how = self.scope["url_route"]["kwargs"]["how"]
        if how == "exception":
            raise DenyConnection
        if how == "close":
            await self.close()
        elif how == "fault":
            raise LookupError("broken at the door")
        else:
            await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        if bytes_data is not None:
            await self.send(bytes_data=bytes_data)
        elif text_data == "close":
            await self.close(code=4123, reason="as you wish")
        else:
            await self.send(text_data, close=4124)


class Visits(AsyncJsonWebsocketConsumer):
    """Sees the session of the site's pages."""

    async def connect(self):
        await self.accept()
        await self.send_json(self.scope["session"].get("visits"))


def visit(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


async def announce(request, room, text):
    """A view that speaks to a group."""
    await get_channel_layer().group_send(room, {"type": "room.said", "said": text})
    return JsonResponse({})


urlpatterns = [path("visit", visit), path("announce/<str:room>/<str:text>", announce)]

sockets = URLRouter(
    [
        path("room/<str:room>/", Room.as_asgi()),
        path("threads/", SyncRoom.as_asgi()),
        path("door/<str:how>/", Doorkeeper.as_asgi()),
        path("visits/", SessionMiddlewareStack(Visits.as_asgi())),
        path("origin/", AllowedHostsOriginValidator(Visits.as_asgi())),
    ]
)
app = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": sockets})
