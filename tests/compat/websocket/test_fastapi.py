"""FastAPI's WebSockets: parameters, dependencies that deny and tidy up, models, a room."""

from __future__ import annotations

import json

import pytest

from tests.compat.websocket.dialler import ending, hear, hear_json, say_json, vanish

SITE = "tests.compat.sites.fastapi_websocket_site:app"
OPTIONS = {"lifespan": "on"}

pytestmark = pytest.mark.usefixtures("site")


def test_parameters(dial):
    """ASGI-72: of path, query, cookie and field, and a dependency that runs in a thread."""
    fields = {"cookie": "session=abc", "x-tag": "t"}
    client = dial("/items/7?colour=red&colour=green", additional_headers=fields)
    assert hear_json(client) == [7, ["red", "green"], "abc", "t", "/items/7"]
    assert ending(client) == (1000, "")


def test_parameter_that_does_not_fit_is_403(dial):
    """ASGI-75: FastAPI then closes with a *list* for a reason, which nobody may look at."""
    response = dial.refusal("/items/seven")
    assert (response.status_code, response.body or b"") == (403, b"")


def test_dependency_that_raises_websocket_exception(dial):
    """ASGI-75."""
    assert hear(dial("/token/close?token=right")) == "ada"
    assert dial.refusal("/token/close?token=wrong").status_code == 403
    assert dial.refusal("/token/close").status_code == 403


def test_dependency_that_raises_http_exception(dial):
    """ASGI-110: the client gets the answer that a request would get."""
    assert hear(dial("/token/401", additional_headers={"authorization": "Bearer right"})) == "ada"
    response = dial.refusal("/token/401")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert json.loads(response.body) == {"detail": "who are you?"}


def test_denial_response(dial):
    """ASGI-110."""
    response = dial.refusal("/denied")
    assert (response.status_code, response.headers["retry-after"]) == (503, "9")
    assert json.loads(response.body) == {"detail": "full"}


def test_websocket_exception_after_accepting(dial):
    """ASGI-79."""
    client = dial("/token/late")
    client.send("wrong")
    assert ending(client) == (1008, "no such token")


def test_dependency_that_tidies_up(dial, site):
    """ASGI-80: after the end, in the order of FastAPI."""
    client = dial("/tidy")
    client.send("hello")
    assert hear(client) == "hello"
    client.close(4005, "why")
    assert [site.get("/journal").json() for _ in range(2)] == [[4005, "why"], "tidied up"]


def test_dependency_that_tidies_up_after_a_lost_connection(dial, site):
    """O16."""
    vanish(dial("/tidy"))
    assert [site.get("/journal").json() for _ in range(2)] == [[1005, ""], "tidied up"]


def test_models(dial):
    client = dial("/v1/bids")
    say_json(client, {"item": "vase", "amount": 12})
    assert hear_json(client) == {"taken": {"item": "vase", "amount": 12}}
    say_json(client, {"item": "vase"})
    assert hear_json(client) == {"error": "no bid"}


def test_room(dial, site):
    """Everybody hears everybody, and what an ordinary request has to say."""
    ada = dial("/v1/room/ada")
    assert hear(ada) == "ada came"
    bob = dial("/v1/room/bob")
    assert [hear(one) for one in (ada, bob)] == ["bob came"] * 2
    bob.send("hello")
    assert [hear(one) for one in (ada, bob)] == ["bob: hello"] * 2
    assert site.post("/v1/announce/closing").json() == 2
    assert [hear(one) for one in (ada, bob)] == ["closing"] * 2
    bob.close()
    assert hear(ada) == "bob left"
    ada.close()


def test_route_that_is_not_there(dial):
    """ASGI-75."""
    assert dial.refusal("/v1/nothing").status_code == 403


def test_request_to_a_websocket_route_is_404(site):
    """An ordinary GET is no handshake."""
    assert site.get("/v1/bids").status_code == 404
