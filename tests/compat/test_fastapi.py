"""FastAPI: dependencies, threads, uploads, background tasks, errors, mounts and their schemas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

SITE = "tests.compat.sites.fastapi_site:app"

pytestmark = pytest.mark.usefixtures("site")


def test_dependencies(site):
    """A generator's end has run before the next request of the connection asks."""
    path = "/depends"
    before = len(site.get(path).json()["ended before"])
    answer = site.get(path, headers={"x-name": "Ada"}).json()
    assert (answer["session"], answer["name"]) == ("open", "Ada")
    assert len(answer["ended before"]) == before + 1


def test_basic_authentication(site):
    """401 with its field, then a user; the endpoint and its dependencies run in threads."""
    refused = site.get("/guarded/me", auth=("ada", "wrong"))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Basic")
    assert site.get("/guarded/me").status_code == 401
    assert site.get("/guarded/me", auth=("ada", "right")).json() == {"user": "ada"}


def test_models(site):
    """What is valid comes back, what is not is explained."""
    item = {"name": "Tee", "price": 2.5, "tags": ["grün"]}
    answer = site.put("/items/7", json=item)
    assert (answer.status_code, answer.json()) == (201, item)
    assert answer.headers["x-number"] == "7"
    wrong = site.put("/items/seven", json={"name": "Tee", "price": -1})
    assert wrong.status_code == 422
    assert {tuple(one["loc"]) for one in wrong.json()["detail"]} == {
        ("path", "number"),
        ("body", "price"),
    }
    assert site.put("/items/7", content=b"{").status_code == 422


def test_sync_endpoints_run_at_once(site):
    """Two blocking endpoints wait for each other, in two threads."""
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(site.get, ["/barrier"] * 2))
    assert len({answer.json()["thread"] for answer in answers}) == 2


def test_upload_of_several_files(site):
    """ASGI-40: small ones in memory, large ones on disk."""
    files = [("files", ("a", b"abc" * 10)), ("files", ("b", b"x" * 3_000_000))]
    assert site.post("/upload", files=files, data={"note": "two"}).json() == {
        "names": ["a", "b"],
        "sizes": [30, 3_000_000],
        "first": "abc",
        "note": "two",
    }
    file = {"file": ("c", b"x" * 2_000_000)}
    assert site.post("/upload-in-a-thread", files=file).json() == {"size": 2_000_000}


def test_request_stream(site):
    """ASGI-40: a chunked body, below a BaseHTTPMiddleware."""
    pieces = (b"x" * 100_000 for _ in range(10))
    assert site.post("/raw", content=pieces).json() == {"sizes": 1_000_000}


def test_sync_stream(site):
    """An iterator that blocks is asked in threads."""
    lines = site.get("/sync-stream").text.splitlines()
    assert [line.split(" in ")[0] for line in lines] == list("01234")
    assert not any("MainThread" in line for line in lines)


def test_background_task(site):
    assert site.get("/later").json() == {"scheduled": True}
    assert site.get("/done").json() == {"done": True}


def test_errors(site):
    """FLT-C1: a handler's answer is kept; what nobody handles is the plain 500."""
    assert site.get("/sold-out").json() == {"sold out": "tea"}
    assert site.get("/missing").json() == {"detail": "Not Found"}
    broken = site.get("/broken", headers={"connection": "close"})
    assert (broken.status_code, broken.text) == (500, "Internal Server Error")


def test_middleware_sees_every_method(site):
    for method in ("GET", "DELETE", "PROPFIND"):
        assert site.request(method, "/missing").headers["x-stamp"] == method
    assert site.head("/missing").content == b""


def test_mounted_application(site):
    """ASGI-28: it has a prefix, a schema and pages of its own."""
    assert site.get("/admin/").text == "/admin /admin/"
    assert site.get("/admin/openapi.json").json()["servers"] == [{"url": "/admin"}]
    assert site.get("/admin/docs").status_code == 200


def test_schema(site):
    schema = site.get("/openapi.json").json()
    assert schema["info"]["title"] == "shop"
    assert "/items/{number}" in schema["paths"]


def test_many_clients_at_once(site):
    """Connections of their own, some of which upload while others stream."""

    def visit(number):
        with httpx.Client(base_url=site.base_url, timeout=10, trust_env=False) as client:
            assert client.get("/sync-stream").text.count("\n") == 5
            return client.post("/raw", content=b"x" * number).json()["sizes"]

    sizes = [number * 1000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(visit, sizes)) == sizes
