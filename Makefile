# Two commands for people: `make demo` and `make test`. Both set themselves up with Python and a package index alone.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
export LANGGRAPH_STRICT_MSGPACK := true
# Without stored byte code each of the processes that the tests begin would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
# Plugins that come with dependencies; nothing here uses them, and importing them takes seconds.
PYTEST := $(BIN)/python -m pytest -p no:langsmith_plugin -p no:schemathesis -n auto --dist loadfile

# uv from the PATH when there is one, else a copy in the project's own environment.
UV = $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)

.PHONY: help setup demo test test-all quick all lint audit clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.ready ## the program in .venv, from the lock file

$(VENV)/.ready: pyproject.toml uv.lock
	@command -v uv >/dev/null 2>&1 || [ -x $(BIN)/uv ] || { \
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3."; exit 1; }; \
	  echo "Setting up .venv …"; \
	  $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@$(UV) sync --frozen --inexact --no-dev --quiet --python $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	@$(UV) sync --frozen --inexact --quiet
	@touch $@

demo: setup ## the whole journey on a recorded story, offline; the document's path comes last
	@BMS_HOME=$(CURDIR)/demo/home $(BIN)/bms demo therapy-8b --out demo

test: $(VENV)/.ready-dev ## style, types, layers, tests; offline
	@$(MAKE) --no-print-directory -j2 lint quick

test-all: $(VENV)/.ready-dev ## with the slow tests too, and examples that were never tried
	@$(MAKE) --no-print-directory -j2 lint all

quick: $(VENV)/.ready-dev
	@$(PYTEST) -m "not slow"

all: $(VENV)/.ready-dev
	@$(PYTEST) --hypothesis-profile=exploring

lint: $(VENV)/.ready-dev ## ruff, mypy, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: setup ## licences and known vulnerabilities of what the lock file names; asks the network
	@mkdir -p build
	@$(UV) export --frozen --no-dev --all-extras --no-emit-project --no-hashes --quiet -o build/locked.txt >/dev/null
	@UV_PROJECT_ENVIRONMENT=build/audit $(UV) sync --frozen --inexact --no-dev --all-extras --group audit --quiet
	@build/audit/bin/python .ci/licences.py build/locked.txt
	@build/audit/bin/pip-audit -r build/locked.txt --no-deps --disable-pip --strict --progress-spinner off

clean: ## what the commands above made
	rm -rf $(VENV) demo dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache
