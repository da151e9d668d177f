"""A Django project in one file: admin, static files, sessions, and a database in `SITE_DATA`.

Only ever imported in a process of its own, because Django's settings are global.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import django
from django.conf import settings

if not settings.configured:
    data = Path(os.environ["SITE_DATA"])
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": data / "db.sqlite3"}
        },
        DEBUG=True,
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "django.contrib.staticfiles",
        ],
        MEDIA_ROOT=data,
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.gzip.GZipMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # quick
        ROOT_URLCONF=__name__,
        SECRET_KEY="only for tests",
        STATIC_URL="/static/",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        USE_TZ=True,
    )
    django.setup()

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

if not (settings.MEDIA_ROOT / "db.sqlite3").exists():
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("ada", password="right")


def count_users(request):
    return JsonResponse({"users": User.objects.count()})


async def find_user(request, name):
    user = await User.objects.aget(username=name)
    return JsonResponse({"name": user.username, "staff": user.is_staff})


def visits(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


@csrf_exempt
def upload(request):
    name = default_storage.save("uploaded.bin", request.FILES["file"])
    return JsonResponse({"size": default_storage.size(name)})


def sync_stream(request):
    def pieces():
        for number in range(20):
            yield f"{number} {threading.current_thread() is threading.main_thread()}\n"

    return StreamingHttpResponse(pieces(), content_type="text/plain")


async def async_stream(request):
    async def pieces():
        async for user in User.objects.all():
            yield f"{user.username}\n"

    return StreamingHttpResponse(pieces(), content_type="text/plain")


async def async_broken(request):
    raise LookupError("broken in the loop")


def protected(request):
    return HttpResponse("posted")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("users", count_users),
    path("users/<str:name>", find_user),
    path("visits", visits),
    path("upload", upload),
    path("stream/sync", sync_stream),
    path("stream/async", async_stream),
    path("broken", async_broken),
    path("protected", protected),
    path("slash/", count_users),
]

app = ASGIStaticFilesHandler(get_asgi_application())
