# Two targets do everything on a fresh machine: `make demo` and `make test`.
# Each installs what is missing first (packages only as root or through sudo) and is quick the next time.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONFORMANCE ?= ../shared/conformance
BENCH ?= ../shared/bench
N ?= 50000
SECONDS ?= 1800
WHEELS ?=
PIP_OPTIONS := --quiet --disable-pip-version-check $(if $(WHEELS),--no-index --find-links $(WHEELS))
PYTEST := $(BIN)/python -m pytest

.PHONY: demo run test check lint types layers unit test-parts test-cluster test-hosts services test-pacemaker conformance explain soak soak-hosts mutants fuzz bench \
        deb deb-test rpm dist install clean help system-deps-demo system-deps-test

help:
	@sed -n 's/^\([a-z-]*\):.*## */\1\t/p' Makefile | expand -t 16

demo: $(VENV)/.demo ## three agents on loopback, one is killed, the services move
	@$(BIN)/python -m engine.tools.demo

run: $(VENV)/.demo ## an interactive crm on a three-node cluster; as root on hosts of their own
	@$(BIN)/python -m engine.tools.demo --interactive

test: $(VENV)/.test ## everything that belongs in a normal run
	@MAKE='$(MAKE)' sh .ci/parts lint types layers unit test-parts test-cluster

check: $(VENV)/.test ## format, lint, types, layers, unit tests: below a minute
	@MAKE='$(MAKE)' sh .ci/parts lint types layers unit

lint: $(VENV)/.test
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: $(VENV)/.test
	$(BIN)/mypy

layers: $(VENV)/.test
	@$(BIN)/lint-imports > $(VENV)/layers.txt || { cat $(VENV)/layers.txt; exit 1; }

unit: $(VENV)/.test
	$(PYTEST) -q -n 2 tests/unit

test-parts: $(VENV)/.test
	$(PYTEST) -q -n 2 -m 'not deb' tests/grammar tests/scheduler tests/sim tests/mutants tests/shell tests/packaging

test-cluster: $(VENV)/.test ## real processes on several hosts
	$(PYTEST) -q -m "not services and not long" tests/cluster

test-hosts: $(VENV)/.test ## joins at once and recovery by the book on several hosts: minutes
	$(PYTEST) -q -m long tests/cluster

services: $(VENV)/.test ## real servers under faults, with clients that count what was acknowledged
	@sh .ci/system-deps services
	@sh .ci/paf-root $(VENV)/paf
	PAF_OCF=$(abspath $(VENV))/paf/ocf $(PYTEST) -q -s -m services tests/cluster

test-pacemaker: $(VENV)/.test ## the shell on a real Pacemaker, unpacked for it and not installed
	@sh .ci/pacemaker-root $(VENV)/pacemaker
	PACEMAKER_ROOT=$(VENV)/pacemaker $(PYTEST) -q tests/cluster/test_live_pacemaker.py

conformance: $(VENV)/.test ## the public scheduler and shell cases, counted
	CONFORMANCE=$(CONFORMANCE) $(BIN)/python tests/scheduler/conformance.py
	$(BIN)/python $(CONFORMANCE)/crmsh/run --crm "$(abspath $(BIN))/crm" --list-failing

explain: $(VENV)/.test ## asks why about the resources of the public scheduler cases, and checks each answer
	$(BIN)/python tests/scheduler/explain.py $(CONFORMANCE)/scheduler/cases/xml

soak: $(VENV)/.test ## N new fault schedules in simulation (N=50000)
	$(BIN)/python -m tests.sim soak --count $(N)

soak-hosts: $(VENV)/.test ## real agents under new faults for SECONDS, with clients and a judge (SECONDS=1800)
	cd tests/cluster && $(abspath $(BIN))/python -m soak.run --seconds $(SECONDS)

mutants: $(VENV)/.test ## each rule of the engine switched off in turn, and the test that sees it
	@$(BIN)/python -m tests.mutants

fuzz: $(VENV)/.test ## generated examples nobody has seen yet, instead of the fixed ones of a normal run
	EXAMPLES=search $(PYTEST) -q -n 2 -m hypothesis tests

bench: $(VENV)/.test ## side by side with Pacemaker and crmsh where they are installed
	@$(BIN)/python -m compileall -q crmshell engine
	$(BIN)/python $(BENCH)/scheduler --candidate $(BIN)/crm_simulate --shapes all --fit
	$(BIN)/python $(BENCH)/shell --candidate $(BIN)/crm
	$(BIN)/python tests/bench/startup.py
	$(BIN)/python tests/bench/warm.py --sizes 3x30,8x250,16x1000,32x2000
	$(BIN)/python -m tests.bench.commit_latency

deb: ## the Debian package, in dist
	@sh .ci/system-deps packages
	@packaging/build-deb dist

deb-test: $(VENV)/.test ## the package in a bare Debian: installed, used, upgraded, removed, purged (root, minutes)
	@sh .ci/system-deps deb
	$(PYTEST) -q -s -m deb tests/packaging

rpm: ## an RPM package, in dist
	@packaging/build-rpm dist

dist: $(VENV)/.test ## source archive and wheel
	$(BIN)/python -m pip $(PIP_OPTIONS) wheel --no-deps -w dist .

install: ## into the running system's Python (prefix and DESTDIR as pip knows them)
	$(PYTHON) -m pip install $(if $(DESTDIR),--root $(DESTDIR)) $(if $(PREFIX),--prefix $(PREFIX)) .

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.demo: setup.cfg pyproject.toml .ci/system-deps
	@sh .ci/system-deps demo
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip $(PIP_OPTIONS) install -e .
	@$(BIN)/python -m compileall -q crmshell engine
	@touch $@

$(VENV)/.test: setup.cfg pyproject.toml .ci/system-deps
	@sh .ci/system-deps test
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip $(PIP_OPTIONS) install -e '.[test,dev]'
	@$(BIN)/python -m compileall -q crmshell engine
	@touch $(VENV)/.demo $@
