"""Django Channels with the in-memory layer: groups, consumers in threads, sessions, refusals."""

from __future__ import annotations

import pytest

from tests.compat.conftest import served_by_command
from tests.compat.websocket.dialler import ending, hear, hear_json, say_json, vanish


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def site(request):
    app = "tests.compat.sites.channels_site:app"
    with served_by_command(app, "--loop", request.param, "--lifespan", "off") as client:
        yield client


def test_group_hears_each_member(dial):
    clients = [dial("/room/tea/") for _ in range(5)]
    for number, client in enumerate(clients):
        say_json(client, number)
        assert [hear_json(one) for one in clients] == [{"said": number}] * 5


def test_group_hears_a_view(dial, site):
    """An ordinary request reaches those who are connected."""
    client = dial("/room/news/")
    site.get("/announce/news/closing")
    assert hear_json(client) == {"said": "closing"}


def test_group_hears_who_leaves(dial):
    """ASGI-80, O16: a farewell with a code, and a lost connection."""
    stays, leaves, lost = (dial("/room/door/") for _ in range(3))
    leaves.close(4007)
    assert hear_json(stays) == {"said": ["left", 4007]}
    vanish(lost)
    assert hear_json(stays) == {"said": ["left", 1005]}


def test_rooms_are_apart(dial):
    here, there = dial("/room/here/"), dial("/room/there/")
    say_json(here, "a")
    say_json(there, "b")
    assert [hear_json(here), hear_json(there)] == [{"said": "a"}, {"said": "b"}]


def test_consumers_in_threads(dial):
    """They send from other threads than the loop's, by way of asgiref."""
    first, second = dial("/threads/", subprotocols=["a", "b"]), dial("/threads/")
    assert (first.subprotocol, second.subprotocol) == ("a", None)
    for client in (first, second):
        say_json(client, "hello")
        assert [hear_json(one) for one in (first, second)] == [["hello", False]] * 2


@pytest.mark.parametrize("how", ["exception", "close"])
def test_refusal(dial, how):
    """ASGI-75."""
    assert dial.refusal(f"/door/{how}/").status_code == 403


def test_fault_at_the_door(dial):
    """ASGI-76: and the server goes on."""
    assert dial.refusal("/door/fault/").status_code == 500
    assert dial("/door/open/").response.status_code == 101


def test_consumer_closes(dial):
    """ASGI-79: with a reason, and in the style of `send(close=...)`."""
    client = dial("/door/open/")
    client.send(b"\x00\xff")
    assert hear(client) == b"\x00\xff"
    client.send("close")
    assert ending(client) == (4123, "as you wish")
    client = dial("/door/open/")
    client.send("last words")
    assert hear(client) == "last words"
    assert ending(client) == (4124, "")


def test_session(dial, site):
    """ASGI-72: the cookie of the site's pages."""
    site.cookies.clear()
    assert [site.get("/visit").json()["visits"] for _ in range(2)] == [1, 2]
    cookie = {"cookie": f"sessionid={site.cookies['sessionid']}"}
    assert hear_json(dial("/visits/", additional_headers=cookie)) == 2
    site.cookies.clear()


def test_origin(dial, site):
    """ASGI-75: a page of another site may not connect."""
    own = f"http://{site.base_url.host}:{site.base_url.port}"
    assert dial("/origin/", origin=own).response.status_code == 101
    assert dial.refusal("/origin/", origin="https://elsewhere.test").status_code == 403
