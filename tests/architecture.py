"""What the tree must keep to: its layers, headers, sizes and citations, as functions of text.

Each `*_faults` function returns complaints and reads no file itself, so that a test can feed it a
bad sample. It knows the names of folders, never what is in them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

MAX_LINES = 400

# --- Rust: docs/internals/architecture.md draws this table ---

_BELOW = {"settings", "error"}
RUST_IMPORTS: dict[str, set[str]] = {
    "runtime": set(),
    "transport": {"runtime", *_BELOW},
    "protocol": {"runtime", "transport", *_BELOW},
    "interpreter": {"error", "pyo3"},
    # `Local`, the executor's handle, reaches asgi as protocol's re-export.
    # Of transport it may see who is at the two ends, and nothing that carries bytes.
    "asgi": {
        "transport::Peer",
        "transport::ServerAddress",
        "protocol",
        "interpreter",
        *_BELOW,
        "pyo3",
    },
    # Reads the Python Config once; without the cargo feature it is a plain struct.
    "settings": {"error", "pyo3"},
    "error": set(),
    "bridge": {"runtime", "transport", "protocol", "asgi", "interpreter", *_BELOW, "pyo3"},
}
RUST_IMPORTS["lib"] = RUST_IMPORTS["bridge"] | {"bridge"}
UNSAFE_LAYERS = {"runtime", "interpreter"}

_RUST_NOISE = re.compile(
    r"//[^\n]*"
    r"|/\*.*?\*/"
    r'|\bb?r(?P<hashes>#*)".*?"(?P=hashes)'
    r'|\bb?"(?:\\.|[^"\\])*"'
    r'|"(?:\\.|[^"\\])*"'
    r"|b?'(?:\\.[^']*|[^\\'])'",
    re.DOTALL,
)
_RUST_PATH = re.compile(r"\b(?P<root>crate|(?:super::)*super)::(?=[\w{*])")
_INLINE_MODULE = re.compile(r"\bmod\s+\w+\s*\{")


def without_noise(rust: str) -> str:
    """The code without comments and literals; line breaks stay where they were."""
    return _RUST_NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), rust)


def rust_layer(path: str) -> str:
    """`src/runtime/timer.rs` is of layer `runtime`, `src/bridge.rs` of layer `bridge`."""
    return path.removeprefix("src/").split("/")[0].removesuffix(".rs")


def rust_import_faults(path: str, text: str) -> list[str]:
    layer = rust_layer(path)
    if layer not in RUST_IMPORTS:
        return [f"{path}: layer {layer} is not in the import table"]
    code = without_noise(text)
    used = set(_rust_imports(path, code))
    if re.search(r"\bpyo3\b", code):
        used.add("pyo3")
    known = {name for names in RUST_IMPORTS.values() for name in names}
    return [
        f"{path}: {layer} must not import {name}"
        for name in sorted(used)
        if name.split("::")[0] in RUST_IMPORTS.keys() | known
        and name.split("::")[0] != layer
        and not {name, name.split("::")[0]} & RUST_IMPORTS[layer]
    ]


def _rust_imports(path: str, code: str) -> Iterator[str]:
    """`layer::Item` of each path from the crate's root, by `crate::` or enough `super::`."""
    parts = path.removeprefix("src/").removesuffix(".rs").split("/")
    depth = len(parts) - (parts[-1] in {"mod", "lib"})
    modules = [(m.start(), _closing(code, m.end() - 1)) for m in _INLINE_MODULE.finditer(code)]
    for match in _RUST_PATH.finditer(code):
        if match["root"] != "crate":
            nested = sum(start < match.start() < end for start, end in modules)
            if match["root"].count("super") < depth + nested:
                continue
        yield from _heads(code, match.end())


def _closing(code: str, opening: int) -> int:
    depth = 0
    for index in range(opening, len(code)):
        depth += {"{": 1, "}": -1}.get(code[index], 0)
        if depth == 0:
            return index
    return len(code)


def _heads(code: str, start: int, prefix: str = "") -> Iterator[str]:
    """The first two names of each path at `start`: `a::b, a::c, d` for `{a::{b::e, c}, d}`."""
    if code[start] == "{":
        end = _closing(code, start)
        item = start + 1
        while item < end:
            if re.match(r"[\w{*]", code[item]):
                yield from _heads(code, item, prefix)
                item = _item_end(code, item, end)
            item += 1
    elif name := re.compile(r"\w+|\*").match(code, start):
        path = prefix + name[0]
        if not prefix and code.startswith("::", name.end()):
            yield from _heads(code, name.end() + 2, path + "::")
        else:
            yield path


def _item_end(code: str, start: int, end: int) -> int:
    """Where the comma after the item at `start` is."""
    while start < end and code[start] != ",":
        start = _closing(code, start) + 1 if code[start] == "{" else start + 1
    return start


def unsafe_faults(path: str, text: str) -> list[str]:
    """`unsafe` outside its two layers, or without a SAFETY comment close above."""
    faults = []
    lines = text.splitlines()
    for number, line in enumerate(without_noise(text).splitlines(), 1):
        if not re.search(r"\bunsafe\b", line):
            continue
        if rust_layer(path) not in UNSAFE_LAYERS:
            faults.append(f"{path}:{number}: unsafe belongs to {sorted(UNSAFE_LAYERS)}")
            continue
        # Ten lines: a full argument, or one that covers a few neighbouring calls.
        nearby = "\n".join(lines[max(0, number - 11) : number])
        if re.search(r"\bunsafe\s*(\{|impl\b)", line) and "SAFETY" not in nearby:
            faults.append(f"{path}:{number}: unsafe without a SAFETY comment")
    return faults


