# SPDX-License-Identifier: Apache-2.0
# Each target is complete on its own: the first one that is asked for makes the virtual environment.
# Needed: Python 3.11 or newer, and make. PYTHON=... chooses an interpreter.

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
  if $$each -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$each; break; fi; done)
VENV := .venv
STAMP := $(VENV)/.installed
# Processes that run tests. Those marked `alone` have the machine to themselves afterwards.
JOBS ?= 2

# Seconds that `make endure` fuzzes each target.
FUZZ ?= 1800

# XNAT's schema, for tests only: it is got once, and never part of the project.
SCHEMA := $(VENV)/xnat-schema
SCHEMA_FILES := $(SCHEMA)/xnat.xml $(SCHEMA)/xdat.xml

# What `make quick` runs: rules, languages, tables and views, without screens, engines or PostgreSQL.
QUICK := tests/test_*.py $(addprefix tests/console/,actions commands keys transfer views widgets) \
  $(addprefix tests/engine/,anonymize database dicom ingest model prearchive routing sessions storage)

.DEFAULT_GOAL := help
.PHONY: help run test quick endure peers check demo pictures bench keys roles conformance schema lock clean

help:  ## show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

run: $(STAMP)  ## the console, on this machine's own home
	$(VENV)/bin/anteroom

demo: $(STAMP)  ## the console on a throw-away home, with sample data being sent to it
	$(VENV)/bin/anteroom demo

test: peers $(STAMP) $(SCHEMA)/.got  ## all tests, the checks among them (ARGS="-k word" for some, in one process)
ifdef ARGS
	$(VENV)/bin/python -m pytest $(ARGS)
else
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not alone"
	$(VENV)/bin/python -m pytest -m alone
endif

quick: peers $(STAMP)  ## the checks and the tests that take less than two minutes together
	ANTEROOM_TEST_NO_POSTGRES=1 $(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile $(QUICK)

endure: peers $(STAMP)  ## hours of kills, of sending, of fuzzing (docs/endurance.md)
	$(VENV)/bin/uv pip install --quiet --python $(VENV) --group fuzz
	$(VENV)/bin/python -m pytest -v -o faulthandler_timeout=0 tests/endure $(ARGS)
	for target in script head; do \
	  $(VENV)/bin/python -m tests.fuzz $$target --seconds $(FUZZ) --corpus build/fuzz/$$target || exit 1; \
	done

check: $(STAMP)  ## only the quick checks: lint, format, types, direction of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

pictures: $(STAMP)  ## take the pictures of the documentation (needs tmux and dcmtk)
	$(VENV)/bin/python -m tests.line.pictures docs/pictures

bench: $(STAMP)  ## measure (ARGS go to the benchmark)
	$(VENV)/bin/python -m bench $(ARGS)

schema: $(SCHEMA)/.got  ## get XNAT's schema, which session documents are validated by in tests

# Without a network the tests that need it fail and say so; all others run.
$(SCHEMA)/.got: tests/xnat-schema.txt | $(STAMP)
	@rm -rf $(SCHEMA) && mkdir -p $(SCHEMA)/source
	@$(VENV)/bin/python -m pip download --quiet --disable-pip-version-check --require-hashes \
	  --no-deps --no-binary :all: --no-build-isolation -r $< -d $(SCHEMA)/source \
	  && tar -xzf $(SCHEMA)/source/xnat-*.tar.gz -C $(SCHEMA) --strip-components=3 \
	    xnat-0.8.1/xnat/tests/xnat.xml xnat-0.8.1/xnat/tests/xdat.xml \
	  && touch $(SCHEMA_FILES) $@ || echo "XNAT's schema could not be got: its tests will fail"
	@rm -rf $(SCHEMA)/source

keys: $(STAMP)  ## write docs/keys.md from the key table
	$(VENV)/bin/python -m console.keys.page > docs/keys.md

roles: $(STAMP)  ## write docs/roles.md from the tables of permissions
	$(VENV)/bin/python -m engine.service.permissions > docs/roles.md

conformance: $(STAMP)  ## write docs/conformance.md from the values of the code
	$(VENV)/bin/python -m engine.service.conformance > docs/conformance.md

# The lock names no index and no address: whoever installs chooses where from.
lock: $(STAMP)  ## write requirements.txt from pyproject.toml (ARGS=--upgrade for newer versions)
	$(VENV)/bin/uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
	  $(ARGS) -o requirements.txt

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf *.egg-info

define NEEDS_PYTHON
test -n "$(PYTHON)" && $(PYTHON) -c '$(NEW_ENOUGH)' || { \
  echo "Anteroom needs Python 3.11 or newer, and found none."; \
  echo "Install one, and name it if it has an unusual name: make PYTHON=/path/to/python"; \
  exit 1; }
endef

# Installs what tests need and this machine has not, or says how to, before anything else is done.
peers:
	@test -x $(VENV)/bin/python || { $(NEEDS_PYTHON); }
	@each=$(VENV)/bin/python; test -x $$each || each=$(PYTHON); $$each tests/peers.py tests

# Hashes are demanded of everything that is downloaded; the project itself comes from this folder.
$(STAMP): requirements.txt pyproject.toml
	@$(NEEDS_PYTHON)
	@$(PYTHON) tests/peers.py environment
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)
