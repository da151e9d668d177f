"""reload_patterns.py: which patterns stand for directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from rsgi_bridge.config import is_dir, resolve_reload_patterns


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    """`app/sub`, `app/.hidden`, `other` and a file, below the current directory."""
    for name in ("app/sub", "app/.hidden", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "directories", "found"),
    [
        ([], [], []),
        (["*.py"], [], []),
        ([".*"], [], []),
        (["app"], [], ["app"]),
        (["app/*"], [], ["app/.hidden", "app/sub"]),
        (["app/*"], ["app"], ["app"]),
        ([], ["app/sub", "other", "app"], ["app", "other"]),
        ([], ["none", "file.py"], []),
    ],
)
def test_directories_are_found_and_nested_ones_dropped(tree, patterns, directories, found):
    # U2.1
    assert resolve_reload_patterns(patterns, directories) == (
        patterns,
        [tree / name for name in found],
    )


def test_pattern_may_be_absolute(tree):
    (pattern, directories) = resolve_reload_patterns([f"{tree}/ot*"], [])
    assert (pattern, directories) == ([f"{tree}/ot*"], [tree / "other"])


def test_path_that_cannot_be_looked_at_is_no_directory(tree):
    assert is_dir(Path("app"))
    assert not is_dir(Path("file.py"))
    assert not is_dir(Path("x" * 5000))
