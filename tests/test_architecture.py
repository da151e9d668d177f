"""The tree keeps to its layers, headers, sizes and citations, and the checks would notice if not.

The rules themselves are functions in tests/architecture.py. Every file may be absent: what is not
there breaks no rule.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import architecture as rules

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "rsgi_bridge"


def files(pattern: str) -> dict[str, str]:
    """Path below the root -> text."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(ROOT.glob(pattern))
    }


RUST = files("src/**/*.rs")
TESTS = files("tests/**/*.py")
PYTHON = {
    **files("python/**/*.py"),
    **TESTS,
    **files("examples/**/*.py"),
    **files("benches/**/*.py"),
    **files("scripts/**/*.py"),
}
# Names below the package: `config`, `supervisors.reload`; a folder's `__init__` is the folder.
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
# Of those, the ones that exist only for uvicorn's import paths.
REEXPORTS = {
    module for module, path in MODULES.items() if rules.is_reexport(path.read_text("utf-8"))
}

# Modules that no unit test mirrors, and why.
UNMIRRORED = {
    "__init__": "names only; tests/unit/test_cli.py and every other test import through it",
    "__main__": "one call; tests/process starts it",
    "_types": "names for the type checker",
    "options.own": "a table; test_options.py and test_surface.py look at every row",
    "options.uvicorn": "a table; test_options.py and test_surface.py look at every row",
    "middleware": "an empty package; each of its modules has a test",
}

# Files whose applications sleep on purpose, and why that is no synchronisation of the test.
SLEEPERS: dict[str, str] = {}


def assert_none(faults: list[str]) -> None:
    """Shows all complaints, where pytest would show the first of a list."""
    assert not faults, "\n" + "\n".join(faults)


def test_rust_imports_follow_the_table():
    assert_none([fault for file in RUST.items() for fault in rules.rust_import_faults(*file)])


def test_python_imports_follow_the_table():
    names = {module.split(".")[0] for module in MODULES} | {"_core"}
    faults = [
        fault
        for module, path in MODULES.items()
        if module not in REEXPORTS
        for fault in rules.python_import_faults(module, path.read_text(encoding="utf-8"), names)
    ]
    assert_none(faults)


def test_reexports_hold_no_code_and_serve_nobody_inside():
    texts = {module: path.read_text(encoding="utf-8") for module, path in MODULES.items()}
    assert_none(
        [fault for module in REEXPORTS for fault in rules.reexport_faults(module, texts[module])]
    )
    assert_none(
        [
            fault
            for module, text in texts.items()
            if module not in REEXPORTS | {"__init__"}  # which imports what uvicorn's __init__ does
            for fault in rules.use_of_reexport_faults(module, text, REEXPORTS)
        ]
    )


def test_unsafe_stays_in_its_layers_and_says_why():
    assert_none([fault for file in RUST.items() for fault in rules.unsafe_faults(*file)])


def test_no_rust_thread_sleeps():
    assert_none([fault for file in RUST.items() for fault in rules.blocking_faults(*file)])


def test_source_files_begin_with_a_header():
    sources = {**RUST, **PYTHON}
    assert_none([fault for file in sources.items() for fault in rules.header_faults(*file)])


def test_source_files_are_short():
    sources = {**RUST, **PYTHON}
    assert_none([fault for file in sources.items() for fault in rules.size_faults(*file)])


def test_tests_do_not_sleep():
    faults = [
        fault
        for path, text in TESTS.items()
        if path not in SLEEPERS
        for fault in rules.sleep_faults(path, text)
    ]
    assert_none(faults)


def test_sleepers_still_sleep():
    idle = [path for path in SLEEPERS if not rules.sleep_faults(path, TESTS.get(path, ""))]
    assert_none(idle)


def test_modules_have_a_unit_test_of_their_name():
    tests = {path.name for path in (ROOT / "tests" / "unit").rglob("test_*.py")}
    assert_none(rules.mirror_faults(sorted(MODULES.keys() - UNMIRRORED - REEXPORTS), tests))


