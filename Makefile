# The commands of a developer; `make` alone lists them. They need make and Python 3.11 or newer with its venv module, and
# install everything else themselves.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first Python that runs (a version manager's shim may exist and fail) and is new enough.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; done)

VENV := .venv
SAM_VENV := .venv-sam
BIN := $(VENV)/bin
SAM := $(SAM_VENV)/bin/sam
# The lock files are complete, so nothing is resolved. Quiet twice: errors are shown, warnings of the host's pip are not.
PIP := -m pip --quiet --quiet --disable-pip-version-check
PIP_LOCKED := $(PIP) install --require-hashes --no-deps --no-compile
# Exported from a rule base by shared/Makefile; generated, never committed.
TOKEN_FORMATS := shared/pipeseal/secrets/token_formats.json
LAYER_MAX_BYTES := 3000000
# What `make soak` runs; each of the three takes several minutes (SOAK_TESTS=tests/policy runs one).
SOAK_TESTS := tests/policy tests/races tests/operations
UV_FLAGS := --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--custom-compile-command "make lock"

# SAM needs a region even to validate a template.
lint build: export AWS_DEFAULT_REGION ?= us-east-1
export SAM_CLI_TELEMETRY := 0
export PIP_NO_INPUT := 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/stamp $(TOKEN_FORMATS) ## create .venv from the lock file and export the token formats, if out of date

.PHONY: demo
demo: setup ## watch pipeseal work on an embedded account
	@$(BIN)/pipeseal demo

.PHONY: test
test: setup ## run the tests (PYTEST_ARGS="-k tls -x" selects some)
	@$(BIN)/pytest -n auto $(PYTEST_ARGS)

.PHONY: soak
soak: setup ## run the laws of the policy engine and the tests of faults, races and bad input at full length
	@$(BIN)/pytest -n auto --dist worksteal --hypothesis-profile=soak $(SOAK_TESTS) $(PYTEST_ARGS)

.PHONY: e2e
e2e: setup $(SAM_VENV)/stamp .venv-e2e/stamp .venv-events/stamp ## deploy to a local AWS that enforces IAM, and test the main job there
	@$(BIN)/pytest tests/e2e $(PYTEST_ARGS)

.PHONY: events
events: setup .venv-events/stamp ## match every sample event against every rule with two pattern engines
	@$(BIN)/pytest tests/test_events.py tests/e2e/test_0_second_engine.py $(PYTEST_ARGS)

.PHONY: report-browser
report-browser: setup ## test `pipeseal report` in headless Chromium, which must be on PATH (Debian: apt-get install chromium)
	@$(BIN)/pytest tests/browser $(PYTEST_ARGS)

.PHONY: least-privilege
least-privilege: setup $(SAM_VENV)/stamp .venv-e2e/stamp ## remove each permission of each role in turn: the main job must fail (ROLE="Key*" selects some)
	@PYTHONPATH=. $(BIN)/python tests/e2e/least_privilege.py "$(or $(ROLE),*)"

.PHONY: sam-local
sam-local: setup build ## run every function with every sample event in a container; needs Docker (EVENT="put_*" selects some)
	@PYTHONPATH=. $(BIN)/python tests/e2e/sam_local.py "$(or $(EVENT),*)"

.PHONY: checkov
checkov: .venv-checkov/stamp ## check the template's security, with the exceptions in .checkov.yaml
	@.venv-checkov/bin/checkov --config-file .checkov.yaml --file template.yaml

.PHONY: lint
lint: setup $(SAM_VENV)/stamp ## check style, types, layers, wording and the template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@echo "wording: no line matches .ci/words"
	@! git grep -nwiIE -f .ci/words -- . ':!.ci/words' ':!LICENSE' ':!requirements*' ':!*.lock'
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SAM) validate --lint

.PHONY: format
format: setup ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: docs
docs: setup ## run the commands that README.md shows, and generate docs/controls.md and docs/parameters.md
	@PYTHONPATH=. $(BIN)/python tests/docs/generate.py

.PHONY: new-control
new-control: setup ## write a control and its test from templates (ID=S3.EXAMPLE)
	@PYTHONPATH=. $(BIN)/python tests/scaffold/new_control.py "$(ID)" "$(KIND)"

.PHONY: build
build: $(SAM_VENV)/stamp ## run sam build, and check the size of the layer
	@find functions -name __pycache__ -type d -prune -exec rm -rf {} + # they would be deployed
	LAYER_PYTHON="$(abspath $(SAM_VENV))/bin/python" $(SAM) build
	@$(SAM_VENV)/bin/python -m zipfile -c .aws-sam/build/layer.zip .aws-sam/build/PipesealLayer/python
	@bytes=$$(wc -c <.aws-sam/build/layer.zip); rm .aws-sam/build/layer.zip; \
		echo "layer: $$((bytes / 1000)) kB zipped, of at most $$(($(LAYER_MAX_BYTES) / 1000))"; \
		((bytes <= $(LAYER_MAX_BYTES)))

.PHONY: lock
lock: setup ## resolve the newest versions and write the lock files (needs the package index)
	$(BIN)/python $(PIP) install uv
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file shared/requirements.lock shared/requirements.txt
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-dev.txt --extra dev pyproject.toml
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file shared/requirements-rules.txt --group pyproject.toml:rules
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-sam.txt --group pyproject.toml:sam
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-e2e.txt --group pyproject.toml:e2e
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-events.txt --group pyproject.toml:events
	$(BIN)/uv pip compile $(UV_FLAGS) --upgrade --output-file requirements-checkov.txt --group pyproject.toml:checkov

.PHONY: clean
clean: ## remove everything that these commands create
	rm -f $(TOKEN_FORMATS) shared/token_formats_report.json
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

$(TOKEN_FORMATS): shared/export_token_formats.py shared/token_patterns.py shared/requirements-rules.txt | $(VENV)/tools
	@echo "setup: the token formats of shared/requirements-rules.txt"
	@$(MAKE) -C shared token-formats RULES_PYTHON="$(abspath $(BIN))/python"

# Tools that pin their own botocore: SAM CLI, MiniStack, the second pattern engine, checkov.
.venv-%/stamp: requirements-%.txt
	@$(call new_venv,.venv-$*)
	@echo "setup: the tools of $<"
	@.venv-$*/bin/python $(PIP_LOCKED) --requirement $<
	@touch $@

# A new virtual environment each time: packages of an older lock file would hide missing ones.
define new_venv
	[[ -n "$(PYTHON)" ]] || { echo "pipeseal needs Python 3.11 or newer; none of python3.13, python3.12, python3.11 and" \
		"python3 runs here. On Debian: apt-get install python3 python3-venv" >&2; exit 1; }; \
	"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module." \
		"On Debian: apt-get install python3-venv" >&2; exit 1; }; \
	echo "setup: $(1) with $$("$(PYTHON)" -V)"; \
	"$(PYTHON)" -m venv --clear $(1)
endef
