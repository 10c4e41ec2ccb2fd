# Each target is complete on its own: the first one that is asked for makes the virtual environment.
# Needed: Python 3.11 or newer, and make. PYTHON=... chooses another interpreter.

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test check demo bench lock clean

help:  ## show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

run: $(STAMP)  ## the console, on this machine's own home
	$(VENV)/bin/anteroom

demo: $(STAMP)  ## the console on a throw-away home, with sample data being sent to it
	$(VENV)/bin/anteroom demo

test: $(STAMP)  ## all tests, the checks among them (ARGS="-k word" for some)
	$(VENV)/bin/python -m pytest $(ARGS)

check: $(STAMP)  ## only the quick checks: lint, format, types, direction of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

bench: $(STAMP)  ## measure (ARGS go to the benchmark)
	$(VENV)/bin/python -m bench $(ARGS)

# The lock names no index and no address: whoever installs chooses where from.
lock: $(STAMP)  ## write requirements.txt anew from pyproject.toml
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
	  -o requirements.txt

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf *.egg-info

# Hashes are demanded of everything that is downloaded; the project itself comes from this folder.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Anteroom needs Python 3.11 or newer ($(PYTHON) is $$($(PYTHON) --version 2>&1))."; \
	  echo "Install one and name it, for example: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments."; \
	  echo "On Debian and Ubuntu: apt install python3-venv"; \
	  exit 1; }
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)
