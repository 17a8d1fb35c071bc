# Two commands on a machine that has Python and nothing else: `make run`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/digits
# Settings of the training run; none are needed.
TRAIN_OPTIONS ?=

.PHONY: run test lint types unit install clean

run: $(RUN_DIR)/test_reads.json
	$(BIN)/tfinspect evaluate $(RUN_DIR) --split validation

# A run that is there already is not trained again.
$(RUN_DIR)/test_reads.json: | $(VENV)/.installed
	$(BIN)/tfinspect train --output $(RUN_DIR) $(TRAIN_OPTIONS)

test: lint types unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

unit: install
	$(BIN)/python -m pytest

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --config-settings editable_mode=compat --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