def blocking_faults(path: str, text: str) -> list[str]:
    """A turn never blocks, and a Rust test has simulated time: no thread may sleep."""
    return [f"{path}: thread::sleep"] if "thread::sleep" in without_noise(text) else []


# --- Python ---

PYTHON_IMPORTS: dict[str, set[str]] = {
    "__init__": {"main", "server"},
    "__main__": {"cli"},
    "cli": {"config", "options", "runner", "server"},
    "binding": {"logging", "sockets"},
    "config": {
        "binding",
        "environment",
        "implementations",
        "importer",
        "interfaces",
        "logging",
        "options",
        "reload_patterns",
        "sockets",
        "tls",
    },
    "interfaces": {"wsgi", "middleware", "_types"},
    "middleware": {"logging", "wsgi"},
    "options": {"logging"},
    "runner": {"config", "implementations", "signals", "supervisors", "server"},
    "server": {
        "binding",
        "config",
        "daemon_thread",
        "lifespan",
        "logging",
        "server_state",
        "signals",
        "sockets",
        "systemd",
        "_core",
    },
    "supervisors": {"config", "server", "sockets"},
    "workers": {"config", "server"},
}
# Everybody may raise and catch.
PYTHON_IMPORTS_OF_ALL = {"exceptions"}
# How the docstring of a module begins that exists only for one of uvicorn's import paths.
REEXPORT = "Re-export: "


def python_import_faults(module: str, text: str, modules: Iterable[str]) -> list[str]:
    """`module` is the name below the package: `config`, or `supervisors.reload`."""
    top = module.split(".")[0]
    allowed = PYTHON_IMPORTS.get(top, set()) | PYTHON_IMPORTS_OF_ALL | {top}
    used = set(_python_imports(module, ast.parse(text), set(modules)))
    return [f"{module} must not import {name}" for name in sorted(used - allowed)]


def is_reexport(text: str) -> bool:
    return (ast.get_docstring(ast.parse(text)) or "").startswith(REEXPORT)


def reexport_faults(module: str, text: str) -> list[str]:
    """A re-export holds names of others and `__all__`, and no code of its own."""
    _, *body = ast.parse(text).body
    return [
        f"{module}:{node.lineno}: a re-export only imports"
        for node in body
        if not isinstance(node, ast.ImportFrom)
        and not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
    ]


def use_of_reexport_faults(module: str, text: str, reexports: set[str]) -> list[str]:
    """Inside, everything is imported from where it is made."""
    imported = {
        ".".join(name)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom | ast.Import)
        for name in _imported_names(module, node)
    }
    return [
        f"{module} must not import the re-export {reexport}"
        for reexport in sorted(reexports)
        if any(f"{name}.".startswith(f"rsgi_bridge.{reexport}.") for name in imported)
    ]


def _python_imports(module: str, tree: ast.AST, modules: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom | ast.Import):
            continue
        for name in _imported_names(module, node):
            if name[0] == "rsgi_bridge":
                # A name that is no module is something `__init__` defines.
                yield name[1] if len(name) > 1 and name[1] in modules else "__init__"


def _imported_names(module: str, node: ast.ImportFrom | ast.Import) -> list[list[str]]:
    """`from .b import c` in `rsgi_bridge.a` -> `[["rsgi_bridge", "b", "c"]]`."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".") for alias in node.names]
    package = ["rsgi_bridge", *module.split(".")[:-1]]
    start = package[: len(package) - node.level + 1] if node.level else []
    origin = start + (node.module.split(".") if node.module else [])
    return [[*origin, alias.name] for alias in node.names]


def sleep_faults(path: str, text: str) -> list[str]:
    """Calls of any `sleep` but `sleep(0)`, which waits for no time: it gives way once."""
    faults = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        gives_way = [getattr(argument, "value", None) for argument in node.args] == [0]
        if name == "sleep" and not gives_way:
            faults.append(f"{path}:{node.lineno}: sleep(")
    return faults


def mirror_faults(modules: Iterable[str], tests: set[str]) -> list[str]:
    """Modules without the unit test file that carries their name."""
    wanted = {module: f"test_{module.split('.')[-1].lstrip('_')}.py" for module in modules}
    return [
        f"{module}: no tests/unit/{test}" for module, test in wanted.items() if test not in tests
    ]


# --- Both ---


def header_faults(path: str, text: str) -> list[str]:
    """A source file says first what it owns. An empty `__init__.py` owns nothing."""
    if path.endswith(".py"):
        has_header = not text or ast.get_docstring(ast.parse(text)) is not None
    else:
        has_header = text.startswith("//")
    return [] if has_header else [f"{path}: no header"]


def size_faults(path: str, text: str) -> list[str]:
    lines = text.count("\n")
    return [f"{path}: {lines} lines, {MAX_LINES} at most"] if lines > MAX_LINES else []


_RULE_ID = re.compile(r"\b(?:ASGI-N?\d+|FLT-[A-G]\d+|O(?:[1-9]|[12]\d|3\d)|U[1-7]\.\d|WSGI-\d+)\b")


def citation_faults(path: str, text: str, explained: set[str]) -> list[str]:
    """Rule ids that docs/internals/conformance.md does not explain."""
    return [f"{path}: {rule} is not explained" for rule in sorted(cited_rules(text) - explained)]


def cited_rules(text: str) -> set[str]:
    return set(_RULE_ID.findall(text))


def explained_rules(conformance: str) -> set[str]:
    """The ids that begin a table row with words behind them."""
    rows = re.findall(r"^\| *([A-Z][\w.-]*) *\|(.+)\|$", conformance, re.MULTILINE)
    return {rule for rule, words in rows if _RULE_ID.fullmatch(rule) and len(words.split()) > 3}
