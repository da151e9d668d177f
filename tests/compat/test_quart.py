"""Quart: forms, sessions, uploads, streams, files and its serving hooks."""

from __future__ import annotations

from pathlib import Path

import pytest

SITE = "tests.compat.sites.quart_site:app"
OPTIONS = {"lifespan": "on"}
FILE = Path(__file__).parent / "sites" / "quart_site.py"

pytestmark = pytest.mark.usefixtures("site")


def test_parameters(site):
    """ASGI-25, ASGI-27."""
    answer = site.get("/where/J%C3%BCrgen?a=5&a=6").json()
    assert answer == {"name": "Jürgen", "path": "/where/Jürgen", "a": ["5", "6"]}


def test_bodies(site):
    """ASGI-40: JSON, forms, files, and a body in pieces."""
    assert site.post("/json", json={"x": [1, 2]}).json() == {"x": [1, 2]}
    data, files = {"a": ["1", "2"]}, {"file": b"x" * 3_000_000}
    assert site.post("/form", data=data, files=files).json() == {
        "fields": data,
        "files": {"file": 3_000_000},
    }
    assert site.post("/raw", content=iter([b"x" * 100_000] * 5)).text == "500000"


def test_view_in_a_thread(site):
    assert site.get("/sync").json() == {"main": False}


def test_stream_and_events(site):
    """ASGI-48."""
    lines = site.get("/stream").text.splitlines()
    assert lines == [f"/stream {number}" for number in range(100)]
    assert site.get("/events").text.count("event: tick") == 3


def test_file(site):
    """Whole, in part, not again."""
    data = FILE.read_bytes()
    whole = site.get("/file")
    assert whole.content == data
    part = site.get("/file", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    known = {"if-none-match": whole.headers["etag"]}
    assert site.get("/file", headers=known).status_code == 304


def test_session(site):
    site.cookies.clear()
    assert [site.post("/visits").json()["visits"] for _ in range(3)] == [1, 2, 3]
    site.cookies.clear()


def test_background_task(site):
    assert site.get("/later").json() == {"scheduled": True}
    assert site.get("/done").json() == {"done": True}


def test_redirect_below_a_blueprint(site):
    response = site.get("/moved")
    assert response.headers["location"] == f"{site.base_url}/inner/page"
    assert site.get("/moved", follow_redirects=True).text == "<h1>Grüße</h1>"


def test_methods(site):
    """ASGI-53: HEAD and OPTIONS are Quart's own."""
    assert site.head("/inner/page").content == b""
    allowed = site.options("/inner/page").headers["allow"]
    assert {"GET", "HEAD", "OPTIONS"} == set(allowed.split(", "))
    assert site.post("/inner/page").status_code == 405


def test_errors(site):
    """FLT-C1: the 500 is Quart's own page."""
    assert site.get("/missing").json() == {"missing": "/missing"}
    assert site.get("/forbidden").status_code == 403
    broken = site.get("/broken")
    assert broken.status_code == 500
    assert "Internal Server Error" in broken.text
