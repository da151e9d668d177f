# Everything this repository can do, in one place: CI and the README call these same targets.
#
# The set-up is a chain of stamps inside the virtual environment, so that a second run starts at once:
#   venv -> maturin -> build (also needs src/, Cargo.*, pyproject.toml) -> run
#        -> dev --------------------------------------------------------> test, lint
# `make PYTHON=/path/to/python3.13 test` uses that interpreter, in a virtual environment of its own.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
# Two pips in one environment get in each other's way, and two cargos wait for each other anyway.
.NOTPARALLEL:
.DEFAULT_GOAL := help

# Assigned, not `?=`: a PORT that happens to be in the environment must not move the example.
APP = examples.fastapi_app:app
PORT = 8000
# Passed on to pytest: `make test ARGS="-k lifespan -x"`.
ARGS =
# For each fuzz target.
FUZZ_SECONDS = 60
FUZZ_TARGETS = $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))

ifdef PYTHON
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
else
VENV := .venv
endif

# The Autobahn testsuite is for Python 2.7, in an environment of its own.
PYTHON2 =
AUTOBAHN := .venv-autobahn

BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
RUST_SOURCES := $(shell find src -name '*.rs' 2>/dev/null) Cargo.toml $(wildcard Cargo.lock)

# A lock file that does not fit Cargo.toml is an error in CI, and brought up to date elsewhere.
LOCKED := $(if $(CI),--locked)
# maturin refuses two active environments, and conda keeps its own in every shell.
MATURIN = env -u CONDA_PREFIX VIRTUAL_ENV=$(abspath $(VENV)) PIP_QUIET=1 $(BIN)/maturin
# pyo3 asks an interpreter for its layout: this one, whatever the PATH holds.
export PYO3_PYTHON = $(abspath $(BIN)/python)

##@ Use

.PHONY: run
run: $(STAMPS)/build ## Set everything up and serve the FastAPI example on port 8000 (APP=, PORT=)
	@exec $(BIN)/python -m rsgi_bridge $(APP) --port $(PORT)

.PHONY: build
build: $(STAMPS)/build ## Build the extension module, optimised, and install it editable

