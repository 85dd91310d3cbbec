# trio_lb: `make run` to see it work, `make test` to check it. `make` alone lists all.
#
# Needs Python >= 3.11, make and a package index; everything else goes into .venv.
# A stamp file says what .venv holds: .base the environment itself, .runtime the
# program, .dev the program and all the tools of the gates and the benchmarks.

PYTHON ?= python3
PYTEST_ARGS ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements-dev.lock
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
SOURCES = $(wildcard trio_lb tests benchmarks)

# An environment whose Python has gone, or that was made for another folder
# (its scripts carry the absolute path), is stale and made anew.
VENV_OK := $(shell [ "$$(cat $(VENV)/.base 2>/dev/null)" = "$(CURDIR)" ] \
	&& $(BIN)/python -c '' 2>/dev/null && echo yes)

.DEFAULT_GOAL := help
.PHONY: help run test lint bench lock clean FORCE

help: ## list these targets
	@echo "trio_lb: a load-balancing proxy for trio"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PYTHON=$(PYTHON)  ARGS='for the program'  PYTEST_ARGS='for pytest, such as -n 2 or -k health'"

run: $(VENV)/.runtime ## set up the environment, then show a balanced demo (ARGS="--seconds 30" ends it)
	@echo "make run: starting the demo; Ctrl-C ends it"
	@trap : INT; $(BIN)/trio-lb demo $(ARGS); code=$$?; \
	echo "make run: the demo has ended (exit code $$code)"; exit $$code

test: lint ## set up, then every gate: format, lint, types, layers, tests
	$(call gate,tests,$(BIN)/python -m pytest $(PYTEST_ARGS))
	@echo "make test: all gates passed"

lint: $(VENV)/.dev ## the gates that run no test: format, lint, types, layers
	$(call gate,format,$(BIN)/ruff format --check .)
	$(call gate,lint,$(BIN)/ruff check .)
	$(call gate,trio lint,grep -rlZ --include='*.py' 'async ' $(SOURCES) | xargs -0 -P 2 -n 60 $(BIN)/flake8-async $(FLAKE8_ASYNC))
	$(call gate,types,$(BIN)/mypy $(SOURCES))
	$(call gate,layers,$(BIN)/lint-imports --no-logo)
	@echo "make lint: passed"

bench: $(VENV)/.dev ## measure beside real peers, the quick form (ARGS for more options)
	$(call gate,benchmarks,$(BIN)/python -m benchmarks --quick $(ARGS))
	@echo "make bench: done"

lock: $(VENV)/.dev ## renew the pinned versions in requirements-dev.lock
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --upgrade pyproject.toml --all-extras --group dev \
		--universal --python-version 3.11 --no-header --output-file $(LOCK)
	@echo "make lock: $(LOCK) renewed; run make test before you commit it"

clean: ## remove the environment, caches and build results
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "make clean: done"

# One gate: its name, its command, and one clear line when it fails.
define gate
	@echo "== $(1)"
	@$(2) || { echo "make $@: FAILED at: $(1)"; exit 1; }
endef

# Options of flake8-async; it reads no file of its own. Not asked: that an async function
# awaits (ASYNC124) or calls started() (ASYNC128) itself; fixtures that need a running
# clock, protocols and functions that hand the word on are right without. ASYNC9 is off by default.
FLAKE8_ASYNC = --startable-in-context-manager=__call__,service,broken --disable=ASYNC9,ASYNC124,ASYNC128

$(VENV)/.base: $(if $(VENV_OK),,FORCE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "make: $(PYTHON) is not Python 3.11 or newer; say which: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "make: creating $(VENV) with $$($(PYTHON) --version)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { \
	echo "make: no virtual environment could be made (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "$(CURDIR)" > $@

$(VENV)/.runtime: $(VENV)/.base pyproject.toml $(LOCK)
	@echo "make: installing trio-lb into $(VENV)"
	@$(PIP) install --constraint $(LOCK) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "make: installing the tools of the gates into $(VENV)"
	@$(PIP) install --requirement $(LOCK)
	@touch $@
