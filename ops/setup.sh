#!/bin/sh
# Makes .venv from requirements.lock; called with `spark` .venv-spark from that and requirements-spark.lock, with `superset`
# .venv-superset from requirements-superset.lock: the one place where packages are fetched. Called by make when a lock changes.
# On Debian, as root, it installs the Python and Java that are needed for that; elsewhere it says what is missing.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "$1" >&2
    exit 1
}

# What is missing, as it is called in words and as packages of Debian 12.
install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$1 is needed. On Debian 12: sudo apt-get install $2. Then call make again."
    fi
    echo "Installing $2"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q $2; } ||
        fail "$2 could not be installed: $1 is needed."
}

case "${1:-}" in
    "") environment=.venv locks=requirements.lock ;;
    spark) environment=.venv-spark locks="requirements.lock requirements-spark.lock" ;;
    superset) environment=.venv-superset locks=requirements-superset.lock ;;
    *) fail "ops/setup.sh knows no environment $1: call it without an argument, with spark or with superset." ;;
esac

if [ "$environment" = .venv-spark ]; then
    java=$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') || java=
    [ "${java:-0}" -ge 17 ] || install "Java 17 (or 21)" openjdk-17-jre-headless
fi

for python in "${PYTHON:-python3.11}" python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        found=$python
        break
    fi
done

if [ -z "${found:-}" ] || ! "$found" -c 'import ensurepip, venv' 2>/dev/null; then
    install "Python 3.11 with its venv module" "python3.11 python3.11-venv"
    found=python3.11
fi

[ ! -L $environment ] || fail "$environment is a link to another environment; remove the link to have one made here."
echo "Setting up $environment from $locks (some minutes)"
"$found" -m venv --clear $environment
for lock in $locks; do
    $environment/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
done
$environment/bin/python -m pip check
touch $environment/made
