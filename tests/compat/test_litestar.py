"""Litestar: typed bodies, sessions, guards, streams, events, files, compression and errors."""

from __future__ import annotations

from pathlib import Path

import pytest

SITE = "tests.compat.sites.litestar_site:app"
OPTIONS = {"lifespan": "on"}
FILE = Path(__file__).parent / "sites" / "litestar_site.py"

pytestmark = pytest.mark.usefixtures("site")


def test_parameters_and_typed_body(site):
    """ASGI-25, ASGI-27, ASGI-40; the dependency uses what the lifespan made."""
    answer = site.get("/where/J%C3%BCrgen?a=5&a=6").json()
    assert answer == {"name": "Jürgen", "path": "/where/Jürgen", "a": ["5", "6"]}
    body = {"name": "tea", "count": 2}
    assert site.post("/item", json=body).json() == {**body, "calls": True}
    assert site.post("/item", json={"name": "tea"}).status_code == 400


def test_handler_in_a_thread(site):
    assert site.get("/sync").json() == {"main": False}


def test_upload(site):
    files = {"small": b"x", "large": b"x" * 3_000_000}
    assert site.post("/upload", files=files).json() == {"small": 1, "large": 3_000_000}


def test_stream_and_events(site):
    """ASGI-48."""
    assert site.get("/stream").text == "".join(f"{number}," for number in range(1000))
    events = site.get("/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    assert events.text.count("event: tick") == 3


def test_file(site):
    response = site.get("/file")
    assert response.content == FILE.read_bytes()
    assert "site.py" in response.headers["content-disposition"]
    assert site.head("/file").status_code == 405


def test_compression_and_cors(site):
    response = site.get("/text", headers={"origin": "https://friend.test"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["access-control-allow-origin"] == "https://friend.test"
    assert response.text == "again and " * 1000
    asking = {"origin": "https://friend.test", "access-control-request-method": "GET"}
    assert site.options("/text", headers=asking).status_code == 204


def test_redirect(site):
    assert site.get("/moved", follow_redirects=True).text.startswith("again")


def test_background_task(site):
    assert site.get("/later").json() == {"scheduled": True}
    assert site.get("/done").json() == {"done": True}


def test_session(site):
    site.cookies.clear()
    assert [site.post("/visits").json()["visits"] for _ in range(3)] == [1, 2, 3]
    site.cookies.clear()


def test_guard_and_errors(site):
    """FLT-C1: Litestar answers its own 500, and in debug mode shows why."""
    assert site.get("/guarded").status_code == 401
    assert site.get("/guarded", headers={"x-key": "right"}).json() == {"let in": True}
    assert site.get("/missing").json() == {"status_code": 404, "detail": "Not Found"}
    broken = site.get("/broken")
    assert broken.status_code == 500
    assert "LookupError: broken" in broken.text


def test_schema(site):
    assert "/item" in site.get("/schema/openapi.json").json()["paths"]
