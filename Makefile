# SPDX-License-Identifier: GPL-3.0-or-later
# `make` lists the targets. Each sets up what it needs; the environment is .venv, what is cached is under .cache.

# The interpreter to build .venv with: Python 3.11 (ansible-core 2.19), 3.12 or 3.13 (2.21).
PYTHON ?= python3
# How many tests run at once.
JOBS ?= 2
# How many hosts hosts-up starts.
COUNT ?= 3

BASE_PYTHON := $(or $(shell command -v $(PYTHON)),$(PYTHON))
VERSION := $(shell $(BASE_PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
READY := .venv/.ready-$(or $(VERSION),none)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Keeps Ansible's own files (temporary ones, caches) out of the home directory.
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export JOBS

.PHONY: help venv demo test lint sanity unit integration e2e test-fuzz test-faults test-hosts test-runner hosts-up hosts-down bench sandbox-up sandbox-down changelog

help:  ## list the targets (default)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo 'PYTHON=python3.13 chooses the interpreter, JOBS=4 the number of tests at once.'

$(READY): requirements.lock tests/tools/venv.sh
	@tests/tools/venv.sh "$(BASE_PYTHON)" "$@"

venv: $(READY)  ## the environment .venv, from requirements.lock

demo: $(READY)  ## rotate gobot in a sandbox of its own (OpenBao, Slack, microservices), then stop it
	@python -m tests.tools.demo

test: $(READY)  ## everything: lint, sanity, unit, integration and end-to-end tests
	@python -m tests.tools.run_tests

lint: $(READY)  ## ruff, yamllint, ansible-lint, documentation, changelog fragments, repository rules
	@tests/tools/lint.sh

sanity: $(READY)  ## ansible-test sanity on a copy of the collection
	@python -m tests.tools.sanity

unit: $(READY)  ## unit tests: no network, no processes
	@echo 'unit: tests/unit'
	@python -m pytest -n $(JOBS) tests/unit

integration: $(READY)  ## tests with the real parts: OpenBao, the Slack sandbox, supervisor
	@echo 'integration: tests/integration'
	@python -m pytest -n $(JOBS) tests/integration

e2e: $(READY)  ## the playbooks from end to end in the sandbox
	@echo 'e2e: tests/e2e'
	@python -m pytest -n $(JOBS) tests/e2e

test-fuzz: $(READY)  ## anything thrown at what reads: registry, files, tokens, records, answers; 2000 cases each
	@echo 'test-fuzz: tests marked fuzz'
	@BOTOPS_HYPOTHESIS=faults python -m pytest -n $(JOBS) -m fuzz tests/unit

# One more at once than elsewhere: every other case waits most of its time.
test-faults: $(READY)  ## whatever can fail made to fail, each at every step, and test-fuzz; about 25 minutes
	@echo 'test-faults: tests/faults, tests marked row or fuzz'
	@BOTOPS_HYPOTHESIS=faults python -m pytest tests -n $$(($(JOBS) + 1)) -m '(fault or row or fuzz) and not sample'

test-hosts: $(READY)  ## rotations over SSH on hosts with systemd, in containers: tests/hosts and the molecule scenarios
	@echo 'test-hosts: tests/hosts'
	@python -m tests.hosts prepare
	@python -m pytest -n $(JOBS) --dist=loadfile tests/hosts
	@echo 'test-hosts: molecule, the scenarios in extensions/molecule'
	@molecule test --all

test-runner: $(READY)  ## playbooks through ansible-runner, as AWX runs them; looks for tokens in what is left
	@echo 'test-runner: tests/runner'
	@python -m pytest tests/runner

hosts-up: $(READY)  ## start COUNT=3 hosts with systemd and sshd, bots on them and a sandbox, in .hosts
	@python -m tests.hosts up --count $(COUNT)

hosts-down: $(READY)  ## stop what hosts-up started and remove it
	@python -m tests.hosts down

# What it draws with is installed on top of .venv.
.venv/.bench: tests/bench/requirements.lock $(READY)
	@python -m pip install --quiet --disable-pip-version-check -r $<
	@python -m compileall -q -j0 .venv/lib >/dev/null || true
	@touch $@

bench: .venv/.bench  ## time it against a hand-written playbook and parallel ssh; HOSTS="1 5" ROUNDS=3 QUICK=1 PUBLISH=1
	@python -m tests.bench $(if $(HOSTS),--hosts $(HOSTS)) $(if $(INSTALLATIONS),--installations $(INSTALLATIONS)) \
	    $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) $(if $(PUBLISH),--publish)

sandbox-up: $(READY)  ## start the sandbox in .sandbox and leave it running
	@python -m tests.sandbox up

sandbox-down: $(READY)  ## stop the sandbox in .sandbox and remove it
	@python -m tests.sandbox down

changelog: $(READY)  ## make CHANGELOG.md from the fragments, for the version in galaxy.yml
	@antsibull-changelog release
