# Every target installs what it needs into $(VENV) first; nothing else must be there than Python.
# PYTHON=python3.12 picks the interpreter of a new $(VENV), VENV=DIR another place for it.

PYTHON ?= python3
VENV   ?= .venv
SEEDS  ?= 1..20
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
PURE   := autoscaler/model/*,autoscaler/engine/*,autoscaler/policies/*,autoscaler/checks/*
ZERO_KILL := zero-kill-redis zero-kill-rabbitmq zero-kill-pods
AIRFLOW := test-airflow-3 test-airflow-2
BESIDE := --no-print-directory --output-sync=target

.PHONY: help demo test test-all $(ZERO_KILL) campaign covered properties test-airflow $(AIRFLOW) check bench bench-quality simulate-faults lock clean

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## two bursts on real Celery workers, scaled before your eyes
	$(BIN)/autoscaler demo $(ARGS)

test: $(VENV)/.dev ## the default tests: real Valkey and Celery workers, in minutes
	$(BIN)/pytest -m "not full and not airflow" $(ARGS)

test-all: $(VENV)/.deploy ## every test, with coverage gates; installs servers and Airflow
	.ci/services
	$(MAKE) $(BESIDE) -j4 $(ZERO_KILL) campaign
	$(MAKE) $(BESIDE) -j2 covered properties $(VENV)/.airflow-3 $(VENV)/.airflow-2
	$(MAKE) --no-print-directory test-airflow

$(ZERO_KILL): zero-kill-%: $(VENV)/.dev
	$(BIN)/pytest tests/zero_kill -k "$(if $(filter redis,$*),not rabbitmq and not pods,$*)" $(ARGS)

campaign: $(VENV)/.dev
	$(BIN)/pytest -m campaign $(ARGS)

covered: $(VENV)/.deploy
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not airflow and not campaign" --ignore=tests/zero_kill $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95
	$(BIN)/coverage report --fail-under=100 --include='$(PURE)'

properties: $(VENV)/.dev # with 2,000 examples of each
	HYPOTHESIS_PROFILE=ci nice $(BIN)/pytest -m "hypothesis and not airflow" $(ARGS)

test-airflow: ## real Airflow 3 and 2, their workers scaled
	.ci/services
	$(MAKE) $(BESIDE) -j2 $(AIRFLOW)

$(AIRFLOW): test-airflow-%: $(VENV)/.airflow-%
	$(BIN)/pytest -m airflow -k airflow$* $(ARGS)

check: $(VENV)/.dev ## lint, format, types, who may import whom, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/gates.py

bench: $(VENV)/.dev ## cost of running, each figure beside its bound
	$(BIN)/python -m bench $(ARGS)

bench-quality: $(VENV)/.dev ## who starts in time, at what cost, beside rivals: TRACES=DIR
	$(BIN)/python -m bench.quality $(if $(TRACES),--traces $(TRACES)) $(ARGS)

simulate-faults: $(VENV)/.dev ## simulated days under faults: SEEDS=1..200
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

lock: $(VENV)/.demo ## write the lock files anew from pyproject.toml
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --upgrade --extra demo --extra rabbitmq --extra airflow --extra kubernetes \
	  pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --upgrade --constraint requirements.lock --group dev \
	  --output-file requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --upgrade --constraint requirements.lock \
	  --constraint requirements-dev.lock tests/deploy/requirements.in \
	  --output-file tests/deploy/requirements.txt
	for version in 3 2; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --upgrade tests/airflow/requirements-$$version.in \
	    --output-file tests/airflow/requirements-$$version.txt || exit 1; done

clean: ## remove what tests and tools left behind, and $(VENV)
	rm -rf $(VENV) .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(VENV)/.demo: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is \
	needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-deps --editable .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.demo
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	touch $@

$(VENV)/.deploy: tests/deploy/requirements.txt $(VENV)/.dev
	$(PIP) install --require-hashes --requirement $<
	touch $@

$(VENV)/.uv: | $(VENV)/.dev
	$(PIP) install uv
	touch $@

$(VENV)/.airflow-%: tests/airflow/requirements-%.txt | $(VENV)/.dev $(VENV)/.uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/airflow-$*
	$(BIN)/uv pip install --quiet --python $(VENV)/airflow-$* --require-hashes --requirement $<
	touch $@