def test_cited_rules_are_explained():
    page = (ROOT / "docs" / "internals" / "conformance.md").read_text(encoding="utf-8")
    explained = rules.explained_rules(page)
    sources = {**RUST, **PYTHON}
    del sources["tests/test_architecture.py"]  # its samples cite rules that do not exist
    faults = [
        fault for file in sources.items() for fault in rules.citation_faults(*file, explained)
    ]
    assert_none(faults)


# --- The checks can fail ---


@pytest.mark.parametrize(
    ("path", "code", "fault"),
    [
        ("src/runtime/timer.rs", "use crate::transport::Peer;", "transport::Peer"),
        ("src/runtime/timer.rs", "use pyo3::prelude::*;", "pyo3"),
        ("src/protocol/http1.rs", "fn f() { crate::asgi::scope::build() }", "asgi::scope"),
        ("src/protocol/http1.rs", "use super::super::asgi;", "asgi"),
        ("src/protocol/mod.rs", "use super::interpreter::Loop;", "interpreter::Loop"),
        ("src/asgi/http.rs", "use crate::{protocol, runtime::{Local}};", "runtime::Local"),
        ("src/asgi/http.rs", "use crate::transport::Stream;", "transport::Stream"),
        ("src/asgi/http.rs", "use crate::transport::{Peer, Stream};", "transport::Stream"),
        ("src/asgi/http.rs", "use crate::transport;", "must not import transport"),
        ("src/asgi/http.rs", "use crate::{error::{a::B, C}, runtime};", "runtime"),
        ("src/asgi/http.rs", "mod tests { use super::super::super::runtime::Timer; }", "runtime"),
        ("src/settings.rs", "use crate::bridge::Bridge;", "bridge::Bridge"),
        ("src/interpreter/mod.rs", "use crate::settings::Settings;", "settings::Settings"),
        ("src/extras/mod.rs", "", "not in the import table"),
    ],
)
def test_rust_import_against_the_table_is_found(path, code, fault):
    (found,) = rules.rust_import_faults(path, f"//! Header.\n{code}\n")
    assert fault in found


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("src/asgi/http.rs", "use crate::transport::{Peer, ServerAddress};"),
        ("src/asgi/http.rs", "use crate::protocol::{self, Local};\nuse pyo3::prelude::*;"),
        ("src/asgi/http.rs", "mod tests { use super::super::scope; }"),
        ("src/protocol/mod.rs", "pub use crate::runtime::Local;"),
        ("src/runtime/timer.rs", '//! See [`crate::asgi`].\n/* pyo3 */ const A: &str = "pyo3";'),
        ("src/lib.rs", "mod bridge;\nuse crate::bridge::Bridge;"),
    ],
)
def test_rust_import_within_the_table_passes(path, code):
    assert rules.rust_import_faults(path, code) == []


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("config", "from rsgi_bridge import server"),
        ("config", "import rsgi_bridge.server"),
        ("config", "def load():\n    from .server import Server"),
        ("lifespan", "from rsgi_bridge.config import Config"),
        ("lifespan", "from rsgi_bridge import __version__"),
        ("supervisors.reload", "from ..cli import main"),
        ("cli", "from rsgi_bridge._core import Bridge"),
    ],
)
def test_python_import_against_the_table_is_found(module, code):
    names = {"cli", "config", "server", "lifespan", "_core"}
    assert len(rules.python_import_faults(module, code, names)) == 1


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("server", "from . import _core\nfrom .exceptions import BindError\nimport asyncio"),
        ("supervisors.reload", "from .process import spawn\nfrom ..config import Config"),
        ("__init__", "from rsgi_bridge.server import Server"),
    ],
)
def test_python_import_within_the_table_passes(module, code):
    names = {"server", "config", "exceptions", "supervisors", "_core"}
    assert rules.python_import_faults(module, code, names) == []


