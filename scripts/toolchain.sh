#!/usr/bin/env bash
# Finds the toolchains that the Makefile needs, or says in one line what to install.
#
#   toolchain.sh python [CANDIDATE]   prints the path of the Python to build with
#   toolchain.sh pythons              one line for each supported version: "3.12 PATH", or "3.12 -"
#   toolchain.sh rust                 prints nothing when Rust is good enough
#   toolchain.sh fuzz                 prints nothing when the fuzz targets can run
#
# A candidate counts only if it runs: a version manager leaves shims on the PATH that do not.
set -euo pipefail

readonly SUPPORTED="3.10 3.11 3.12 3.13"

fail() {
    echo "error: $*" >&2
    exit 1
}

# Prints "3.11 /real/path" for a candidate that runs, nothing for one that does not.
identify() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.executable)' 2>/dev/null || true
}

# `at_least 1.88 1.95.0` holds when the second version is not older than the first.
at_least() {
    awk -v floor="$1" -v found="$2" 'BEGIN {
        split(floor, a, "."); split(found, b, ".");
        exit !(b[1] + 0 > a[1] + 0 || (b[1] + 0 == a[1] + 0 && b[2] + 0 >= a[2] + 0))
    }'
}

find_python() {
    local candidate found version path too_old=""
    for candidate in ${1:-python3 python3.13 python3.12 python3.11 python3.10 python}; do
        found=$(identify "$candidate")
        [ -n "$found" ] || continue
        version=${found%% *} path=${found#* }
        if ! at_least 3.10 "$version"; then
            too_old=${too_old:-"$candidate is $version"}
            continue
        fi
        "$path" -c 'import ensurepip, venv' 2>/dev/null || fail \
            "$path has no venv module: install it (Debian, Ubuntu: apt install python$version-venv)"
        echo "$path"
        return
    done
    if [ -n "$too_old" ]; then
        fail "Python 3.10 or newer is needed, $too_old: install a newer one, or name it: make PYTHON=/path/to/python3"
    elif [ -n "${1:-}" ]; then
        fail "PYTHON=$1 does not run: name a Python 3.10 or newer"
    else
        fail "no Python found: install Python 3.10 or newer (python3)"
    fi
}

# Version managers keep interpreters off the PATH: pyenv's are looked up where it keeps them.
find_pythons() {
    local version candidate found pyenv_root
    pyenv_root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || true)}
    for version in $SUPPORTED; do
        found=""
        for candidate in "python$version" "$pyenv_root/versions/$version".*/bin/python; do
            found=$(identify "$candidate")
            [ "${found%% *}" = "$version" ] && break
            found=""
        done
        if [ -n "$found" ]; then echo "$found"; else echo "$version -"; fi
    done
}

check_rust() {
    local floor version
    floor=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    command -v cargo >/dev/null || fail "no cargo found: install Rust $floor or newer (rustup.rs)"
    version=$(rustc --version 2>/dev/null | awk '{ print $2 }')
    [ -n "$version" ] || fail "rustc does not run: install Rust $floor or newer (rustup.rs)"
    at_least "$floor" "$version" || fail "Rust $floor or newer is needed, rustc is $version: rustup update"
    command -v cc >/dev/null || fail \
        "no C linker (cc) found: install one (Debian, Ubuntu: apt install gcc libc6-dev; macOS: xcode-select --install)"
}

check_fuzz() {
    check_rust
    cargo +nightly --version >/dev/null 2>&1 || fail \
        "fuzzing needs the nightly compiler: rustup toolchain install nightly"
    cargo fuzz --version >/dev/null 2>&1 || fail "no cargo-fuzz found: cargo install cargo-fuzz --locked"
    command -v c++ >/dev/null || fail \
        "no C++ compiler (c++) found: install one (Debian, Ubuntu: apt install g++; macOS: xcode-select --install)"
}

case "${1:-}" in
    python) find_python "${2:-}" ;;
    pythons) find_pythons ;;
    rust) check_rust ;;
    fuzz) check_fuzz ;;
    *) fail "usage: toolchain.sh python [CANDIDATE] | pythons | rust | fuzz" ;;
esac
