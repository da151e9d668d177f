"""A whole Django project by the command: admin log-in, static files, sessions, sqlite, streams."""

from __future__ import annotations

import re

import pytest

from tests.compat.conftest import served_by_command


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Where the database is: made once, by the first server."""
    return tmp_path_factory.mktemp("django")


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def site(request, data):
    app = "tests.compat.sites.django_site:app"
    # Django says that a synchronous iterator is slow, which is the matter of one test here.
    known = "ignore:StreamingHttpResponse must consume synchronous iterators"
    environment = {"SITE_DATA": str(data), "PYTHONWARNINGS": known}
    with served_by_command(app, "--loop", request.param, environment=environment) as client:
        yield client


@pytest.fixture(autouse=True)
def forget(site):
    site.cookies.clear()


def token(response):
    """The hidden field that a form must bring back."""
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', response.text)[1]


def log_in(site, password="right"):
    page = site.get("/admin/login/?next=/admin/")
    form = {
        "username": "ada",
        "password": password,
        "next": "/admin/",
        "csrfmiddlewaretoken": token(page),
    }
    return site.post("/admin/login/?next=/admin/", data=form, headers={"referer": str(page.url)})


def test_admin_asks_who_you_are(site):
    """A redirect, a form, and a refusal of the wrong password."""
    asked = site.get("/admin/")
    assert (asked.status_code, asked.headers["location"]) == (302, "/admin/login/?next=/admin/")
    wrong = log_in(site, "wrong")
    assert wrong.status_code == 200
    assert "Please enter the correct username" in wrong.text


def test_admin_log_in_and_log_out(site):
    """Cookies and the session table; the page says who is there."""
    entered = log_in(site)
    assert (entered.status_code, entered.headers["location"]) == (302, "/admin/")
    index = site.get("/admin/")
    assert "Welcome," in index.text
    left = site.post("/admin/logout/", data={"csrfmiddlewaretoken": token(index)})
    assert left.status_code == 200
    assert site.get("/admin/").status_code == 302


def test_admin_adds_and_deletes_a_user(site):
    """A form of several fields, its message after a redirect, and the row in the database."""
    log_in(site)
    before = site.get("/users").json()["users"]
    page = site.get("/admin/auth/user/add/")
    form = {
        "username": "grace",
        "usable_password": "true",
        "password1": "a long enough one",
        "password2": "a long enough one",
        "csrfmiddlewaretoken": token(page),
    }
    added = site.post("/admin/auth/user/add/", data=form, follow_redirects=True)
    assert "was added successfully" in added.text
    assert site.get("/users").json()["users"] == before + 1
    assert site.get("/users/grace").json() == {"name": "grace", "staff": False}
    path = added.url.path.replace("change", "delete")
    confirm = {"post": "yes", "csrfmiddlewaretoken": token(site.get(path))}
    assert site.post(path, data=confirm).status_code == 302
    assert site.get("/users").json()["users"] == before


def test_static_files(site):
    """ASGI-53: the admin's style sheet, then not again, then HEAD, then one that is missing."""
    css = site.get("/static/admin/css/base.css")
    assert css.headers["content-type"] == "text/css"
    assert int(css.headers["content-length"]) == len(css.content)
    known = {"if-modified-since": css.headers["last-modified"]}
    assert site.get("/static/admin/css/base.css", headers=known).status_code == 304
    head = site.head("/static/admin/css/base.css")
    assert (head.content, head.headers["content-length"]) == (b"", css.headers["content-length"])
    assert site.get("/static/missing.css").status_code == 404


def test_session(site):
    assert [site.get("/visits").json()["visits"] for _ in range(3)] == [1, 2, 3]


def test_cross_site_request_forgery(site):
    """What has no token is refused before its view."""
    assert site.post("/protected").status_code == 403
    assert site.get("/protected").text == "posted"


def test_upload(site):
    """ASGI-40: larger than what Django keeps in memory."""
    answer = site.post("/upload", files={"file": b"x" * 5_000_000})
    assert answer.json() == {"size": 5_000_000}


def test_streams(site):
    """ASGI-48: a synchronous iterator is consumed in a thread, an asynchronous one in the loop."""
    lines = site.get("/stream/sync").text.splitlines()
    assert [line.split()[0] for line in lines] == [str(number) for number in range(20)]
    assert site.get("/stream/async").text == "ada\n"


def test_debug_pages(site):
    """FLT-C1: Django's own page with the traceback; and its list of routes."""
    broken = site.get("/broken")
    assert broken.status_code == 500
    assert "broken in the loop" in broken.text
    missing = site.get("/missing")
    assert missing.status_code == 404
    assert "stream/async" in missing.text


def test_missing_slash(site):
    assert site.get("/slash").headers["location"] == "/slash/"


def test_wrong_host(site):
    """ASGI-29: Django decides by the Host field."""
    assert site.get("/users", headers={"host": "evil.test"}).status_code == 400