def test_code_in_a_reexport_is_found():
    text = '"""Re-export: a path."""\nfrom rsgi_bridge.logging import style\n'
    assert rules.is_reexport(text)
    assert not rules.is_reexport('"""Owns something."""')
    assert rules.reexport_faults("loops", text + '__all__ = ["style"]\n') == []
    assert len(rules.reexport_faults("loops", text + "style = None\n")) == 1


@pytest.mark.parametrize(
    ("module", "code", "faults"),
    [
        ("server", "from rsgi_bridge.lifespan.on import LifespanOn", 1),
        ("server", "from .lifespan import on", 1),
        ("server", "import rsgi_bridge.lifespan.on", 1),
        ("server", "from rsgi_bridge.lifespan import LifespanOn", 0),
        ("lifespan.on", "from rsgi_bridge.lifespan import only", 0),
    ],
)
def test_use_of_a_reexport_is_found(module, code, faults):
    assert len(rules.use_of_reexport_faults(module, code, {"lifespan.on"})) == faults


def test_unsafe_without_a_reason_is_found():
    block = "fn f() {\n    unsafe { g() }\n}\n"
    reasoned = "fn f() {\n    // SAFETY: g has no contract.\n    unsafe { g() }\n}\n"
    assert len(rules.unsafe_faults("src/runtime/source.rs", block)) == 1
    assert rules.unsafe_faults("src/runtime/source.rs", reasoned) == []
    assert len(rules.unsafe_faults("src/asgi/task.rs", reasoned)) == 1
    assert rules.unsafe_faults("src/asgi/task.rs", '// unsafe\nconst A: &str = "unsafe";') == []


def test_missing_header_is_found():
    assert rules.header_faults("src/error.rs", "use std::io;\n//! Late.\n")
    assert rules.header_faults("tests/apps.py", "# A comment is not a docstring.\nimport os\n")
    assert rules.header_faults("tests/apps.py", '"""Applications."""\n') == []
    assert rules.header_faults("tests/__init__.py", "") == []


def test_long_file_is_found():
    assert rules.size_faults("src/error.rs", "\n" * (rules.MAX_LINES + 1))
    assert rules.size_faults("src/error.rs", "\n" * rules.MAX_LINES) == []


@pytest.mark.parametrize(
    "code", ["time.sleep(1)", "sleep(0.1)", "anyio.sleep(n)", "sleep(delay=0)"]
)
def test_sleep_is_found(code):
    assert len(rules.sleep_faults("tests/unit/test_cli.py", code)) == 1


def test_giving_way_is_no_sleep():
    text = 'asyncio.sleep(0)\nsleeper(1)\n"time.sleep(1)"\n'
    assert rules.sleep_faults("tests/unit/test_cli.py", text) == []


def test_sleeping_thread_is_found():
    assert rules.blocking_faults("src/bridge.rs", "std::thread::sleep(pause);")


def test_module_without_a_test_is_found():
    modules = ["cli", "supervisors.reload", "_types"]
    faults = rules.mirror_faults(modules, {"test_cli.py", "test_types.py"})
    assert faults == ["supervisors.reload: no tests/unit/test_reload.py"]


def test_unexplained_rule_is_found():
    table = (
        "| Id | Rule |\n|---|---|\n| ASGI-1 | The application is called once. |\n| O2 | |\n"
        "| U1.4 | The exit codes are uvicorn's. |\n"
    )
    explained = rules.explained_rules(table)
    assert explained == {"ASGI-1", "U1.4"}
    text = "ASGI-1, ASGI-N1, FLT-A5, O2, U1.4, U2.3; but not IO2, O99, U9.1 or FLT-Z1"
    assert rules.cited_rules(text) == {"ASGI-1", "ASGI-N1", "FLT-A5", "O2", "U1.4", "U2.3"}
    assert len(rules.citation_faults("tests/test_x.py", text, explained)) == 4
