"""A raw case: the bytes of one connection, and what the server may make of them.

The tables of tests/wire are lists of these. Judges a connection on which the bytes were sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.clients.raw import RawConnection
from tests.clients.response import DATE, Response, WireError

WORDS = b"Invalid HTTP request received."
FOLLOW = b"GET /follow HTTP/1.1\r\nHost: follow\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Verdict:
    """One lawful outcome: the statuses in order, and whether the connection then closes."""

    answers: tuple[frozenset[int], ...]
    closes: bool
    calls: int  # requests that the application saw whole; the follow-up is not counted

    def fits(self, statuses: list[int], closed: bool) -> bool:
        return (
            closed == self.closes
            and len(statuses) == len(self.answers)
            and all(s in allowed for s, allowed in zip(statuses, self.answers, strict=True))
        )


@dataclass(frozen=True)
class Case:
    """Bytes, the outcomes that are allowed, and what the application must have seen if called."""

    id: str
    raw: bytes
    verdicts: tuple[Verdict, ...]
    in_body: bool = False  # the fault lies in a body: the application may have been called
    methods: tuple[str, ...] = ("GET",)
    path: str | None = None
    body: bytes | None = None
    sees: tuple[tuple[bytes, tuple[bytes, ...]], ...] = ()
    then: bytes = b""  # follows the raw bytes, so many times
    times: int = 1

    @property
    def bytes(self) -> bytes:
        return self.raw + self.then * self.times

    def method(self, index: int) -> str:
        return self.methods[min(index, len(self.methods) - 1)]


def refuse(id: str, raw: bytes, *statuses: int, in_body: bool = False) -> Case:
    """The server answers itself, 400 unless told otherwise, and closes; nothing after is read."""
    return Case(id, raw, (refused(*statuses),), in_body=in_body)


def accept(id: str, raw: bytes, closes: bool = False, **seen: Any) -> Case:
    """The application answers, and the connection stays usable (or must close)."""
    return Case(id, raw, (served(closes=closes),), **seen)


def either(
    id: str, raw: bytes, *statuses: int, in_body: bool = False, closes: bool = False, **seen: Any
) -> Case:
    """Both are lawful: served, or refused."""
    verdicts = (served(closes=closes), refused(*statuses))
    return Case(id, raw, verdicts, in_body=in_body, **seen)


def sequence(id: str, raw: bytes, *verdicts: Verdict, **seen: Any) -> Case:
    """Several requests on one connection."""
    return Case(id, raw, verdicts, **seen)


def served(count: int = 1, closes: bool = False) -> Verdict:
    return Verdict((frozenset({200}),) * count, closes, count)


def refused(*statuses: int, after: int = 0) -> Verdict:
    """Refused, after so many requests that were served."""
    ok = (frozenset({200}),) * after
    return Verdict((*ok, frozenset(statuses or {400})), closes=True, calls=after)


def closed_after(count: int) -> Verdict:
    """So many answers, then the end of the connection without another word."""
    return replace(served(count), closes=True)


def judge(case: Case, connection: RawConnection, take_calls: Any) -> list[Response]:
    """Reads what came of a case whose bytes were sent; raises if no verdict allows it."""
    responses = read_responses(case, connection)
    statuses = [response.status for response in responses]
    if any(response.interim for response in responses) and not may_get_continue(case):
        raise WireError(f"an interim response: {responses}")
    fitting = [v for v in case.verdicts if fits_so_far(v, statuses)]
    if not fitting:
        raise WireError(f"answered {statuses}")
    if statuses and not responses[-1].closes and not all(v.closes for v in fitting):
        closed = False
        connection.send(FOLLOW)
        follow = connection.read_response()
        if follow.body != b"GET /follow ":
            raise WireError(
                f"after {statuses} the next request got {follow.status} {follow.body!r}"
            )
        connection.expect_end()
    else:
        closed = True
        connection.expect_end()
    verdict = next((v for v in fitting if v.fits(statuses, closed)), None)
    if verdict is None:
        raise WireError(f"answered {statuses}, then {'closed' if closed else 'kept open'}")
    if statuses and statuses[-1] >= 400:
        check_refusal(responses[-1])
    check_calls(case, verdict, take_calls(connection.port), 0 if closed else 1)
    return responses


def may_get_continue(case: Case) -> bool:
    """FLT-A48, A49: only who asked for it, and never over HTTP/1.0."""
    return b"100-continue" in case.raw.lower() and b"HTTP/1.0" not in case.raw


def fits_so_far(verdict: Verdict, statuses: list[int]) -> bool:
    allowed = verdict.answers
    return len(statuses) == len(allowed) and all(
        s in a for s, a in zip(statuses, allowed, strict=True)
    )


def read_responses(case: Case, connection: RawConnection) -> list[Response]:
    """As many answers as any verdict knows, or fewer if the connection ends before."""
    responses: list[Response] = []
    most = max(len(verdict.answers) for verdict in case.verdicts)
    while len(responses) < most:
        if responses and (responses[-1].closes or connection.ended_without_more()):
            break
        responses.append(connection.read_response(case.method(len(responses))))
    return responses


def check_refusal(response: Response) -> None:
    """FLT-A1: how the server words its own refusals."""
    if not response.closes:
        raise WireError(f"refused without connection: close: {response.fields}")
    if response.status != 400:
        return
    fields = {
        "content-type": "text/plain; charset=utf-8",
        "content-length": "30",
        "connection": "close",
        "server": "rsgi",
    }
    for name, value in fields.items():
        if response.one(name) != value:
            raise WireError(f"a refusal's {name} is {response.one(name)!r}, not {value!r}")
    if not DATE.fullmatch(response.one("date") or ""):
        raise WireError(f"a refusal's date is {response.one('date')!r}")
    if response.body != WORDS or response.phrase != "Bad Request":
        raise WireError(f"a refusal says {response.phrase!r} {response.body!r}")


def check_calls(case: Case, verdict: Verdict, calls: list[Any], follow_ups: int) -> None:
    """FLT-A3: which requests the application saw, and what it saw of the first."""
    whole = [call for call in calls if call.complete]
    if len(whole) != verdict.calls + follow_ups:
        raise WireError(f"the application saw {len(whole)} whole requests")
    if len(calls) > len(whole) and not (case.in_body and len(calls) == len(whole) + 1):
        raise WireError("the application was called for a refused request")
    if verdict.calls == 0:
        return
    first = whole[0]
    if case.path is not None and first.scope["path"] != case.path:
        raise WireError(f"path {first.scope['path']!r}")
    if case.body is not None and first.body != case.body:
        raise WireError(f"body {first.body!r}")
    for name, values in case.sees:
        if tuple(first.values(name)) != values:
            raise WireError(f"{name!r} fields {first.values(name)}")
