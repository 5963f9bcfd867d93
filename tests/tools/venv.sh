#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# venv.sh PYTHON STAMP: builds .venv from requirements.lock with PYTHON and touches STAMP.
set -euo pipefail

python=$1 stamp=$2
version=${stamp##*-}
case $version in
    3.11 | 3.12 | 3.13) ;;
    *)
        echo "venv: Python 3.11, 3.12 or 3.13 is due, '$python' is ${version/none/not there}; name one: make PYTHON=/path/to/python3.11" >&2
        exit 1
        ;;
esac

if [ -x .venv/bin/python ] && ! .venv/bin/python -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')"; then
    echo "venv: .venv is of another Python, it is built anew"
    rm -rf .venv
fi
if ! [ -x .venv/bin/pip ]; then
    echo "venv: create .venv with Python $version"
    "$python" -m venv .venv
fi

total=$(grep -c '^[a-z0-9]' requirements.lock)
echo "venv: install at most $total packages from requirements.lock (a minute or so the first time)"
.venv/bin/python -m pip install --disable-pip-version-check --progress-bar off -r requirements.lock |
    awk '/^Collecting / && ++n % 20 == 0 { printf "venv:   %d collected\n", n; fflush() }
         /^Installing collected/ { print "venv:   installing"; fflush() }'

# Without byte code every start of Ansible takes twice as long; pip writes none where PYTHONDONTWRITEBYTECODE is set.
.venv/bin/python -m compileall -q -j0 .venv/lib >/dev/null || true
rm -f .venv/.ready-*
touch "$stamp"
