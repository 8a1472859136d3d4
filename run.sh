#!/bin/sh
# Runs closedbook with the given arguments. Makes .venv on first use, and again when pyproject.toml or requirements/
# change.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
venv=$here/.venv
stamp=$venv/.made-from
locks=$here/requirements

made_from() { cat "$here/pyproject.toml" "$locks"/*.txt; }

install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

# The very files that requirements/ names by their hashes; `--no-deps`, since all that is needed is named there.
locked() { install --require-hashes --no-deps "$@"; }

install_locked() {
    locked --requirement "$locks/locked.txt" || return
    # A build of torch at hand (PIP_FIND_LINKS) goes before the index's, which on Linux is larger by gigabytes of CUDA.
    locked --no-index --requirement "$locks/torch.txt" 2>/dev/null || locked --requirement "$locks/torch.txt" || return
    if "$venv/bin/python" -m pip show torch | grep -q '^Requires:.*cuda'; then
        locked --requirement "$locks/cuda.txt" || return
    fi
    # setuptools, which builds closedbook, is locked as well: no other is drawn for it.
    install --no-deps --no-build-isolation --editable "$here" || return
    "$venv/bin/python" -m pip check >&2
}

if ! made_from | cmp -s - "$stamp"; then
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
    errors=$venv/.setting-up
    if [ "${LOCKED:-yes}" = no ]; then
        install --editable "$here[dev]"
    elif ! install_locked 2>"$errors"; then
        cat "$errors" >&2
        if grep -q 'DO NOT MATCH THE HASHES' "$errors"; then
            echo "run.sh: a download is not the file that requirements/ names by its hash; nothing of it was installed. If you trust it: LOCKED=no sh run.sh" >&2
            exit 1
        fi
        echo "run.sh: the locked versions cannot be installed here, as said above; going on with those that pyproject.toml allows" >&2
        install --editable "$here[dev]"
    fi
    rm -f "$errors"
    made_from >"$stamp"
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
