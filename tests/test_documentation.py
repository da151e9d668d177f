"""The pages keep to the program: links lead somewhere, options and source files are all there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rsgi_bridge.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# Worded on the page, because the program computes them.
COMPUTED_DEFAULTS = {"--log-level", "--use-colors", "--app-dir", "--uds-permissions"}


def anchors(page: str) -> set[str]:
    """What a heading can be linked by: lower case, blanks as hyphens, nothing else."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def documented_options() -> dict[str, str]:
    """`--port` -> `8000`, from the tables of the options page."""
    page = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(--[\w-]+)[^`]*` \|([^|]*)\|", page, re.MULTILINE)
    return {option: default.strip().strip("`") for option, default in rows}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8")), target


def test_architecture_page_maps_every_file():
    page = (ROOT / "docs" / "internals" / "architecture.md").read_text(encoding="utf-8")
    # A folder inside a layer is one entry; `mod.rs` and `tests.rs` belong to what they stand in.
    sources = [*ROOT.glob("src/*.rs"), *ROOT.glob("src/*/*.rs"), *ROOT.glob("python/*/[a-z]*.py")]
    unmapped = {path.name for path in sources if f"{path.name}`" not in page}
    assert unmapped - {"mod.rs", "tests.rs"} == set()


def test_options_page_has_every_option_and_no_other():
    options = {option for parameter in main.params for option in parameter.opts if option[0] == "-"}
    assert documented_options().keys() - {"--help"} == options


def test_options_page_has_the_defaults():
    documented = documented_options()
    wrong = {
        parameter.opts[0]: (documented[parameter.opts[0]], parameter.default)
        for parameter in main.params
        if isinstance(parameter.default, str | int | float)
        and not isinstance(parameter.default, bool)
        and parameter.opts[0] not in COMPUTED_DEFAULTS
        and documented.get(parameter.opts[0]) != (str(parameter.default) or "empty")
    }
    assert wrong == {}
