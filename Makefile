# Two commands do all set-up: `make run` shows the main job, `make test` proves it.
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test chaos check bench lock openapi clean format

run: $(VENV)/.run           ## the whole line in one terminal: server, sandbox, one real order
	@$(BIN)/plaudit demo

test: $(VENV)/.dev          ## every test, against real parts
	@$(BIN)/python -m pytest

chaos: $(VENV)/.dev         ## faults, kills, histories and the cluster's troubles, twenty times as long
	@PLAUDIT_THOROUGH=20 $(BIN)/python -m pytest tests/faults tests/crash tests/cluster \
		tests/audiences/test_any_history.py tests/store/test_profiles_history.py --timeout 7200 -s

check: $(VENV)/.dev         ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev         ## each rate beside its floor, in one run
	@$(BIN)/python -m bench

lock: $(VENV)/.dev          ## pin what pyproject.toml asks for
	@PATH="$(BIN):$$PATH" requirements/lock

openapi: $(VENV)/.dev       ## docs/openapi.json, as the code says it
	@$(BIN)/python -m plaudit.manage.openapi > docs/openapi.json

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Plaudit needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@echo "making the environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run
