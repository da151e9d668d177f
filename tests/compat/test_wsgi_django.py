"""Django's WSGI handler by the command: static files, sessions, sqlite, uploads and streams."""

from __future__ import annotations

import re

import pytest

from tests.asgi.exchange import request as request_bytes
from tests.clients.raw import RawConnection
from tests.compat.conftest import served_by_command


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def site(request, tmp_path_factory):
    environment = {"SITE_DATA": str(tmp_path_factory.mktemp("django"))}
    app = "tests.compat.sites.django_wsgi_site:app"
    flags = ("--interface", "wsgi", "--loop", request.param)
    with served_by_command(app, *flags, environment=environment) as client:
        yield client


@pytest.fixture(autouse=True)
def forget(site):
    site.cookies.clear()


def test_view_with_a_database(site):
    """ASGI-120: each thread has a connection of its own."""
    assert site.get("/users").json() == {"users": 1}


def test_async_view(site):
    """WSGI-11: Django makes a loop for it in its thread, where there is none."""
    assert site.get("/users/ada").json() == {"name": "ada", "staff": True}


def test_admin_log_in(site):
    """Forms, cookies, redirects and the session table."""
    page = site.get("/admin/login/?next=/admin/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    form = {"username": "ada", "password": "right", "next": "/admin/", "csrfmiddlewaretoken": token}
    entered = site.post("/admin/login/?next=/admin/", data=form)
    assert (entered.status_code, entered.headers["location"]) == (302, "/admin/")
    assert "Welcome," in site.get("/admin/").text


def test_session(site):
    """WSGI-2: several cookies in one header or in several."""
    assert [site.get("/visits").json()["visits"] for _ in range(3)] == [1, 2, 3]


def test_static_files(site):
    """WSGI-6, ASGI-53: a file, then not again, then HEAD, then one that is missing."""
    css = site.get("/static/admin/css/base.css")
    assert css.headers["content-type"] == "text/css"
    assert int(css.headers["content-length"]) == len(css.content)
    known = {"if-modified-since": css.headers["last-modified"]}
    assert site.get("/static/admin/css/base.css", headers=known).status_code == 304
    head = site.head("/static/admin/css/base.css")
    assert (head.content, head.headers["content-length"]) == (b"", css.headers["content-length"])
    assert site.get("/static/missing.css").status_code == 404


def test_upload(site):
    """WSGI-4: larger than what Django keeps in memory."""
    answer = site.post("/upload", files={"file": b"x" * 5_000_000})
    assert answer.json() == {"size": 5_000_000}


def test_broken_upload(site):
    """WSGI-4, FLT-B4: half a form is no form; the connection of the next client is not affected."""
    head = b"POST /upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: multipart/form-data; "
    with RawConnection((site.base_url.host, site.base_url.port)) as peer:
        peer.send(head + b"boundary=x\r\ncontent-length: 1000\r\n\r\n--x\r\n")
    assert site.get("/users").json() == {"users": 1}


def test_stream(site):
    """WSGI-6: an iterator is consumed in the request's thread."""
    lines = site.get("/stream/sync").text.splitlines()
    assert lines == [f"{number} False" for number in range(20)]


def test_debug_pages(site):
    """WSGI-9: Django's own page with the traceback; nothing reaches the server."""
    broken = site.get("/broken")
    assert broken.status_code == 500
    assert "broken in the loop" in broken.text
    assert site.get("/missing").status_code == 404


def test_missing_slash(site):
    """WSGI-1."""
    assert site.get("/slash").headers["location"] == "/slash/"


def test_wrong_host(site):
    """WSGI-2: Django decides by the Host field."""
    assert site.get("/users", headers={"host": "evil.test"}).status_code == 400


def test_connection_is_kept(site):
    with RawConnection((site.base_url.host, site.base_url.port)) as peer:
        for _ in range(3):
            peer.send(request_bytes("/users", b"host: 127.0.0.1").replace(b"host: test\r\n", b""))
            assert peer.read_response().body == b'{"users": 1}'
