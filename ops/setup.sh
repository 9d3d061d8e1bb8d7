#!/bin/sh
# Makes .venv from requirements.lock, or .venv-NAME from requirements-NAME.lock when called with a NAME: the one place where
# packages are fetched. Called by make when the lock changes.
# On Debian, as root, it installs what Python needs for that; elsewhere it says what is missing.
set -eu
cd "$(dirname "$0")/.."
venv=.venv${1:+-$1}
lock=requirements${1:+-$1}.lock

fail() {
    echo "$1" >&2
    exit 1
}

for python in "${PYTHON:-python3.11}" python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        found=$python
        break
    fi
done

if [ -z "${found:-}" ] || ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
    missing="python3.11 python3.11-venv"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "Python 3.11 with its venv module is needed. On Debian 12: sudo apt-get install $missing. Then call make again."
    fi
    echo "Installing $missing"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q $missing; } ||
        fail "$missing could not be installed: Python 3.11 with its venv module is needed."
    found=python3.11
fi

[ ! -L "$venv" ] || fail "$venv is a link to another environment; remove the link to have one made here."
echo "Setting up $venv from $lock (some minutes)"
"$found" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
"$venv/bin/python" -m pip check
touch "$venv/made"
