"""Clients of other makers and this server: messages, compression, endings and denials."""

from __future__ import annotations

import itertools
import os

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from wsproto.extensions import PerMessageDeflate

from tests.clients.serving import Serving
from tests.compat.sites.counterpart import Counterpart
from tests.compat.websocket.peers import PEERS, Aiohttp, Ended, Refused, Websockets, Wsproto

# Both sides of where a frame's length changes its form (RFC 6455 5.2), and several reads.
SIZES = (0, 1, 125, 126, 127, 65_535, 65_536, 1_500_000)
each_compression = pytest.mark.parametrize("compressed", [True, False], ids=["deflate", "plain"])


@pytest.fixture(params=PEERS)
def client_class(request):
    return PEERS[request.param]


@pytest.fixture(scope="module")
def usual_server(loop_name):
    """One for all tests that need no options."""
    app = Counterpart()
    with Serving(app, loop_name=loop_name) as serving:
        yield app, serving


class Meeting:
    """Clients of one class and what the application says of them."""

    names = itertools.count()

    def __init__(self, client_class, app, serving):
        self.client_class = client_class
        self.app = app
        self.url = serving.url.replace("http", "ws", 1)
        self.clients = []

    def __call__(self, path, **options):
        """A new client, connected."""
        self.name = str(next(self.names))
        named = f"{path}{'&' if '?' in path else '?'}name={self.name}"
        self.clients.append(self.client_class(self.url + named, **options))
        return self.clients[-1]

    def seen(self):
        """How the last connection ended for the application: code and reason."""
        return self.app.notes[self.name].next()

    def leave(self):
        for client in self.clients:
            client.leave()


@pytest.fixture
def meet(client_class, usual_server):
    meeting = Meeting(client_class, *usual_server)
    yield meeting
    meeting.leave()


@pytest.fixture
def meet_with(client_class, serve):
    """`meet_with(**options)`: meetings on a server with these options."""
    meetings = []

    def start(**options):
        app = Counterpart()
        meetings.append(Meeting(client_class, app, serve(app, **options)))
        return meetings[-1]

    yield start
    for meeting in meetings:
        meeting.leave()


@each_compression
def test_echo(meet, compressed):
    """ASGI-77, ASGI-78: of every length; what repeats itself, and what does not."""
    client = meet("/echo", compressed=compressed)
    for size in SIZES:
        text = ("Grüße, 🦀! " * size)[:size]
        client.send(text)
        assert client.receive() == text
        for data in (bytes(size), os.urandom(size)):
            client.send(data)
            assert client.receive() == data


@each_compression
def test_many_small_messages(meet, compressed):
    """RFC 7692 7.2.3.2: each may refer to those before it."""
    client = meet("/echo", compressed=compressed)
    for number in range(300):
        text = f'{{"event": "position", "of": "ship-{number % 7}", "x": {number}, "y": {-number}}}'
        client.send(text * (number % 5))
        assert client.receive() == text * (number % 5)


@each_compression
def test_pipelined_messages(meet, compressed):
    """ASGI-73: a hundred are under way before the first is read."""
    client = meet("/echo", compressed=compressed)
    messages = [f"message {number} " * number for number in range(100)]
    for message in messages:
        client.send(message)
    assert [client.receive() for _ in messages] == messages


def test_messages_and_a_farewell(meet):
    """ASGI-79: what was sent before the close arrives before it."""
    client = meet("/count")
    for number in range(0, 100, 2):
        assert client.receive() == str(number)
        assert client.receive() == b"%d" % (number + 1)
    assert ending(client) == (1000, "")


@each_compression
def test_fragments(meet, compressed, client_class):
    """ASGI-71: a character may be cut in two; wsproto also pings between the pieces."""
    if client_class is Aiohttp:
        pytest.skip("aiohttp's client does not send fragments")
    client = meet("/echo", compressed=compressed)
    client.send_in_pieces("one ", "", "two ", "three" * 10_000)
    assert client.receive() == "one two " + "three" * 10_000
    client.send_in_pieces(b"\xff", b"\x00" * 70_000)
    assert client.receive() == b"\xff" + b"\x00" * 70_000


def test_ping(meet, client_class):
    """ASGI-70: answered by the server, also while the application waits."""
    if client_class is Aiohttp:
        pytest.skip("aiohttp's client does not show pongs")
    client = meet("/echo")
    client.ping()
    client.send("after it")
    assert client.receive() == "after it"


