# Two commands matter: `make run` and `make test`. Both need python3 (3.11 or newer), node (20.19 or newer) and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := src/genie/web/static/build
FRONT_END := $(shell find frontend src/genie/web/templates src/genie/web/icons -type f 2>/dev/null)

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONPATH := src

.PHONY: run test scripts races check fix lock vectors bench simulate simulate-mutants chaos sandbox browser wheel
.DEFAULT_GOAL := run

run: $(VENV)/.installed $(BUILD)/.built  ## start everything; PORT, HOST, DATABASE_URL, DEMO=no
	@exec $(BIN)/python -m run

sandbox: $(VENV)/.installed  ## only the demo calendar server, the page to play its owner, and the mail page
	@exec $(BIN)/python -m run sandbox

test: $(VENV)/.installed-dev $(BUILD)/.built browser  ## everything, a real browser included
	$(BIN)/python -m pytest -n 2 --dist worksteal

scripts: $(VENV)/.installed-dev  ## random two-way scripts on each calendar system; SCRIPTS=500, ON=google,caldav, SEED=n
	@$(BIN)/python -m tests.flows.play_scripts

races: $(VENV)/.installed-dev $(BUILD)/.built  ## 500 at once over 8 processes: for a slot, a date, a team, with holds and moves
	RACE_POSTS=500 RACE_PROCESSES=8 $(BIN)/python -m pytest -q tests/flows/test_races.py

browser: $(VENV)/.installed-dev
	@$(BIN)/python -m run.browser

check: $(VENV)/.installed-dev node_modules/.installed  ## format, lint, types, import rules, migrations
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	GENIE_TESTING=1 $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	npm run --silent check

fix: $(VENV)/.installed-dev  ## what can be put right without thinking
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

vectors: $(VENV)/.installed  ## worked cases of the slot rules: make vectors FILE=cases.json
	@$(BIN)/python manage.py vectors "$(FILE)"

bench: $(VENV)/.installed-dev $(BUILD)/.built  ## figures, side by side
	$(BIN)/python -m bench.run

simulate: $(VENV)/.installed-dev  ## random worlds in which everything goes wrong: SEEDS=n [SEED=s] [ON=google,memory]
	@PYTHONPATH=src:. $(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1000) $(if $(SEED),--seed $(SEED)) \
	    $(if $(ON),--on $(ON)) $(if $(FIRST),--first $(FIRST))

simulate-mutants: $(VENV)/.installed-dev  ## does the simulation notice planted faults? SEEDS=n [ONLY=name,name]
	@PYTHONPATH=src:. $(BIN)/python -m tests.simulation.mutants --seeds $(or $(SEEDS),2000) $(if $(ONLY),--only $(ONLY))

chaos: $(VENV)/.installed-dev  ## the real programs under load while all of them die: ROUNDS=n [SEED=s] [SECONDS=n]
	@PYTHONPATH=src:. $(BIN)/python -m tests.chaos --rounds $(or $(ROUNDS),10) $(if $(SEED),--seed $(SEED)) \
	    --seconds $(or $(SECONDS),60)

wheel: $(VENV)/.installed $(BUILD)/.built  ## a wheel in dist/, the built front end inside
	@rm -rf build src/schedule_genie.egg-info  # files of an earlier one would get into this one
	$(BIN)/python -m pip wheel . --no-deps --quiet --wheel-dir dist
	@rm -rf build src/schedule_genie.egg-info

lock: $(VENV)/.installed-dev  ## newest versions that fit pyproject.toml and package.json, with hashes, without addresses
	$(PYTHON) -m venv .run/lock && .run/lock/bin/pip install --quiet uv
	.run/lock/bin/uv pip compile pyproject.toml --extra sandbox --python-version 3.11 --universal --upgrade \
	    --generate-hashes --no-emit-index-url --quiet --output-file requirements.lock
	.run/lock/bin/uv pip compile pyproject.toml --extra sandbox --extra dev --python-version 3.11 --universal --upgrade \
	    --generate-hashes --no-emit-index-url --quiet --output-file requirements-dev.lock
	npm update --package-lock-only --no-audit --no-fund

# What stands below makes the commands above work on a fresh machine; nobody needs to call it.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Schedule Genie needs Python 3.11 or newer, and '$(PYTHON)' is older or missing. Name a newer one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	    { rm -rf $(VENV); echo "Python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: requirements.lock | $(BIN)/python
	@echo "Installing what the product needs …"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(BIN)/python
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@

node_modules/.installed: package.json package-lock.json .npmrc
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || \
	    { echo "Schedule Genie needs Node 20.19 or newer (and npm) to build its pages; 'node' is older or missing."; exit 1; }
	@echo "Installing what the front end needs …"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUILD)/.built: node_modules/.installed $(FRONT_END)
	@echo "Building the front end …"
	@npm run --silent build
	@touch $@
