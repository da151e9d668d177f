"""uvicorn's options, in the order in which it declares them. Defaults are those of `Config`, which
spells them out in its signature; a test compares. Help texts are ours.
"""

from __future__ import annotations

import ssl

from rsgi_bridge.logging import LOG_LEVELS
from rsgi_bridge.options.option import Kind, Option, Section

TEXT, INTEGER, NUMBER, SWITCH = Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.SWITCH

UVICORN_OPTIONS = (
    Option(
        "--host",
        TEXT,
        "127.0.0.1",
        "Address or name to listen on; every address of it.",
        Section.ADDRESS,
    ),
    Option("--port", INTEGER, 8000, "Port to listen on. 0 picks a free one.", Section.ADDRESS),
    Option("--uds", TEXT, None, "Path of a Unix socket to listen on instead.", Section.ADDRESS),
    Option(
        "--fd", INTEGER, None, "Inherited descriptor of a bound socket to use.", Section.ADDRESS
    ),
    Option(
        "--reload",
        SWITCH,
        False,
        "Restart the application when its files change.",
        Section.RELOAD,
        needs="reloading",
    ),
    Option(
        "--reload-dir",
        Kind.FILE,
        (),
        "Directory to watch, in place of the current one. May be repeated.",
        Section.RELOAD,
        name="reload_dirs",
        is_repeated=True,
    ),
    Option(
        "--reload-include",
        TEXT,
        (),
        "Glob pattern of files to watch, beside '*.py'. Needs watchfiles. May be repeated.",
        Section.RELOAD,
        name="reload_includes",
        is_repeated=True,
    ),
    Option(
        "--reload-exclude",
        TEXT,
        (),
        "Glob pattern of files not to watch, beside '.*, .py[cod], .sw.*, ~*', unless"
        " --reload-include has one of these. Needs watchfiles. May be repeated.",
        Section.RELOAD,
        name="reload_excludes",
        is_repeated=True,
    ),
    Option(
        "--reload-delay", NUMBER, 0.25, "Seconds between two looks at the files.", Section.RELOAD
    ),
    Option(
        "--workers",
        INTEGER,
        None,
        "Number of worker processes. Without it $WEB_CONCURRENCY, or 1. Not with --reload.",
        Section.WORKERS,
        needs="worker processes",
    ),
    Option(
        "--loop",
        TEXT,
        "auto",
        "Event loop, or the import string of a function that makes one. 'auto' is uvloop where it"
        " is installed.",
        Section.PROTOCOLS,
        choices=("auto", "asyncio", "uvloop", "zuvloop"),
        hidden_choices=("none",),
        is_open=True,
    ),
    Option(
        "--http",
        TEXT,
        "auto",
        "HTTP implementation of uvicorn. There is one here, which stands for each of them.",
        Section.PROTOCOLS,
        choices=("auto", "h11", "httptools", "zttp"),
    ),
    Option("--http2", SWITCH, False, "Serve HTTP/2 as well.", Section.PROTOCOLS, needs="HTTP/2"),
    Option(
        "--ws",
        TEXT,
        "auto",
        "WebSocket implementation of uvicorn. One here stands for each of them; 'none' turns"
        " WebSockets off.",
        Section.WEBSOCKETS,
        choices=("auto", "websockets", "websockets-sansio", "wsproto"),
        hidden_choices=("none",),
    ),
    Option(
        "--ws-max-size",
        INTEGER,
        16777216,
        "Maximum bytes of a WebSocket message, inflated. 0 turns it off.",
        Section.WEBSOCKETS,
    ),
    Option(
        "--ws-max-queue",
        INTEGER,
        32,
        "Number of messages that may wait for the application before the peer has to. 0 turns it"
        " off.",
        Section.WEBSOCKETS,
    ),
    Option(
        "--ws-ping-interval",
        NUMBER,
        20.0,
        "Seconds between two pings. 0 turns them off.",
        Section.WEBSOCKETS,
    ),
    Option(
        "--ws-ping-timeout",
        NUMBER,
        20.0,
        "Seconds that a pong may take. 0 turns it off.",
        Section.WEBSOCKETS,
    ),
    Option(
        "--ws-per-message-deflate",
        Kind.BOOLEAN,
        True,
        "Whether messages are compressed for peers that ask for it.",
        Section.WEBSOCKETS,
    ),
    Option(
        "--lifespan",
        TEXT,
        "auto",
        "Whether the application is told of start and stop: 'on' ends the start if it fails at"
        " that, 'auto' takes an exception to mean that it does not know the protocol.",
        Section.APPLICATION,
        choices=("auto", "on", "off"),
    ),
    Option(
        "--interface",
        TEXT,
        "auto",
        "What the application speaks. 'auto' looks at it, and never finds WSGI.",
        Section.APPLICATION,
        choices=("auto", "asgi3", "asgi2", "wsgi"),
    ),
    Option(
        "--env-file",
        Kind.FILE,
        None,
        "File of environment variables for the application. Needs python-dotenv.",
        Section.APPLICATION,
    ),
    Option(
        "--log-config",
        Kind.FILE,
        None,
        "Logging configuration: .json, .yaml or .yml, else in the ini format.",
        Section.LOGS,
    ),
    Option(
        "--log-level",
        TEXT,
        None,
        "Least severe level that is logged. [default: info]",
        Section.LOGS,
        choices=tuple(LOG_LEVELS),
    ),
    Option(
        "--access-log/--no-access-log", SWITCH, True, "Log each response, or not.", Section.LOGS
    ),
    Option(
        "--use-colors/--no-use-colors",
        SWITCH,
        None,
        "Colour log lines, or not. Without either: if standard output is a terminal.",
        Section.LOGS,
    ),
    Option(
        "--proxy-headers/--no-proxy-headers",
        SWITCH,
        True,
        "Take client and scheme from X-Forwarded-For and X-Forwarded-Proto of trusted proxies, or"
        " not.",
        Section.PROXIES,
    ),
    Option(
        "--server-header/--no-server-header",
        SWITCH,
        True,
        "Add a server field to responses, or not.",
        Section.RESPONSES,
    ),
    Option(
        "--date-header/--no-date-header",
        SWITCH,
        True,
        "Add a date field to responses, or not.",
        Section.RESPONSES,
    ),
    Option(
        "--forwarded-allow-ips",
        TEXT,
        None,
        "Proxies to trust: addresses, networks and literals, with commas. '*' trusts everybody."
        " Without it $FORWARDED_ALLOW_IPS, or '127.0.0.1,::1'.",
        Section.PROXIES,
    ),
    Option(
        "--root-path",
        TEXT,
        "",
        "Path below which a proxy mounts the application, for the scope's root_path.",
        Section.APPLICATION,
    ),
    Option(
        "--limit-concurrency",
        INTEGER,
        None,
        "Number of open connections or running requests from which on the answer is 503.",
        Section.LIMITS,
        minimum=0,
    ),
    Option("--backlog", INTEGER, 2048, "Connections that may wait in the kernel.", Section.ADDRESS),
    Option(
        "--limit-max-requests",
        INTEGER,
        None,
        "Stop gracefully after so many responses.",
        Section.LIMITS,
        minimum=0,
    ),
    Option(
        "--limit-max-requests-jitter",
        INTEGER,
        0,
        "Maximum of a random number added to --limit-max-requests, so that workers do not all"
        " restart at once.",
        Section.LIMITS,
        minimum=0,
    ),
    Option(
        "--timeout-keep-alive",
        INTEGER,
        5,
        "Seconds for which an idle connection is kept.",
        Section.TIMEOUTS,
        minimum=0,
    ),
    Option(
        "--timeout-graceful-shutdown",
        INTEGER,
        None,
        "Seconds for which a graceful stop waits before it cancels what still runs. Without it, for"
        " ever.",
        Section.TIMEOUTS,
        minimum=0,
    ),
    Option(
        "--timeout-worker-healthcheck",
        INTEGER,
        5,
        "Seconds in which a worker process must answer that it is alive.",
        Section.WORKERS,
        minimum=0,
    ),
    Option("--ssl-keyfile", TEXT, None, "File of the private key.", Section.TLS, needs="TLS"),
    Option(
        "--ssl-certfile", TEXT, None, "File of the certificate chain.", Section.TLS, needs="TLS"
    ),
    Option("--ssl-keyfile-password", TEXT, None, "Password of the private key.", Section.TLS),
    Option(
        "--ssl-version",
        INTEGER,
        int(ssl.PROTOCOL_TLS_SERVER),
        "Protocol version, as a number of Python's ssl module.",
        Section.TLS,
    ),
    Option(
        "--ssl-cert-reqs",
        INTEGER,
        int(ssl.CERT_NONE),
        "Whether clients must have a certificate: 0 no, 1 optional, 2 required.",
        Section.TLS,
    ),
    Option(
        "--ssl-ca-certs",
        TEXT,
        None,
        "File of the authorities that client certificates are checked against.",
        Section.TLS,
        needs="TLS",
    ),
    Option("--ssl-ciphers", TEXT, None, "Ciphers, in the syntax of OpenSSL.", Section.TLS),
    Option(
        "--header",
        TEXT,
        (),
        "Field to add to every response, as Name:Value. May be repeated.",
        Section.RESPONSES,
        name="headers",
        is_repeated=True,
    ),
    Option("--version", Kind.VERSION, False, "Print the version and exit.", Section.APPLICATION),
    Option(
        "--app-dir",
        TEXT,
        "",
        "Directory to look for APP in, before any other. Without it, the current one.",
        Section.APPLICATION,
    ),
    Option(
        "--h11-max-incomplete-event-size",
        INTEGER,
        None,
        "Bytes of a request's head, unless --limit-request-head is given.",
        Section.LIMITS,
        minimum=1,
    ),
    Option(
        "--reset-contextvars",
        SWITCH,
        False,
        "Run each request in an empty context, which has no variable of the server's start.",
        Section.APPLICATION,
    ),
    Option(
        "--factory",
        SWITCH,
        False,
        "APP is a function that takes nothing and returns the application.",
        Section.APPLICATION,
    ),
)
