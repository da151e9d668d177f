#!/usr/bin/env bash
# Sets up the environment of the Autobahn testsuite, or says what is missing for it.
#
#   autobahn.sh PYTHON3 DIRECTORY [PYTHON2]
#
# The suite is for Python 2.7 alone, which has neither venv nor, everywhere, a pip. So the pip of
# PYTHON3 fetches the last virtualenv that needs no other package, which brings a pip for 2.7.
set -euo pipefail

readonly VIRTUALENV="virtualenv==16.7.12"
readonly REQUIREMENTS="tests/conformance/autobahn-requirements.txt"

fail() {
    echo "error: $*" >&2
    exit 1
}

# Prints the real path of a candidate that runs, is a 2.7 and can speak to a package index.
identify() {
    "$1" -c 'import ssl, sys, zlib; sys.version_info[:2] == (2, 7) and sys.stdout.write(sys.executable)' \
        2>/dev/null || true
}

find_python2() {
    local candidate found pyenv_root
    if [ -n "${1:-}" ]; then
        found=$(identify "$1")
        [ -n "$found" ] || fail "PYTHON2=$1 is no Python 2.7 that runs and has its ssl and zlib modules"
        echo "$found"
        return
    fi
    # Version managers keep interpreters off the PATH: pyenv's are looked up where it keeps them.
    pyenv_root=${PYENV_ROOT:-$(pyenv root 2>/dev/null || true)}
    for candidate in python2.7 python2 "$pyenv_root"/versions/2.7.*/bin/python \
        pypy2.7 pypy "$pyenv_root"/versions/pypy2.7-*/bin/pypy; do
        found=$(identify "$candidate")
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
    done
    fail "the Autobahn testsuite needs Python 2.7 (CPython or PyPy, with ssl and zlib), and there is no" \
        "python2.7, python2, pypy2.7 or pypy on the PATH that is one, and none among pyenv's versions:" \
        "install it (pyenv install 2.7.18), or name it: make conformance PYTHON2=/path/to/python2.7"
}

python3=$1 directory=$2
python2=$(find_python2 "${3:-}")
echo "Setting up $directory with $python2"
rm -rf "$directory"
"$python3" -m pip install --quiet --no-deps --target "$directory/bootstrap" "$VIRTUALENV" ||
    fail "$VIRTUALENV, which makes environments for Python 2.7, could not be installed: pip says above why"
"$python2" "$directory/bootstrap/virtualenv.py" --quiet --no-download "$directory" ||
    fail "$python2 could not make an environment in $directory"
# Not isolated: wsaccel asks for a Cython of no fixed version, and then compiles the C that it ships.
"$directory/bin/python" -m pip install --quiet --no-python-version-warning --no-build-isolation \
    -r "$REQUIREMENTS" ||
    fail "the packages of $REQUIREMENTS could not be installed: pip says which;" \
        "some must be compiled where nobody offers them ready (a C compiler, Python 2.7's headers)"
"$directory/bin/wstest" --help >/dev/null 2>&1 ||
    fail "$directory/bin/wstest was installed, and does not run"
