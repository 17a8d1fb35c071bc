# Two commands on a machine that has Python and nothing else: `make run`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/digits
# Settings of the training run; none are needed.
TRAIN_OPTIONS ?=

.PHONY: run test lint types unit install clean

run: $(RUN_DIR)/result.json
	$(BIN)/tfinspect evaluate $(RUN_DIR) --split validation
	$(BIN)/tfinspect list-vars $(RUN_DIR) --by-scope --depth 2

# A finished run is not trained again, and one that was interrupted is gone on with.
$(RUN_DIR)/result.json: | $(VENV)/.installed
	if [ -e $(RUN_DIR)/config.json ]; \
	then $(BIN)/tfinspect train --resume --output $(RUN_DIR); \
	else $(BIN)/tfinspect train --output $(RUN_DIR) $(TRAIN_OPTIONS); fi

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
	$(BIN)/pip install -qq --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
