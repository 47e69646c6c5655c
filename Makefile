# make demo   set everything up and find the dislocation loops of a real micrograph
# make test   set everything up and run the tests
# Both share one environment, .venv, which is renewed when pyproject.toml or constraints.txt change.

# The first of these that runs and is 3.11, 3.12 or 3.13 (a name may be there without a Python behind it).
PYTHON ?= $(shell for name in python3 python3.12 python3.11 python3.13; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/ready
TESTS ?= tests

.PHONY: demo test lint clean

demo: $(STAMP)
	@$(BIN)/python -m temj.imagej.demo

test: $(STAMP)
	@$(BIN)/python -m pytest $(TESTS)

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

$(STAMP): pyproject.toml constraints.txt
	@[ -n "$(PYTHON)" ] || { echo "TEMJ needs Python 3.11, 3.12 or 3.13, and none was found. Install one, or run: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	@command -v java >/dev/null || { echo "TEMJ needs Java (a JDK 11 or newer) for ImageJ. Debian, Ubuntu: apt-get install default-jdk"; exit 1; }
	@echo "Setting up $(VENV): about 3 GB to download (most of it torch), 8 GB of disk; 5 to 15 minutes, once."
	@free=$$(df -Pk . | awk 'NR==2 {print int($$4/1048576)}'); [ -d $(VENV) ] || [ $$free -ge 8 ] || echo "Only $$free GB are free here: 8 GB are needed."
	@rm -f $(STAMP)
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --constraint constraints.txt --editable ".[dev]"
	@$(BIN)/python -c 'from temj.opencv import opencv; opencv()'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) demo-output
