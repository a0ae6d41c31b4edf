# pipeseal: what a developer runs. `make` alone lists the targets; nothing has to be installed beforehand but
# Python 3.11 or newer with its venv module, and make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first Python that really runs (a version manager's shim may exist and refuse) and is new enough.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)

VENV := .venv
SAM_VENV := .venv-sam
BIN := $(VENV)/bin
SAM := $(SAM_VENV)/bin/sam
# The lock files are whole, so there is nothing to resolve; twice quiet: errors are shown, warnings of the host's pip not.
PIP := -m pip --quiet --quiet --disable-pip-version-check
PIP_LOCKED := $(PIP) install --require-hashes --no-deps --no-compile
LAYER_MAX_BYTES := 3000000
UV_FLAGS := --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock"

# SAM wants a region even to validate.
lint build: export AWS_DEFAULT_REGION ?= us-east-1
export SAM_CLI_TELEMETRY := 0
export PIP_NO_INPUT := 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/stamp ## make .venv from the lock file (does nothing where it is up to date)

.PHONY: demo
demo: setup ## see pipeseal do its job on an embedded account
	@$(BIN)/pipeseal demo

.PHONY: test
test: setup ## run the tests (PYTEST_ARGS="-k tls -x" narrows them)
	@$(BIN)/pytest -n auto $(PYTEST_ARGS)

.PHONY: soak
soak: setup ## the tests of faults, races and bad input at full length: every fault at every call, thousands of interleavings
	@$(BIN)/pytest -n auto --dist worksteal --hypothesis-profile=soak tests/races $(PYTEST_ARGS)

.PHONY: e2e
e2e: setup $(SAM_VENV)/stamp .venv-e2e/stamp .venv-events/stamp ## deploy to an account on loopback that enforces IAM, and prove the main job there
	@$(BIN)/pytest tests/e2e $(PYTEST_ARGS)

.PHONY: events
events: setup .venv-events/stamp ## ask two pattern engines who hears which event
	@$(BIN)/pytest tests/test_events.py tests/e2e/test_0_second_engine.py $(PYTEST_ARGS)

.PHONY: report-browser
report-browser: setup ## look at `pipeseal report` in a headless Chromium, which must be on PATH (Debian: apt-get install chromium)
	@$(BIN)/pytest tests/browser $(PYTEST_ARGS)

.PHONY: least-privilege
least-privilege: setup $(SAM_VENV)/stamp .venv-e2e/stamp ## take each permission of each role away: the main job fails without it (ROLE="Key*" narrows)
	@PYTHONPATH=. $(BIN)/python tests/e2e/least_privilege.py "$(or $(ROLE),*)"

.PHONY: sam-local
sam-local: setup build ## every function with every sample event of its rules in a container; needs a Docker engine (EVENT="put_*" narrows)
	@PYTHONPATH=. $(BIN)/python tests/e2e/sam_local.py "$(or $(EVENT),*)"

.PHONY: checkov
checkov: .venv-checkov/stamp ## the template's security, with the exceptions of .checkov.yaml
	@.venv-checkov/bin/checkov --config-file .checkov.yaml --file template.yaml

.PHONY: lint
lint: setup $(SAM_VENV)/stamp ## ruff, mypy, the layers, the template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SAM) validate --lint

.PHONY: format
format: setup ## put the code in shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: readme
readme: setup ## run the commands that README.md shows and write down what they print
	@PYTHONPATH=. $(BIN)/python tests/readme.py

.PHONY: build
build: $(SAM_VENV)/stamp ## sam build, into .aws-sam/build, and weigh the layer
	@find functions -name __pycache__ -type d -prune -exec rm -rf {} + # they would be shipped
	LAYER_PYTHON="$(abspath $(SAM_VENV))/bin/python" $(SAM) build
	@$(SAM_VENV)/bin/python -m zipfile -c .aws-sam/build/layer.zip .aws-sam/build/PipesealLayer/python
	@bytes=$$(wc -c <.aws-sam/build/layer.zip); rm .aws-sam/build/layer.zip; \
		echo "layer: $$((bytes / 1000)) kB zipped, of at most $$(($(LAYER_MAX_BYTES) / 1000))"; \
		((bytes <= $(LAYER_MAX_BYTES)))

.PHONY: lock
lock: setup ## choose the newest versions anew and write the lock files (asks the package index)
	$(BIN)/python $(PIP) install uv
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file shared/requirements.lock shared/requirements.txt
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-dev.txt --extra dev pyproject.toml
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-sam.txt --group pyproject.toml:sam
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-e2e.txt --group pyproject.toml:e2e
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-events.txt --group pyproject.toml:events
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-checkov.txt --group pyproject.toml:checkov

.PHONY: clean
clean: ## remove everything that was made here
	rm -rf $(VENV) .venv-* .aws-sam .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		build dist shared/*.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/stamp: $(VENV)/tools pyproject.toml shared/requirements.txt
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip --disable-pip-version-check check --quiet
	@touch $@

$(VENV)/tools: requirements-dev.txt
	@$(call new_venv,$(VENV))
	@echo "setup: the tools of requirements-dev.txt"
	@$(BIN)/python $(PIP_LOCKED) --requirement requirements-dev.txt
	@touch $@

# What pins its own botocore lives apart: SAM CLI, MiniStack, the second pattern engine.
.venv-%/stamp: requirements-%.txt
	@$(call new_venv,.venv-$*)
	@echo "setup: the tools of $<"
	@.venv-$*/bin/python $(PIP_LOCKED) --requirement $<
	@touch $@

# A virtual environment from scratch: what an older lock file left in it would not be found missing.
define new_venv
	[[ -n "$(PYTHON)" ]] || { echo "pipeseal needs Python 3.11 or newer; none of python3.13, python3.12, python3.11 and" \
		"python3 runs here. On Debian: apt-get install python3 python3-venv" >&2; exit 1; }; \
	"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module." \
		"On Debian: apt-get install python3-venv" >&2; exit 1; }; \
	echo "setup: $(1) with $$("$(PYTHON)" -V)"; \
	"$(PYTHON)" -m venv --clear $(1)
endef
