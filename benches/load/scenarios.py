"""What is asked of a server, and the answer that counts as right. Knows no server and no tool."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

import apps

CHECK_TIMEOUT_SECONDS = 5.0


class WrongAnswerError(Exception):
    """The server answered something else than the scenario expects; its time means nothing."""


@dataclass(frozen=True)
class Scenario:
    """One kind of load: an application of apps.py, a request and a number of connections."""

    name: str
    about: str
    app: str
    connections: int
    answer: bytes
    method: str = "GET"
    body: bytes = b""
    access_log: bool = False

    unit = "req"

    def request(self) -> bytes:
        """The request as the bytes of one HTTP/1.1 message, for clients that write it raw."""
        head = f"{self.method} / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if self.body:
            head += f"Content-Length: {len(self.body)}\r\n"
        return head.encode() + b"\r\n" + self.body

    def check(self, port: int) -> None:
        """Ask three times on one connection; raise unless every answer is right.

        Raises:
            WrongAnswerError: the status or the body is not the expected one.
            OSError: the server does not listen, or broke the connection.
        """
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CHECK_TIMEOUT_SECONDS)
        try:
            for _ in range(3):
                connection.request(self.method, "/", body=self.body or None)
                first_socket = connection.sock
                response = connection.getresponse()
                answer = response.read()
                if response.status != 200 or answer != self.answer:
                    raise WrongAnswerError(f"status {response.status}, body {answer[:60]!r}")
                if first_socket is None or connection.sock is not first_socket:
                    raise WrongAnswerError("the connection was not kept alive")
        except http.client.HTTPException as error:
            raise WrongAnswerError(f"not a proper HTTP answer: {error!r}") from error
        finally:
            connection.close()


KIBIBYTE = b"x" * 1024

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("hello", "13 bytes, 64 connections", "hello", 64, apps.HELLO),
        Scenario("one", "13 bytes, 1 connection", "hello", 1, apps.HELLO),
        Scenario("sleep", "10 ms on the loop's timer, 512 connections", "sleep", 512, apps.HELLO),
        Scenario("large", "100 KiB, 64 connections", "large", 64, apps.LARGE),
        Scenario("echo", "POST of 1 KiB, 64 connections", "echo", 64, KIBIBYTE, "POST", KIBIBYTE),
        Scenario(
            "logged",
            "13 bytes, 64 connections, access log to a file",
            "hello",
            64,
            apps.HELLO,
            access_log=True,
        ),
    )
}
