# One room for every command. `make demo` and `make test` are all a newcomer needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

TRAIN := .venv-train
TRAIN_STAMP := $(TRAIN)/.installed

.PHONY: train-venv test-policies venv demo test lint check bench campaign-kill docs lock image clean

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 is not installed: apt-get install python3 python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing pinned, hashed dependencies into $(VENV) (about half a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

venv: $(STAMP)

demo: $(STAMP)  ## 60 simulated days against the embedded sandbox ERP; ends with a table and a report
	$(BIN)/replenishd demo

test: $(STAMP)  ## every test, real processes and sockets included
	$(BIN)/python -m pytest -q

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

$(TRAIN_STAMP): requirements/dev.txt pyproject.toml
	@test -x $(TRAIN)/bin/python || $(PYTHON) -m venv $(TRAIN)
	@echo "installing the companion's dependencies into $(TRAIN) (about two minutes)"
	@$(TRAIN)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(TRAIN)/bin/pip install --quiet --disable-pip-version-check -e '.[train]'
	@touch $(TRAIN_STAMP)

train-venv: $(TRAIN_STAMP)  ## an environment of its own for training: torch, onnx, safetensors

test-policies: $(TRAIN_STAMP)  ## the tests that need torch
	$(TRAIN)/bin/python -m pytest -q tests/unit/policies tests/unit/twin

bench: $(STAMP)  ## a review at 10k and 100k item-nodes beside the plain download of the same pages
	$(BIN)/python benchmarks/review.py
	$(BIN)/python benchmarks/pyodata_read.py

campaign-kill: $(STAMP)  ## 500 random kill -9 of a live daemon, then the planted bugs
	$(BIN)/python benchmarks/kill_campaign.py --kills 500
	$(BIN)/python benchmarks/kill_campaign.py --planted all

docs: $(STAMP)  ## regenerate docs/reference, the example configuration and the schema from the code
	$(BIN)/replenishd docs --write docs/reference
	$(BIN)/replenishd schema --format example > config/replenishd.example.yaml
	$(BIN)/replenishd schema > config/replenishd.schema.json

lock:  ## pin every dependency with hashes; the result names no index
	$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet pip-tools
	build/lock/bin/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-header --no-strip-extras --allow-unsafe --extra report \
	  -o requirements/runtime.txt pyproject.toml
	build/lock/bin/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-header --no-strip-extras --allow-unsafe --extra report --extra dev \
	  -c requirements/runtime.txt -o requirements/dev.txt pyproject.toml
	build/lock/bin/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-header --no-strip-extras --allow-unsafe \
	  -c requirements/dev.txt -o requirements/build.txt requirements/build.in

image:
	docker build -t replenishd .

clean:
	rm -rf $(VENV) $(TRAIN) build dist demo-out bench-out campaign-out
