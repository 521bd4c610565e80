# `make help` says what there is. All of it needs only make, git and Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
AWS_BIN := localaws/.venv/bin
# The same uv that the lock was made with; it installs in seconds what takes pip minutes.
UV_PIN := $(shell grep -m1 '^uv==' requirements-dev.txt)
VENVS := .venv/installed localaws/.venv/installed
STACK := $(BIN)/python -m firelake_airflow.local
PYTEST := $(BIN)/pytest
# A file's tests share what they start, so they stay together.
PYTEST_PARALLEL := $(PYTEST) --numprocesses 2 --dist loadfile
# The end-to-end tests that need a browser or a notebook.
LOOKED_AT := test_examples.py test_report_pages.py test_ui.py
BENCH_BIN := var/bench/.venv/bin
# What else the demo is told: --menus shows menu clicks and their funnel, too.
DEMO ?=
# `optional` lets test-trino pass, loudly, where no Trino can be had.
TRINO ?= required
# What share of the usual data `bench` is tried with.
SCALE ?= 1
CODE := dags plugins localaws ingest tests bench deploy examples

.DEFAULT_GOAL := help
.PHONY: help venv demo up down test lint format test-unit test-contract test-dags test-sql test-e2e test-ui test-faults test-ingest rabbitmq test-compose trino test-trino chromium pictures bench bench-large bench-gate bench-pages bench-aws mwaa lambda lock clean
MAKEFLAGS += --no-print-directory --warn-undefined-variables
.DELETE_ON_ERROR:

help: ## Say what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Ports: make up AIRFLOW_PORT=8081 AWS_PORT=4567 (8080 and 4566 unless said)."

venv: $(VENVS) ## Install everything, exactly as pinned, into .venv and localaws/.venv

demo: $(VENVS) ## Two days of data through the whole lake on this machine, checked at the end
	@$(STACK) demo $(DEMO)

up: $(VENVS) ## Start Local AWS and Airflow; print the URL and the login
	@$(STACK) up

down: $(VENVS) ## Stop them, whoever started them
	@$(STACK) down

test: lint test-unit test-contract test-dags test-e2e ## What a change must pass: lint, types, and all but the long tests

pictures: $(VENVS) chromium ## Take the pictures of docs/ui.md anew
	@FIRELAKE_PICTURES=$(CURDIR)/docs/images $(PYTEST) tests/e2e/test_ui.py -k "lake_is_seen or have_a_tab"

lint: $(VENVS) ## Style and types
	@echo "== ruff"
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@echo "== mypy"
	@$(BIN)/mypy plugins/firelake plugins/firelake_airflow plugins/firelake_plugin.py ingest dags bench
	@$(BIN)/mypy --python-executable $(AWS_BIN)/python localaws

format: $(VENVS) ## Format the code and fix what can be fixed
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

# Each suite runs by itself: those on Local AWS share one, and some look at all that lies in it.
test-unit: $(VENVS) ## Tests without any network
	@$(PYTEST_PARALLEL) tests/unit

test-contract: $(VENVS) ## Real AWS clients against Local AWS
	@$(PYTEST_PARALLEL) tests/contract

test-dags: $(VENVS) ## The DAGs as Airflow reads and runs them
	@$(PYTEST_PARALLEL) tests/dags

test-sql: $(VENVS) ## The summaries' queries, by cases and by days of simulated data
	@$(PYTEST_PARALLEL) tests/sql

test-e2e: $(VENVS) ## The main job with the real scheduler: demo, failed gate, start and stop
	@$(PYTEST) tests/e2e $(addprefix --ignore=tests/e2e/,$(LOOKED_AT))

test-ui: $(VENVS) chromium ## What people look at: Airflow and the lake's pages in a browser, reports, notebooks
	@$(PYTEST) $(addprefix tests/e2e/,$(LOOKED_AT))

trino: localaws/.venv/installed ## Install a real Trino from Maven (0.8 GB, once), run by this machine's Java
	@$(AWS_BIN)/python -m localaws.athena.trino.installation

