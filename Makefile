# Two commands for people: `make demo` and `make test`. Both set themselves up with Python and a package index alone.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
export LANGGRAPH_STRICT_MSGPACK := true

# uv from the PATH when there is one, else a copy in the project's own environment.
UV = $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)

.PHONY: help setup demo test test-all lint clean

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

test: lint ## style, types, layers, tests; offline
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

test-all: lint ## with the slow tests too
	@$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.ready-dev ## ruff, mypy, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean: ## what the commands above made
	rm -rf $(VENV) demo dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache
