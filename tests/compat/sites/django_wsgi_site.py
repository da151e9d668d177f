"""The Django project of `django_site`, behind Django's WSGI handler. Needs a process of its own."""

from __future__ import annotations

from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application

from tests.compat.sites import django_site

app = StaticFilesHandler(get_wsgi_application())
# Its settings and views are what this module is about.
assert django_site.urlpatterns
