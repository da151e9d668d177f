"""What is said to a server over WebSocket. Knows no server; the client judges the answers."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

import websocket_load
from load import LoadError
from scenarios import CHECK_TIMEOUT_SECONDS, Scenario, WrongAnswerError

CHECK_TURNS = 3


@dataclass(frozen=True)
class WebSocketScenario:
    """One kind of load: an application of apps.py, messages, and a number of connections.

    A broadcast counts each message once for each connection that receives it.
    """

    name: str
    about: str
    app: str
    connections: int
    mode: Literal["echo", "broadcast"]
    payload: Literal["text", "json", "binary"]
    size: int
    deflate: bool = False

    access_log = False
    unit = "msg"

    def arguments(self, port: int, connections: int | None = None) -> list[str]:
        """The words for the client."""
        words = [
            self.mode,
            "--port",
            str(port),
            "--connections",
            str(connections or self.connections),
        ]
        words += ["--payload", self.payload, "--size", str(self.size)]
        return [*words, "--deflate"] if self.deflate else words

    def check(self, port: int) -> None:
        """Say three things on one connection; raise unless every answer is right.

        Raises:
            WrongAnswerError: the server refused the connection's upgrade, or said something else.
            UnsupportedError: the server does not offer what this scenario needs.
            OSError: the server does not listen.
        """
        socket.create_connection(("127.0.0.1", port), CHECK_TIMEOUT_SECONDS).close()
        try:
            with websocket_load.Client(self.arguments(port, connections=1)) as client:
                client.ask(CHECK_TURNS)
        except LoadError as error:
            raise WrongAnswerError(str(error)) from error


AnyScenario = Scenario | WebSocketScenario

WEBSOCKET_SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        WebSocketScenario(
            "ws-echo",
            "text of 100 bytes, 64 connections",
            "websocket_echo",
            64,
            "echo",
            "text",
            100,
        ),
        WebSocketScenario(
            "ws-16k",
            "binary of 16 KiB, 64 connections",
            "websocket_echo",
            64,
            "echo",
            "binary",
            16384,
        ),
        WebSocketScenario(
            "ws-deflate",
            "1 KiB of JSON, compressed, 64 connections",
            "websocket_echo",
            64,
            "echo",
            "json",
            1024,
            deflate=True,
        ),
        WebSocketScenario(
            "ws-broadcast",
            "text of 100 bytes from one to 1,000 clients",
            "websocket_broadcast",
            1000,
            "broadcast",
            "text",
            100,
        ),
        WebSocketScenario(
            "ws-broadcast-deflate",
            "1 KiB of JSON, compressed, from one to 1,000 clients",
            "websocket_broadcast",
            1000,
            "broadcast",
            "json",
            1024,
            deflate=True,
        ),
    )
}
