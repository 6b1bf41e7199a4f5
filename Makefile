# Every word a developer needs. CI says the same words (.ci/run).
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
KILLS ?= 60
# The prompt as typed: a dollar sign in it is a dollar sign.
export FIRST_PROMPT := $(value PROMPT)
unexport PROMPT
COMPILE := $(BIN)/uv pip compile -q --universal --generate-hashes --no-config --no-emit-index-url \
	--no-header --python-version 3.11
# Settings as a careful production would have them; nothing is contacted.
PRODUCTION := PROWZI_DATA_DIR=$(VENV)/lint-data DATABASE_URL=postgres://prowzi@localhost/prowzi \
	SECRET_KEY=Xy7-only-for-this-check-Wq3nB8sLk2vTz5mRj9cHd4pGf6aU0eJ1oZb \
	ALLOWED_HOSTS=research.example.org

.PHONY: help run test test-newer test-slow chaos bench lint lock format clean

help: ## this list
	@echo "make WORD, where WORD is one of"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' \
		| awk -F'|' '{ printf "  %-11s %s\n", $$1, $$2 }'

run: $(VENV)/.installed ## install, migrate and start Prowzi (PROMPT="…" HOST= PORT=)
	@$(BIN)/prowzi migrate --verbosity 0
	@exec env PROMPT="$$FIRST_PROMPT" $(BIN)/prowzi up --first-run

test: $(VENV)/.installed-dev ## the suite that every change must pass
	@echo "newer Pythons: make test-newer"
	@exec $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q $(ARGS)

test-newer: $(VENV)/.installed-dev ## the same suite on Python 3.12, 3.13 and 3.14, where found
	@for version in 3.12 3.13 3.14; do .ci/test-on "$$version" || exit 1; done

test-slow: $(VENV)/.installed-dev ## tests that need minutes, a server or a browser
	@exec $(BIN)/python -m pytest -q -m slow $(ARGS)

chaos: $(VENV)/.installed-dev ## random kills while research is at work (KILLS=60 SEED=…)
	@exec $(BIN)/python -m tests.chaos.run --kills $(KILLS) $(if $(SEED),--seed $(SEED))

bench: $(VENV)-bench/.installed ## what a durable stage costs, beside the floor and peers
	@mkdir -p benchmarks/results
	$(VENV)-bench/bin/python -m benchmarks.stage_commit --json benchmarks/results/stage_commit.json
	$(VENV)-bench/bin/python -m benchmarks.events
	$(VENV)-bench/bin/python -m benchmarks.library
	$(VENV)-bench/bin/python -m benchmarks.sessions --json benchmarks/results/sessions.json

lint: $(VENV)/.installed-dev ## linters, types, import contracts, migrations, production settings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PROWZI_DATA_DIR=$(VENV)/lint-data $(BIN)/mypy
	$(BIN)/lint-imports
	PROWZI_DATA_DIR=$(VENV)/lint-data $(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.installed-dev ## put the source in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/.installed-dev ## resolve the dependencies again, with hashes, for every supported Python
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) pyproject.toml --group bench -c requirements.lock -o requirements-bench.lock
	echo uv | $(COMPILE) - -o requirements-install.lock

clean: ## remove what these words made; data stays
	rm -rf $(VENV) .venv-* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: requirements.lock requirements-install.lock .ci/install
	@.ci/install $(VENV) requirements.lock
	@touch $@

$(VENV)-bench/.installed: requirements-bench.lock requirements-install.lock .ci/install
	@.ci/install $(VENV)-bench requirements-bench.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock requirements-install.lock .ci/install
	@.ci/install $(VENV) requirements-dev.lock
	@touch $@ $(VENV)/.installed
