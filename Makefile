# keyturn: `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' $(UPGRADE)
PYTEST := $(BIN)/python -m pytest
TESTS ?= -n auto --dist loadfile -q
CASES ?= 20000

.PHONY: help setup demo test lint bench bench-peers faults fuzz examples docs lock audit clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.demo ## create .venv with keyturn, its emulator and sops
	@echo "Ready: $(BIN)/keyturn --help"

demo: $(VENV)/.demo ## run the main workflow against the emulator, in under a minute
	@$(BIN)/keyturn demo

test: $(VENV)/.dev ## run every test; TESTS='tests/planning -x' selects some
	@$(PYTEST) $(TESTS)

lint: $(VENV)/.dev ## run ruff, mypy and the layer contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.demo ## measure time and memory on repositories of 100 and 1,000 resources
	@$(BIN)/python benchmarks/run.py $(BENCH)

bench-peers: $(VENV)/.dev ## compare keyturn with tools that do a part of its work
	@$(BIN)/python benchmarks/peers.py $(BENCH)

faults: $(VENV)/.dev ## inject every fault and crash point
	@FAULTS=whole $(PYTEST) -m faults $(TESTS) --dist worksteal tests/faults

fuzz: $(VENV)/.dev ## run the random tests for longer; CASES sets the number of cases
	@HYPOTHESIS_PROFILE=fuzz $(PYTEST) -m hypothesis $(TESTS)
	@$(BIN)/python tests/fuzz/differential.py --cases $(CASES)

examples: $(VENV)/.dev ## encrypt examples/plain into examples/repo
	@$(BIN)/python examples/regenerate.py

docs: $(VENV)/.dev ## generate the reference and build the site in site/
	@$(BIN)/python docs/generate.py
	@$(BIN)/mkdocs build --quiet
	@echo "Built: site/index.html"

lock: $(VENV)/.dev ## compile requirements/*.txt; UPGRADE=--upgrade selects newer versions
	@$(PIP) install uv
	@$(COMPILE) pyproject.toml requirements/build.in --all-extras --group dev -o requirements/dev.txt
	@$(COMPILE) pyproject.toml requirements/build.in --all-extras -c requirements/dev.txt -o requirements/demo.txt
	@$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt

audit: $(VENV)/.dev ## check the locked dependencies for known vulnerabilities
	@$(BIN)/pip-audit --disable-pip --require-hashes $(foreach set,runtime demo dev,-r requirements/$(set).txt)

clean: ## delete everything that make created
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache \
		.coverage benchmarks/results
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(PYTHON) python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "keyturn needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)." >&2; \
		echo "Set the path: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1; \
	fi; \
	$$found -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$$found cannot create a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV): keyturn, its emulator and sops (once, about 20 seconds)"
	@$(PIP) install --require-hashes -r requirements/demo.txt
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV): keyturn and the packages of its tests (once, about a minute)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-index --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.demo $@
