"""Strawberry: GraphQL by POST and GET, errors, an upload, and the playground."""

from __future__ import annotations

import json

import pytest

SITE = "tests.compat.sites.graphql_site:app"

pytestmark = pytest.mark.usefixtures("site")


def test_query_with_variables(site):
    """Fields that are resolved by coroutines are gathered."""
    query = "query ($before: Int!) { books(before: $before) { title age } }"
    answer = site.post("/", json={"query": query, "variables": {"before": 1900}})
    assert answer.json() == {"data": {"books": [{"title": "Emma", "age": 185}]}}


def test_query_by_get(site):
    """ASGI-27."""
    answer = site.get("/", params={"query": "{ books { title } }"})
    assert answer.json() == {"data": {"books": [{"title": "Emma"}, {"title": "Ulysses"}]}}


def test_errors(site):
    """A field's error is a part of the answer; what is no query is refused."""
    answer = site.post("/", json={"query": "{ broken }"}).json()
    assert answer["errors"][0]["message"] == "no such thing"
    assert "errors" in site.post("/", json={"query": "{ unknown }"}).json()
    assert site.post("/", content=b"{").status_code == 400
    assert site.put("/").status_code == 405


def test_upload(site):
    """ASGI-40: the multipart convention of GraphQL."""
    query = "mutation ($file: Upload!) { measure(file: $file) }"
    form = {
        "operations": json.dumps({"query": query, "variables": {"file": None}}),
        "map": json.dumps({"file": ["variables.file"]}),
    }
    answer = site.post("/", data=form, files={"file": b"x" * 2_000_000})
    assert answer.json() == {"data": {"measure": 2_000_000}}


def test_playground(site):
    answer = site.get("/", headers={"accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
