# All targets work on a fresh clone: they create .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more worker than cores, because many tests wait.
PARALLEL := -n $(shell expr $$(nproc) + 1) --dist loadfile --no-loadscope-reorder # tests/conftest.py puts slow tests first

# The tests start Python hundreds of times; compiling the code each time would double that time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-organization test test-fast check bench soak format dist sbom lock clean

demo: $(READY)
	@$(BIN)/aws-backup-exporter --demo

demo-organization: $(READY)
	@$(BIN)/aws-backup-exporter --demo.organization

test: $(READY)
	$(BIN)/python -m pytest $(PARALLEL)

# Without the tests that run another program or process, wait, or take seconds.
test-fast: $(READY)
	$(BIN)/python -m pytest $(PARALLEL) --fast

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.generate_docs --check
	$(BIN)/python -m tools.release check

# Takes about fifteen minutes. Results: docs/performance.md.
bench: $(READY)
	$(BIN)/python -m bench

# Runs for MINUTES (default 10). Needs the Debian package libfaketime.
MINUTES ?= 10
soak: $(READY)
	$(BIN)/python -m bench.soak $(MINUTES)

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tools.generate_docs

# The same commit gives the same files.
dist: $(READY) sbom
	export SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct); \
	  $(BIN)/python -c 'from flit_core.buildapi import build_sdist, build_wheel; build_sdist("dist"); build_wheel("dist")'

# The software bill of materials of the exporter with its pinned dependencies, in CycloneDX format.
sbom: $(READY)
	$(BIN)/python -m tools.sbom dist/aws-backup-exporter.cdx.json

# Updates the pinned dependencies. The files contain hashes but no index URLs.
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet pip-tools
	for set in build runtime demo dev; do \
	  case $$set in build) extra="--all-build-deps --only-build-deps";; runtime) extra=;; demo) extra=--extra=demo;; dev) extra="--extra=demo --extra=dev";; esac; \
	  $(VENV)-lock/bin/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --upgrade \
	    $$extra --output-file requirements/$$set.txt pyproject.toml || exit 1; \
	done
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required; run: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
