"""nginx as the price of a constant: the configuration that makes it answer what apps.py answers."""

from __future__ import annotations

import os
from pathlib import Path

import apps
from websocket_scenarios import AnyScenario

COMMAND = "nginx -p {scratch} -c nginx.conf -e stderr"
# What can be answered without running a program.
APPS = ("hello", "large")

CONFIG = """\
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log {access_log};
    default_type text/plain;
    keepalive_requests 1000000000;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=10 inactive=1h;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location / {{ {content} }}
    }}
}}
"""


def write_files(scenario: AnyScenario, port: int, scratch: Path) -> None:
    """A constant for the small answer; a file for the large one, too long for a configuration."""
    (scratch / "large.txt").write_bytes(apps.LARGE)
    constant = f'return 200 "{apps.HELLO.decode()}";'
    file = f"root {scratch}; try_files /large.txt =404;"
    config = CONFIG.format(
        # Else a master run by root gives its worker a user that may not read the scratch directory.
        user="user root;" if os.geteuid() == 0 else "",
        port=port,
        access_log="access.log" if scenario.access_log else "off",
        content=file if scenario.app == "large" else constant,
    )
    (scratch / "nginx.conf").write_text(config)
