#!/bin/sh
# Runs closedbook with the given arguments. Makes .venv on first use, and again when pyproject.toml changes.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=$here/.venv
stamp=$venv/.made-from-pyproject

if ! cmp -s "$here/pyproject.toml" "$stamp" 2>/dev/null; then
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
        echo "run.sh: closedbook needs Python 3.11 or later; '$python' is not. Set PYTHON to one that is, as in: PYTHON=python3.12 sh run.sh demo" >&2
        exit 2
    }
    echo "run.sh: setting up $venv (once; minutes, most of them for PyTorch)" >&2
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || {
        echo "run.sh: '$python -m venv' failed; on Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    }
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$here[dev]"
    cp "$here/pyproject.toml" "$stamp"
fi

PATH=$venv/bin:$PATH
case ${1:-} in
    test)
        shift
        cd "$here"
        # The whole suite on several cores; a few tests, or options, as they are given.
        [ $# -gt 0 ] || set -- --numprocesses auto --maxprocesses 4 --dist loadfile
        exec pytest "$@"
        ;;
    check)
        cd "$here"
        ruff check .
        ruff format --check .
        mypy
        # What Windows' Python lacks, it must be asked for: the types say what that is. A cache of its own keeps both fast.
        mypy --platform win32 --cache-dir .mypy_cache/win32
        lint-imports
        ;;
    fix)
        cd "$here"
        ruff check --fix .
        ruff format .
        ;;
    *)
        # What its messages tell people to type.
        CLOSEDBOOK_PROGRAM="sh $0" exec closedbook "$@"
        ;;
esac
