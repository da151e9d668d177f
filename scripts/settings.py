"""Writes the tables of docs/settings.md from the table of options; the prose around them is ours.

Usage: settings.py, which rewrites the page, or settings.py --check, which exits with 1 if it is not
what it would be rewritten to.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rsgi_bridge.options import OPTIONS, Kind, Option, Section

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
REGION = re.compile(r"(<!-- options: ([^>]+) -->\n).*?(<!-- end of options -->)", re.DOTALL)
# What stands for a default that only the running program knows, or that reads badly as Python.
WORDED_DEFAULTS = {
    "app_dir": "the current directory",
    "forwarded_allow_ips": "`127.0.0.1,::1`",
    "log_level": "`info`",
    "timeout_graceful_shutdown": "no limit",
    "uds_permissions": "`666`",
    "use_colors": "on a terminal",
    "workers": "`1`",
}


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    current = rendered(page)
    if "--check" not in sys.argv:
        PAGE.write_text(current, encoding="utf-8")
    elif current != page:
        sys.exit(f"{PAGE.name} is out of date: make docs-settings")


def rendered(page: str) -> str:
    """The page with every table as it should be.

    Raises:
        ValueError: if the page has no place for one of the sections, or a place for none.
    """
    places = [Section(name) for _, name, _ in REGION.findall(page)]
    if sorted(places) != sorted(Section):
        raise ValueError(f"{PAGE.name} has the sections {places}")
    return REGION.sub(lambda found: f"{found[1]}\n{table(Section(found[2]))}\n{found[3]}", page)


def table(section: Section) -> str:
    rows = [row(option) for option in OPTIONS if option.section is section]
    head = ["| Option | Default | Argument | Variable | |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def row(option: Option) -> str:
    flag = option.flag.replace("/", " / ")
    meaning = option.help.replace(" [default: info]", "").replace("|", "\\|")
    if option.needs:
        meaning += " **Not available yet.**"
    if option.choices:
        meaning += f" One of {', '.join(f'`{choice}`' for choice in option.choices)}"
        meaning += ", or an import string." if option.is_open else "."
    argument = f"`{option.name}`"
    variable = f"`RSGI_{option.name.upper()}`"
    if option.kind is Kind.VERSION:
        argument = variable = ""
    return f"| `{flag}` | {default(option)} | {argument} | {variable} | {meaning} |"


def default(option: Option) -> str:
    if option.name in WORDED_DEFAULTS:
        return WORDED_DEFAULTS[option.name]
    if option.kind in (Kind.SWITCH, Kind.BOOLEAN):
        return "on" if option.default else "off"
    if option.kind is Kind.VERSION or option.default in (None, "", ()):
        return ""
    return f"`{option.default}`"


if __name__ == "__main__":
    main()
