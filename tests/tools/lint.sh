#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every linter, goes on after a failure, and ends non-zero when one failed. Wants .venv/bin on the PATH.
set -uo pipefail

failed=()
step() {
    local name=$1
    shift
    echo "lint: $name"
    "$@" || failed+=("$name")
}

stage=$(mktemp -d "${TMPDIR:-/tmp}/botops-lint.XXXXXX")
trap 'rm -rf "$stage"' EXIT

# antsibull-docs leaves a log in its home directory.
docs() (
    tree=$(python -m tests.tools.stage "$stage") && cd "$tree" &&
        HOME=$stage ANSIBLE_COLLECTIONS_PATH=$stage antsibull-docs lint-collection-docs --plugin-docs .
)

step "ruff check" ruff check --quiet --output-format=concise .
step "ruff format" ruff format --check --output-format=concise .
step yamllint yamllint --strict .
step ansible-lint ansible-lint --offline --nocolor -q
step "antsibull-docs (modules, plugins and roles, on a copy)" docs
step antsibull-changelog antsibull-changelog lint
step "repository rules" python -m pytest tests/unit/test_repository.py

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: FAILED: %s\n' "${failed[@]}" >&2
    exit 1
fi
echo "lint: clean"
