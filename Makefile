# Two commands on a machine that has Python and nothing else: `make run`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUN_DIR ?= runs/digits
# Settings of the training run; none are needed.
TRAIN_OPTIONS ?=
# For each reader.
FUZZ_SECONDS ?= 180
TEST_PROCESSES ?= auto
# Each takes up to 8 GB of memory.
ORACLE_PROCESSES ?= 2
INSTALL_BROWSER ?= (apt-get update -qq && apt-get install -y -qq chromium chromium-driver)

.PHONY: run transfer-demo test test-full lint types unit fuzz install clean

run: $(RUN_DIR)/result.json
	$(BIN)/tfinspect evaluate $(RUN_DIR) --split validation
	$(BIN)/tfinspect list-vars $(RUN_DIR) --by-scope --depth 2
	$(BIN)/tfinspect visualize-weights $(RUN_DIR) --output $(RUN_DIR)/filters.png

# A finished run is not trained again, and one that was interrupted is gone on with.
$(RUN_DIR)/result.json: | $(VENV)/.installed
	if [ -e $(RUN_DIR)/config.json ]; \
	then $(BIN)/tfinspect train --resume --output $(RUN_DIR); \
	else $(BIN)/tfinspect train --output $(RUN_DIR) $(TRAIN_OPTIONS); fi

# Fine-tuning against training from scratch, on images that are at hand.
transfer-demo: $(VENV)/.installed
	$(BIN)/python scripts/transfer_demo.py

test: lint types unit

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# The report page is tested in a browser; where there is none and none can be installed, those tests
# are skipped and say so.
unit: install
	command -v chromedriver > /dev/null || $(INSTALL_BROWSER) > /dev/null 2>&1 || true
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

# Needs Linux; see fuzz/README.md.
fuzz: $(VENV)/.installed
	$(BIN)/pip install -qq --editable '.[fuzz]'
	$(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS)

# What `make test` leaves out: every network against its reference data.
test-full: install
	TFINSPECT_ORACLE_FULL=1 $(BIN)/python -m pytest -m oracle_full \
		--numprocesses $(ORACLE_PROCESSES) --dist loadfile

install: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install -qq --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