def test_pings_of_the_server(meet_with):
    """ASGI-70: clients answer them by themselves, and stay."""
    client = meet_with(ws_ping_interval=0.02, ws_ping_timeout=5)("/echo")
    for number in range(50):
        client.send(str(number))
        assert client.receive() == str(number)
    assert client.close() == (1000, "")


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1000, ""), (1001, "going"), (1011, ""), (3000, "ä" * 61), (4999, "see you")],
)
def test_client_closes(meet, code, reason):
    """ASGI-80: the application sees both, and the client gets them back."""
    client = meet("/echo")
    client.send("hello")
    assert client.receive() == "hello"
    assert client.close(code, reason) == (code, reason)
    assert meet.seen() == (code, reason)


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1008, "policy"), (3000, "ä" * 61), (4000, "")]
)
def test_application_closes(meet, code, reason):
    """ASGI-79, ASGI-80."""
    client = meet(f"/close?code={code}&reason={'%C3%A4' * 61 if 'ä' in reason else reason}")
    client.send("now")
    assert ending(client) == (code, reason)
    assert meet.seen() == (code, reason)


def test_subprotocol(meet):
    """ASGI-74."""
    assert meet("/echo", subprotocols=["v1", "v2"]).subprotocol == "v2"
    assert meet("/echo").subprotocol is None


def test_compression_is_agreed_on(meet):
    """RFC 7692 7.1: when both want it."""
    assert meet("/echo").extensions.startswith("permessage-deflate")
    assert meet("/echo", compressed=False).extensions == ""


def test_compression_that_the_server_does_not_want(meet_with):
    """RFC 7692 5.1: it then says nothing of it."""
    assert meet_with(ws_per_message_deflate=False)("/echo").extensions == ""


def test_refusal(meet):
    """ASGI-75."""
    with pytest.raises(Refused) as refused:
        meet("/refuse")
    assert refused.value.status == 403
    assert not refused.value.body
    assert meet.seen() == (1006, "")


def test_denial(meet):
    """ASGI-110."""
    with pytest.raises(Refused) as refused:
        meet("/deny")
    assert refused.value.status == 401
    assert refused.value.fields["x-why"] == "no token"
    assert refused.value.body in (None, b"no token")
    assert meet.seen() == (1006, "")


def test_message_beyond_the_limit(meet_with):
    """FLT-F20: 1009, in uvicorn's words."""
    meet = meet_with(ws_max_size=1000)
    client = meet("/echo", compressed=False)
    client.send(b"x" * 1000)
    assert client.receive() == b"x" * 1000
    client.send(b"x" * 1001)
    assert ending(client) == (1009, "frame with 1001 bytes exceeds limit of 1000 bytes")
    assert meet.seen()[0] == 1009


# --- What one client alone can do ---


@pytest.mark.parametrize("client_class", [Wsproto], ids=["wsproto"])
def test_close_without_a_code(meet):
    """ASGI-80, RFC 6455 7.1.5: 1005, which never travels."""
    assert meet("/echo").close_without_code() == (1005, "")
    assert meet.seen() == (1005, "")


WINDOWS = [None, 9, 12, 15]


@pytest.mark.parametrize("client_class", [Websockets], ids=["websockets"])
@pytest.mark.parametrize("server_forgets", [True, False])
@pytest.mark.parametrize("client_forgets", [True, False])
@pytest.mark.parametrize("bits", WINDOWS)
def test_parameters_of_compression(meet, server_forgets, client_forgets, bits):
    """RFC 7692 7.1: whatever the client asks for is kept to, or the client would close."""
    offer = ClientPerMessageDeflateFactory(
        server_no_context_takeover=server_forgets,
        client_no_context_takeover=client_forgets,
        server_max_window_bits=bits,
        client_max_window_bits=bits or True,
    )
    client = meet("/echo", compression=None, extensions=[offer])
    assert client.extensions.startswith("permessage-deflate")
    assert ("server_no_context_takeover" in client.extensions) >= server_forgets
    text = "".join(f"line {number % 999}\n" for number in range(5000))
    for _ in range(3):
        client.send(text)
        assert client.receive() == text


@pytest.mark.parametrize("client_class", [Wsproto], ids=["wsproto"])
@pytest.mark.parametrize("bits", [9, 12, 15])
def test_windows_as_wsproto_asks_for_them(meet, bits):
    """RFC 7692 7.1.2."""
    deflate = PerMessageDeflate(server_max_window_bits=bits, client_max_window_bits=bits)
    client = meet("/echo", deflate=deflate)
    text = "".join(f"line {number % 999}\n" for number in range(5000))
    for _ in range(3):
        client.send(text)
        assert client.receive() == text


def ending(client):
    """Code and reason by which the server ends the connection, as the next thing."""
    with pytest.raises(Ended) as ended:
        client.receive()
    return ended.value.farewell
