"""The pages keep to the program: links lead somewhere, and what they name is there.

Commands, options, variables and examples are looked at in every page; what they do is for the tests
of the program.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rsgi_bridge import cli
from rsgi_bridge.options import OPTIONS
from scripts import settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FLAGS = {"--help"} | {
    flag for param in cli.main.params for flag in (*param.opts, *param.secondary_opts)
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EACH_PAGE = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)


def blocks(page: str, language: str = "") -> list[str]:
    """The fenced examples, all or those in one language."""
    return [text for name, text in FENCE.findall(page) if language in ("", name)]


def prose(page: str) -> str:
    """The page without examples, and without what its tables list of other servers."""
    lines = []
    of_another_server = False
    for line in FENCE.sub("", page).splitlines():
        if line.startswith("## "):
            of_another_server = line.startswith("## From ") and "uvicorn" not in line.split()[2]
        if of_another_server and line.startswith("|"):
            line = line.partition("|")[2].partition("|")[2]
        lines.append(line)
    return "\n".join(lines)


def code_spans(page: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def command_lines(page: str) -> Iterator[list[str]]:
    """The arguments of each `rsgi` in an example: for a shell, for systemd or as a JSON list."""
    lines = [line for block in blocks(page) for line in block.splitlines()]
    for line in [*lines, *(span for span in code_spans(page) if span.startswith("rsgi "))]:
        found = re.search(r"""(?:^|[\s/"=]|-m )rsgi(?:_bridge)?"?[,\s]+(\S.*)""", line)
        if found is None:
            continue
        words = shlex.split(found[1].replace('",', '"').removesuffix("]"), comments=True)
        if any(re.fullmatch(r"[\w.]+:[\w.]+|--.+", word) for word in words):
            yield [word.replace("$PORT", "8000") for word in words]


def anchors(page: str) -> set[str]:
    """What a heading can be linked by: lower case, blanks as hyphens, nothing else."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EACH_PAGE
def test_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8")), target


@EACH_PAGE
def test_option_that_a_page_names_is_one(page):
    # U1.2
    for span in code_spans(page.read_text(encoding="utf-8")):
        if span.startswith("--"):
            for name in re.findall(r"(?<![\w-])--[a-z][\w-]*", span):
                is_family = span == f"{name}*"
                assert name in FLAGS or (is_family and any(f.startswith(name) for f in FLAGS))


@EACH_PAGE
def test_command_line_in_an_example_is_understood(page):
    # U1.1
    context = click.Context(cli.main)
    params = {param.name: param for param in cli.main.params}
    for words in command_lines(page.read_text(encoding="utf-8")):
        values, rest, _ = cli.main.make_parser(context).parse_args(list(words))
        assert len(rest) <= 1, words
        for name, value in values.items():
            if not isinstance(params[name].type, click.Path):  # of files that are not here
                params[name].type_cast_value(context, value)


@EACH_PAGE
def test_variable_that_a_page_names_is_known(page):
    # U1.1
    names = {param.name.upper() for param in cli.main.params}
    for name in re.findall(r"\b(?:RSGI|UVICORN)_([A-Z_]+)\b", page.read_text(encoding="utf-8")):
        assert name in names


@EACH_PAGE
def test_target_that_a_page_names_is_in_the_makefile(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|\$ )make ((?:[A-Z]+=\S+ )*)([a-z-]+)", text)
    assert {target for _, target in named} - targets == set()


@EACH_PAGE
def test_python_in_an_example_compiles(page):
    for block in blocks(page.read_text(encoding="utf-8"), "python"):
        compile(block, page.name, "exec")


def test_pages_have_examples_to_look_at():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert len(list(command_lines(text))) > 20
    assert len(blocks(text, "python")) > 5


@pytest.mark.parametrize(
    "line",
    [
        "$ rsgi main:app --prot 1",
        'CMD ["rsgi", "main:app", "--prot", "1"]',
        "ExecStart=/srv/bin/rsgi main:app --prot 1",
        "python -m rsgi_bridge --port one main:app",
    ],
)
def test_command_line_that_is_wrong_is_noticed(line, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```console\n{line}\n```\n", encoding="utf-8")
    with pytest.raises(click.UsageError):
        test_command_line_in_an_example_is_understood(page)


def test_option_of_another_server_passes_in_its_section_alone(tmp_path):
    page = tmp_path / "page.md"
    table = "| `--preforks` | `--port` |\n"
    page.write_text(f"## From granite\n\n{table}", encoding="utf-8")
    test_option_that_a_page_names_is_one(page)
    page.write_text(f"## From granite\n\n## Options\n\n{table}", encoding="utf-8")
    with pytest.raises(AssertionError):
        test_option_that_a_page_names_is_one(page)


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
