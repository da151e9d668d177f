"""The pages keep to the program: links lead somewhere, options and source files are all there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rsgi_bridge.options import OPTIONS
from scripts import settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def anchors(page: str) -> set[str]:
    """What a heading can be linked by: lower case, blanks as hyphens, nothing else."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


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


def test_settings_page_is_what_the_code_says():
    # U1.2; if not: make docs-settings
    page = settings.PAGE.read_text(encoding="utf-8")
    assert settings.rendered(page) == page


def test_settings_page_has_every_option():
    page = settings.PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(--[\w-]+)[^`]*` \|.*\| `RSGI_", page, re.MULTILINE)
    flags = [option.flag.partition("/")[0] for option in OPTIONS if option.name != "version"]
    assert sorted(rows) == sorted(flags)


def test_settings_page_without_a_section_is_noticed():
    page = settings.PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="sections"):
        settings.rendered(page.replace("<!-- options: TLS -->", ""))