.PHONY: wheel
wheel: $(STAMPS)/maturin ## Build a wheel into dist/
	@scripts/toolchain.sh rust
	@rm -f dist/*-$$($(BIN)/python -c 'import sys; print("cp%d%d" % sys.version_info[:2])')-*.whl
	$(MATURIN) build --release $(LOCKED) --interpreter $(BIN)/python --out dist

##@ Check

.PHONY: test
test: test-rust test-python ## Set everything up and run all tests but the slow ones (ARGS= for pytest)

.PHONY: test-rust
test-rust: ## Run the tests of the Rust layers that know no Python
	@scripts/toolchain.sh rust
	env -u PYO3_PYTHON cargo test $(LOCKED)

.PHONY: test-python
test-python: $(STAMPS)/build $(STAMPS)/dev ## Run the Python tests alone
	$(BIN)/python -m pytest -m "not slow and not conformance" $(ARGS)

.PHONY: test-slow
test-slow: $(STAMPS)/build $(STAMPS)/dev ## Run the slow Python tests
	$(BIN)/python -m pytest -m "slow and not conformance" $(ARGS)

.PHONY: test-life-cycle
test-life-cycle: $(STAMPS)/build $(STAMPS)/dev ## Run each test of signals and stops twenty times
	$(BIN)/python -m pytest -m life_cycle --rounds 20 $(ARGS)

# First what may be missing, then what takes long.
.PHONY: conformance
conformance: $(AUTOBAHN)/stamp $(STAMPS)/build ## Run the Autobahn testsuite for WebSocket; needs a Python 2.7 (PYTHON2=)
	$(BIN)/python -m tests.conformance.autobahn $(ARGS)

.PHONY: test-all
test-all: test-rust ## Run the Python tests on every interpreter found, from 3.10 to 3.13
	@passed="" failed="" missing=""; \
	while read -r version python; do \
		if [ "$$python" = - ]; then \
			echo "--- Python $$version: not found, skipped"; missing="$$missing $$version"; continue; \
		fi; \
		echo "--- Python $$version: $$python"; \
		if $(MAKE) --no-print-directory PYTHON="$$python" test-python </dev/null; \
		then passed="$$passed $$version"; else failed="$$failed $$version"; fi; \
	done < <(scripts/toolchain.sh pythons); \
	echo "--- passed:$${passed:- none}; failed:$${failed:- none}; not found:$${missing:- none}"; \
	[ -n "$$passed" ] && [ -z "$$failed" ]

# What it finds is kept in fuzz/artifacts/; what it tried, in fuzz/corpus/ for the next time.
.PHONY: fuzz
fuzz: ## Run each fuzz target for a minute, with the nightly compiler (FUZZ_SECONDS=)
	@scripts/toolchain.sh fuzz
	@for target in $(FUZZ_TARGETS); do \
		echo "--- $$target, $(FUZZ_SECONDS) s"; \
		mkdir -p fuzz/corpus/$$target; \
		env -u PYO3_PYTHON cargo +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit 1; \
	done

.PHONY: lint
lint: lint-rust lint-python ## Check format, lints and types of both languages

# Twice: the layers below asgi/ must also be clean, and complete, with no interpreter.
.PHONY: lint-rust
lint-rust: $(STAMPS)/venv
	@scripts/toolchain.sh rust
	cargo fmt --check
	env -u PYO3_PYTHON cargo clippy --all-targets --features fuzzing $(LOCKED) -- -D warnings
	cargo clippy --all-targets --features python $(LOCKED) -- -D warnings

.PHONY: lint-python
lint-python: $(STAMPS)/build $(STAMPS)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	MYPYPATH=python $(BIN)/stubtest rsgi_bridge._core

.PHONY: format
format: $(STAMPS)/dev ## Format both languages and apply the safe fixes
	cargo fmt
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: wheel-check
wheel-check: wheel ## Install the wheel where there is no Rust, and serve the example from it
	$(BIN)/python scripts/check_wheel.py dist

.PHONY: ci
ci: ## What CI runs: lint, wheel-check, test
	@for target in lint wheel-check test; do \
		echo "=== make $$target"; started=$$SECONDS; \
		$(MAKE) --no-print-directory $$target || exit 1; \
		echo "=== make $$target: passed in $$((SECONDS - started)) s"; \
	done

.PHONY: docs-settings
docs-settings: $(STAMPS)/build ## Write the tables of docs/settings.md from the code
	$(BIN)/python scripts/settings.py

.PHONY: docs
docs: $(STAMPS)/docs ## Build the manual as a site into site/; a dead link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

##@ Measure and tidy

.PHONY: bench
bench: $(STAMPS)/build ## Measure HTTP and WebSocket loads against our peers (ARGS= for the runner)
	@$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python benches/load/run.py $(ARGS)

.PHONY: clean
clean: ## Remove everything that these targets made
	rm -rf .venv .venv-* dist site target fuzz/target fuzz/corpus .pytest_cache .mypy_cache .ruff_cache
	rm -f python/rsgi_bridge/_core*.so
	find python tests examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------------------------------------------
# Set-up

# Also when the interpreter that the environment points to is gone (an upgrade, a moved home).
$(STAMPS)/venv: $(if $(shell [ -x $(BIN)/python ] && echo alive),,FORCE)
	@scripts/toolchain.sh rust
	@python=$$(scripts/toolchain.sh python $(PYTHON)) && \
	echo "Setting up $(VENV) with $$python" && \
	rm -rf $(VENV) && "$$python" -m venv $(VENV)
	@# The pip that comes with older interpreters does not know dependency groups (pip 25.1).
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/maturin: $(STAMPS)/venv pyproject.toml
	@$(BIN)/python -m pip install --quiet --group build
	@touch $@

$(STAMPS)/dev: $(STAMPS)/venv pyproject.toml
	@echo "Installing what developing needs"
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

$(STAMPS)/docs: $(STAMPS)/venv pyproject.toml
	@echo "Installing what the manual's site needs"
	@$(BIN)/python -m pip install --quiet --group docs
	@touch $@

$(AUTOBAHN)/stamp: tests/conformance/autobahn-requirements.txt scripts/autobahn.sh | $(STAMPS)/venv
	@scripts/autobahn.sh $(BIN)/python $(AUTOBAHN) $(PYTHON2)
	@touch $@

# `maturin develop`, not `cargo build`: with both crate types cargo drops the fat link-time optimisation.
# The group is what the examples import: left to itself maturin would install all of `dev`.
$(STAMPS)/build: $(STAMPS)/maturin pyproject.toml $(RUST_SOURCES)
	@scripts/toolchain.sh rust
	$(MATURIN) develop --release --group examples $(LOCKED)
	@touch $@

.PHONY: FORCE
FORCE:
