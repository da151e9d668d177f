"""What `--reload-include` and `--reload-exclude` mean: which patterns stand for directories.

Watches nothing.
"""

from __future__ import annotations

from pathlib import Path


def is_dir(path: Path) -> bool:
    """Whether a path is a directory; one that cannot be looked at is none."""
    try:
        return path.resolve().is_dir()
    except OSError:
        return False


def resolve_reload_patterns(
    patterns_list: list[str], directories_list: list[str]
) -> tuple[list[str], list[Path]]:
    """Splits glob patterns into patterns of files and directories to watch.

    Args:
        patterns_list: glob patterns, relative to the current directory, and directories.
        directories_list: further directories.

    Returns:
        The patterns, and the directories that exist, absolute, none of them inside another.
    """
    candidates = [Path(name) for name in directories_list]
    here = Path.cwd()
    for pattern in patterns_list:
        if pattern == ".*":
            continue  # it means hidden files, and would find hidden directories
        if is_dir(Path(pattern)):
            candidates.append(Path(pattern))
        else:
            path = Path(pattern)
            root = Path(path.anchor) if path.is_absolute() else here
            candidates += [found for found in root.glob(str(path.relative_to(path.anchor)))]
    directories = sorted({path.resolve() for path in candidates if is_dir(path)})
    outermost = [path for path in directories if not any(p in path.parents for p in directories)]
    return list(dict.fromkeys(patterns_list)), outermost