test-trino: $(VENVS) ## The same SQL and summaries on DuckDB and on a real Trino; not in `make test`
	@if $(MAKE) trino; then $(PYTEST) tests/trino; else \
		echo "NOT PROVEN: that Athena's SQL gives here what a real Trino gives, rows and types, for the" \
			"dialect's cases, tables of every kind and each summary of include/sql." >&2; \
		test "$(TRINO)" = optional; \
	fi

test-compose: ## The deployment with docker compose, really run; needs docker, and is no part of `make test`
	@PYTHONPATH=plugins $(PYTHON) -m tests.compose

test-faults: $(VENVS) ## The long ones: kills, a failing S3, readers without pause, any bytes
	@$(PYTEST) tests/faults

test-ingest: $(VENVS) rabbitmq ## The forwarder with a real RabbitMQ: killed brokers, killed forwarders, refusals
	@$(PYTEST) tests/ingest

rabbitmq: ## Install the broker that test-ingest starts, if it is missing
	@test -x /usr/lib/rabbitmq/bin/rabbitmq-server || .ci/install-rabbitmq

chromium: ## Install the browser of test-ui, if it is missing
	@command -v chromium >/dev/null || .ci/install-chromium

bench: var/bench/.venv/installed ## Measure Firelake beside its peers; writes docs/benchmarks.md
	@PYTHONPATH=.:plugins $(BENCH_BIN)/python -m bench --scale $(SCALE)

bench-gate: $(VENVS) ## Measure the gate on ten and a hundred million rows; writes docs/gate-benchmarks.md
	@PYTHONPATH=.:plugins $(BIN)/python -m bench.gate --large

bench-large: var/bench/.venv/installed ## The same, and Firelake on ten times the data: ten minutes and 25 GB of free disk more
	@PYTHONPATH=.:plugins $(BENCH_BIN)/python -m bench --large --scale $(SCALE)

bench-pages: $(VENVS) ## Measure the lake's pages on 200 datasets with 1,000 runs each
	@PYTHONPATH=.:plugins $(BIN)/python -m bench.lake_pages

bench-aws: $(VENVS) ## Measure Local AWS; writes docs/local-aws-benchmarks.md
	@PYTHONPATH=. $(BIN)/python -m bench.local_aws

mwaa: ## What Amazon MWAA is given: DAGs, plugins.zip, pinned requirements and startup script, in dist/mwaa/
	@$(PYTHON) deploy/mwaa/build.py

lambda: ## The Firehose transform as Lambda takes it, in dist/lambda/
	@$(PYTHON) -m ingest.transform.package

lock: .venv/installed ## Pin again what the requirements*.in files ask for
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 requirements.in -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 requirements-compose.in -o requirements-compose.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 localaws/requirements.in -o localaws/requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 ingest/requirements.in -o ingest/requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 bench/requirements.in -o bench/requirements.txt

clean: ## Stop the stack and remove all data in var/
	@test ! -x $(BIN)/python || $(STACK) down
	rm -rf var

.venv/installed: requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@echo "Installing .venv; the first time takes a minute or two …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check '$(UV_PIN)'
	@$(BIN)/uv pip sync -q --python $(BIN)/python requirements.txt requirements-dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

localaws/.venv/installed: localaws/requirements.txt | .venv/installed
	@echo "Installing localaws/.venv …"
	@$(PYTHON) -m venv localaws/.venv
	@$(BIN)/uv pip sync -q --python $(AWS_BIN)/python localaws/requirements.txt
	@touch $@

var/bench/.venv/installed: bench/requirements.txt | .venv/installed
	@echo "Installing var/bench/.venv …"
	@mkdir -p var/bench
	@$(PYTHON) -m venv var/bench/.venv
	@$(BIN)/uv pip sync -q --python $(BENCH_BIN)/python bench/requirements.txt
	@touch $@
