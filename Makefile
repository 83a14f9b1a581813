# Every command builds .venv from the hashed lock when it is missing or older than the lock.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv/installed
BIN := .venv/bin

help: ## Show the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV): requirements.lock
	tools/install

evaluate: $(VENV) ## Train, check, attack and judge the digits models; promote the one that passes
	$(BIN)/seclab evaluate --profile $(or $(PROFILE),quick)

test: $(VENV) ## Run the tests
	$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder

exhaustive: $(VENV) ## Run the variations that make test leaves out
	$(BIN)/pytest -m exhaustive

lint: $(VENV) ## Formatting, style, types and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=src:benchmarks $(BIN)/mypy docs/screenshots.py benchmarks
	$(BIN)/lint-imports

check: lint test ## Everything that CI runs

ui: $(VENV) ## Open the evidence in MLflow
	$(BIN)/seclab ui

schedule: $(VENV) ## Run the nightly and weekly evaluations on this machine until stopped
	$(BIN)/python -m flows.serve

bench: $(VENV) ## What the pipeline costs; attacks, and detectors of poison, beside those of peers
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/reading.py
	$(BIN)/python benchmarks/verifying.py
	$(BIN)/python benchmarks/registers_at_scale.py
	$(BIN)/python benchmarks/attacks_vs_peers.py
	$(BIN)/python benchmarks/poison_detection.py --quick

lock: $(VENV) ## Resolve requirements.lock anew
	$(BIN)/uv pip compile pyproject.toml --quiet --extra pipeline --extra stack --group dev --group bench --universal \
	  --fork-strategy fewest --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --no-annotate --output-file requirements.lock

.PHONY: help evaluate test exhaustive lint check ui schedule bench lock
