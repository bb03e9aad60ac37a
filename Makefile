# Every target sets up .venv in this folder first, and again whenever a pyproject.toml changes.
# `make PYTHON=/path/to/python3.13 ...` chooses the interpreter; it is used only where .venv does not exist.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)
BIN := .venv/bin
PROJECTS := $(wildcard pyproject.toml constraints.txt containers/*/pyproject.toml pytest-plugin/pyproject.toml)
PACKAGES := $(patsubst %/pyproject.toml,-e ./%,$(wildcard containers/*/pyproject.toml))
PLUGIN := -e ./pytest-plugin
DEMO_EXTRAS := numpy,pandas,images,sklearn,typer
PYTEST_ARGS ?= -n 2 --dist loadgroup
SYSTEM_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder
PYTHONS ?= python3.11 python3.12 python3.13 python3.14

.DEFAULT_GOAL := help
.PHONY: help venv demo docs test test-system drift lint format bench pictures test-pythons clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16

.venv/pyvenv.cfg:
	@if [ -z "$(PYTHON)" ]; then \
	  echo "No Python 3.11 or newer was found on PATH. Install one, or name it: make PYTHON=/path/to/python3.13" >&2; \
	  exit 2; \
	fi
	@if ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  echo "$(PYTHON) is no Python 3.11 or newer. Name another one: make PYTHON=/path/to/python3.13" >&2; \
	  exit 2; \
	fi
	"$(PYTHON)" -m venv .venv || { rm -rf .venv; exit 2; }

.venv/installed: .venv/pyvenv.cfg $(PROJECTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation \
	  -e '.[$(DEMO_EXTRAS)]' $(PACKAGES)
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation \
	  -e '.[dev]' $(PLUGIN)
	@touch $@

.venv/installed-bench: .venv/installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation \
	  -e '.[bench]'
	@touch $@

venv: .venv/installed-dev ## set up .venv with the project, the packages of containers/ and the developer tools

demo: .venv/installed ## train on the handwritten digits, show the report, then run one node alone
	@PATH="$(CURDIR)/$(BIN):$$PATH" containers/digits-training/demo

test: .venv/installed-dev ## run every test
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

test-system: .venv/installed-dev ## run the tests that need root and daemons of their own, or minutes: on Slurm, drift on Ray, isolated nodes
	@tests/system/install
	@if [ "$$(id -u)" = 0 ]; then as_root=; else as_root="sudo -n"; fi; \
	  $$as_root env PATH="$$PATH:/usr/sbin:/sbin" PYTHONDONTWRITEBYTECODE=1 \
	  $(BIN)/python -m pytest -p no:cacheprovider $(SYSTEM_ARGS) -m system tests/system

docs: .venv/installed-dev ## build the documentation in docs/_build, with warnings as errors
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build
	@echo docs/_build/index.html

drift: .venv/installed-dev ## prove 1,000 times that what is unchanged is not refused
	@$(BIN)/python tests/support/false_alarms.py $(DRIFT_ARGS)

lint: .venv/installed-dev ## lint, formatting, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev ## format the code and apply the linter's safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed-bench ## measure against the peers and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

pictures: .venv/installed-dev ## draw the pictures of the documentation once more
	$(BIN)/python tests/support/pictures.py

test-pythons: ## run the tests under every Python of PYTHONS that this machine has, in .venvs/
	@for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "== $$python" && venv=.venvs/$$(basename "$$python") && \
	    { [ -d "$$venv" ] || "$$python" -m venv "$$venv"; } && \
	    "$$venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables \
	      -e '.[dev]' $(PACKAGES) $(PLUGIN) && "$$venv/bin/python" -m pytest $(PYTEST_ARGS) || exit 1; \
	  else echo "== $$python is not on this machine"; fi; done

clean: ## delete .venv, .venvs, caches and what the demo wrote
	rm -rf docs/_build .venv .venvs .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
