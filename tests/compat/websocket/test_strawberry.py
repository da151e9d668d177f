"""Strawberry's GraphQL subscriptions, by graphql-transport-ws, as a client's library speaks it."""

from __future__ import annotations

import pytest

from tests.compat.websocket.dialler import ending, hear_json, say_json, vanish

SITE = "tests.compat.sites.subscription_site:app"
OPTIONS = {"lifespan": "off"}
PROTOCOL = "graphql-transport-ws"

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def greet(dial):
    """`greet(**parameters)`: a connection after the exchange of init and acknowledgement."""

    def start(**parameters):
        client = dial(subprotocols=[PROTOCOL])
        say_json(client, {"type": "connection_init", "payload": parameters})
        acknowledged = hear_json(client)
        assert acknowledged.pop("type") == "connection_ack"
        return client, acknowledged

    return start


def subscribe(client, name, query):
    say_json(client, {"id": name, "type": "subscribe", "payload": {"query": query}})


def data(name, **fields):
    return {"id": name, "type": "next", "payload": {"data": fields}}


def test_subprotocol(dial):
    """ASGI-74: the one that both know, whatever its place."""
    assert dial(subprotocols=["unknown", PROTOCOL]).subprotocol == PROTOCOL
    client = dial(subprotocols=["unknown"])
    assert client.subprotocol is None
    assert ending(client)[0] == 4406


def test_subscription(greet):
    client, _ = greet()
    subscribe(client, "a", "subscription { count(to: 3) }")
    assert [hear_json(client) for _ in range(3)] == [data("a", count=n) for n in range(3)]
    assert hear_json(client) == {"id": "a", "type": "complete"}


def test_query_over_the_same_connection(greet):
    """Parameters of the connection are there."""
    client, acknowledged = greet(name="ada")
    assert acknowledged == {"payload": {"welcome": "ada"}}
    subscribe(client, "q", "{ hello }")
    assert hear_json(client) == data("q", hello="hello ada")


def test_subscriptions_side_by_side(greet):
    """ASGI-71: several that send at the same time, each with its messages in order."""
    client, _ = greet()
    names = [f"s{number}" for number in range(10)]
    for name in names:
        subscribe(client, name, "subscription { count(to: 20) }")
    seen = {name: [] for name in names}
    complete = set()
    while complete != set(names):
        message = hear_json(client)
        if message["type"] == "complete":
            complete.add(message["id"])
        else:
            seen[message["id"]].append(message["payload"]["data"]["count"])
    assert seen == {name: list(range(20)) for name in names}


def test_client_completes(greet, site):
    """The generator is closed, and the connection goes on."""
    client, _ = greet()
    subscribe(client, "t", 'subscription { tick(name: "completed") }')
    assert hear_json(client) == data("t", tick=0)
    say_json(client, {"id": "t", "type": "complete"})
    assert ended(site) == "completed"


@pytest.mark.parametrize("how", ["closes", "vanishes"])
def test_client_leaves(greet, site, how):
    """ASGI-81, ASGI-82: an endless subscription ends with its connection."""
    client, _ = greet()
    subscribe(client, "t", f'subscription {{ tick(name: "{how}") }}')
    assert hear_json(client) == data("t", tick=0)
    client.close() if how == "closes" else vanish(client)
    assert ended(site) == how


def test_errors(greet):
    """What is no query is an error of the subscription, an exception one of its field."""
    client, _ = greet()
    subscribe(client, "a", "subscription { unknown }")
    refused = hear_json(client)
    assert (refused["id"], refused["type"]) == ("a", "error")
    subscribe(client, "b", "subscription { broken }")
    assert hear_json(client) == data("b", broken=1)
    failed = hear_json(client)
    assert (failed["id"], failed["type"]) == ("b", "next")
    assert failed["payload"]["errors"][0]["message"] == "no second one"


def test_ping_of_the_protocol(greet):
    client, _ = greet()
    say_json(client, {"type": "ping"})
    assert hear_json(client) == {"type": "pong"}


def test_close_codes(dial, greet):
    """ASGI-79: those that the protocol gives a meaning."""
    client = dial(subprotocols=[PROTOCOL])
    subscribe(client, "a", "subscription { count(to: 3) }")
    assert ending(client) == (4401, "Unauthorized")
    client, _ = greet()
    say_json(client, {"type": "connection_init"})
    assert ending(client) == (4429, "Too many initialisation requests")
    client = dial(subprotocols=[PROTOCOL])
    say_json(client, {"type": "connection_init", "payload": {"name": "nobody"}})
    assert ending(client)[0] == 4403
    client, _ = greet()
    client.send("{no json")
    assert ending(client)[0] == 4400


def ended(site):
    return site.post("/", json={"query": "{ ended }"}).json()["data"]["ended"]
