"""The options that uvicorn does not have. Zero, or nothing, turns each of them off."""

from __future__ import annotations

from rsgi_bridge.options.option import Kind, Option, Section

TEXT, INTEGER, NUMBER, SWITCH = Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.SWITCH

OWN_OPTIONS = (
    Option(
        "--timeout-request-header",
        NUMBER,
        30,
        "Seconds in which the head of a request must arrive. 0 turns it off.",
        Section.TIMEOUTS,
        minimum=0,
    ),
    Option(
        "--timeout-request-body",
        NUMBER,
        60,
        "Seconds that the application waits for a next byte of a request body. 0 turns it off.",
        Section.TIMEOUTS,
        minimum=0,
    ),
    Option(
        "--min-request-body-rate",
        INTEGER,
        0,
        "Bytes per second, over 10 seconds, below which a request body is timed out. 0 turns it"
        " off.",
        Section.TIMEOUTS,
        minimum=0,
    ),
    Option(
        "--timeout-write",
        NUMBER,
        60,
        "Seconds in which the peer must take a next byte. 0 turns it off.",
        Section.TIMEOUTS,
        minimum=0,
    ),
    Option(
        "--ws-accept-timeout",
        NUMBER,
        60,
        "Seconds in which the application must accept a WebSocket, or refuse it. 0 turns it off.",
        Section.WEBSOCKETS,
        minimum=0,
    ),
    Option(
        "--limit-request-head",
        INTEGER,
        65536,
        "Maximum number of bytes in the head of a request. 0 turns it off.",
        Section.LIMITS,
        minimum=0,
    ),
    Option(
        "--limit-request-fields",
        INTEGER,
        100,
        "Maximum number of header fields in a request. 0 turns it off.",
        Section.LIMITS,
        minimum=0,
    ),
    Option(
        "--limit-request-body",
        INTEGER,
        0,
        "Maximum number of bytes in a request body. 0 turns it off.",
        Section.LIMITS,
        minimum=0,
    ),
    Option(
        "--limit-connections",
        INTEGER,
        0,
        "Number of open connections at which accepting pauses. 0 turns it off.",
        Section.LIMITS,
        minimum=0,
    ),
    Option(
        "--uds-permissions",
        Kind.MODE,
        None,
        "Permissions of the Unix socket, in octal. Without it those of a dead one in its place, or"
        " 666.",
        Section.ADDRESS,
    ),
    Option(
        "--forwarded-rfc7239",
        SWITCH,
        False,
        "Read trusted proxies' Forwarded field (RFC 7239) as well.",
        Section.PROXIES,
    ),
    Option(
        "--forwarded-host",
        SWITCH,
        False,
        "Take the host from X-Forwarded-Host of trusted proxies.",
        Section.PROXIES,
    ),
    Option(
        "--forwarded-prefix",
        SWITCH,
        False,
        "Put X-Forwarded-Prefix of trusted proxies before the root path.",
        Section.PROXIES,
    ),
    Option(
        "--timeout-loop-hang",
        NUMBER,
        0,
        "Seconds for which an event loop may stand still before all stacks are logged. 0 turns it"
        " off.",
        Section.WORKERS,
        minimum=0,
        needs="watchdog",
    ),
    Option(
        "--kill-hung-worker",
        SWITCH,
        False,
        "Replace a worker process that --timeout-loop-hang has found.",
        Section.WORKERS,
        needs="worker processes",
    ),
    Option(
        "--preload",
        SWITCH,
        False,
        "Import the application once, before the worker processes are made.",
        Section.WORKERS,
        needs="worker processes",
    ),
    Option(
        "--limit-worker-rss",
        INTEGER,
        0,
        "Bytes of memory at which a worker process is replaced. 0 turns it off.",
        Section.WORKERS,
        minimum=0,
        needs="worker processes",
    ),
    Option(
        "--control-socket",
        TEXT,
        None,
        "Path of a Unix socket that answers questions about the worker processes.",
        Section.WORKERS,
        needs="worker processes",
    ),
)
