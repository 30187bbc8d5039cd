# `make check` and `make test` work from a fresh clone; each installs into .venv only what it needs, once.

VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -n auto
BENCH_ARGS ?=
FUZZ_ARGS ?= -max_total_time=300

# The first interpreter that is new enough. Another: `make test PYTHON=/path/to/python`.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

# What the shell that calls make has activated or added must not reach in here.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
# The tests start hundreds of interpreters, each of which would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A virtual environment holds absolute paths: the stamp's name makes a moved folder get a new one.
PLACE := $(shell pwd | cksum | cut -d' ' -f1)
MADE := $(VENV)/.made-$(PLACE)
CHECK_READY := $(VENV)/.ready-for-check
TEST_READY := $(VENV)/.ready-for-test

PIP_INSTALL := $(BIN)/python -I -m pip install --quiet
VERSION_FILE := checks/trueup/__init__.py

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help check test lint test-slow fuzz bench faults demo demo-kv clean

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

check: $(CHECK_READY)  ## set up, then check this repository with trueup
	$(BIN)/trueup check

test: lint  ## set up, then lint, check types and run all tests but the slow ones
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not slow"

lint: $(TEST_READY)  ## ruff and mypy alone
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

test-slow: $(TEST_READY)  ## the thorough profiles of the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m slow

fuzz: $(TEST_READY)  ## search for crashes in the link extractors; FUZZ_ARGS are libFuzzer's options
	$(PIP_INSTALL) atheris
	$(BIN)/python tests/fuzz/fuzz_links.py $(FUZZ_ARGS)

bench: $(TEST_READY)  ## time the link check; BENCH_ARGS="PATH-OF-A-CLONE" for a repository of yours
	$(BIN)/python benchmarks/links.py $(BENCH_ARGS)

faults: $(TEST_READY)  ## which requirement of a contract suite finds which seeded fault
	PYTHONPATH=tests $(BIN)/python -m contracts.router.report
	PYTHONPATH=tests $(BIN)/python -m contracts.embedding_cache.report
	PYTHONPATH=tests $(BIN)/python -m contracts.metrics.report
	PYTHONPATH=tests $(BIN)/python -m contracts.worker_selection.report
	PYTHONPATH=tests $(BIN)/python -m contracts.event_transport.codec.report
	PYTHONPATH=tests $(BIN)/python -W ignore::ResourceWarning -m contracts.event_transport.subscriber.report
	PYTHONPATH=tests $(BIN)/python -m contracts.event_transport.report
	PYTHONPATH=tests $(BIN)/python -m contracts.logging_setup.report
	PYTHONPATH=tests $(BIN)/python -m contracts.flakes
	PYTHONPATH=tests $(BIN)/python -m contracts.kv_index.report
	PYTHONPATH=tests $(BIN)/python -m contracts.router_service.report

demo: $(TEST_READY)  ## a router, four pools of mock workers, traffic, workers that are killed, live; ends by itself
	$(BIN)/python -m trueup_reference.router_demo

demo-kv: $(TEST_READY)  ## three mock workers, and a KV index that routes requests among them, live; Ctrl-C ends it
	$(BIN)/trueup-kv-index --mock-workers 3

clean:  ## remove the environment and everything built
	rm -rf $(VENV) .venv-poetry dist .build .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(MADE):
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer found; name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -I -m venv $(VENV)
	@touch $@

$(CHECK_READY): $(MADE) pyproject.toml $(VERSION_FILE)
	$(PIP_INSTALL) --editable .
	@touch $@

# `pip install --group` came with pip 25.1.
$(TEST_READY): $(MADE) pyproject.toml constraints.txt $(VERSION_FILE)
	$(PIP_INSTALL) --upgrade 'pip>=25.1'
	$(PIP_INSTALL) --constraint constraints.txt --editable . --group test
	@touch $(CHECK_READY) $@
