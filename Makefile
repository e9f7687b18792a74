# make demo          makes the environment and runs the audit of the default config on simulated knees
# make test          all checks and tests
# make environment   the environment alone, in .venv
# make checks        format, lint, types, documents
# make unit          tests alone, on two cores; WORKERS=2 for one core
# make benchmark     times whole attacks against a plain implementation (an idle machine, about half an hour)
# make notebook      executes docs/one_slice.ipynb anew (some minutes; Jupyter's parts go to .notebook-tools)
# make schema        writes config.schema.json anew
# make lock          writes the lock files anew from what is installed
# make clean         removes results, logs and simulated data

PYTHON ?= python3
VENV := .venv
# One of them waits for SLURM most of the time.
WORKERS ?= 3
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --quiet rules reason host
SOURCES := advmri workflow_scripts benchmarks tests envs docs

.PHONY: help demo test environment checks unit benchmark notebook schema lock clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

demo: environment
	@$(SNAKEMAKE)
	@$(BIN)/python -m workflow_scripts.show_results --results results/demo

test: $(VENV)/.dev-ready checks unit

environment: $(VENV)/.ready

# torch first: pip chooses the CPU or the CUDA build. Then the complete lock, as it is.
$(VENV)/.ready: envs/requirements.lock envs/requirements.in
	@$(PYTHON) -c 'import sys; sys.exit("AdvMRI needs Python 3.11 or newer; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c envs/requirements.lock "$$(grep '^torch==' envs/requirements.in)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/requirements.lock
	@touch $@

$(VENV)/.dev-ready: $(VENV)/.ready envs/requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/requirements-dev.lock
	@touch $@

checks: $(VENV)/.dev-ready
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/snakefmt --check Snakefile rules workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	$(BIN)/python -m pytest -q tests/unit/test_documents.py

unit: $(VENV)/.dev-ready
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests/slurm tests/workflow tests/unit

benchmark: environment
	$(BIN)/python -m benchmarks.speed --output results/benchmarks/speed.json

# Not into .venv: Jupyter brings 35 packages that nothing else needs.
notebook: environment
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --target .notebook-tools nbclient==0.11.0 ipykernel==7.4.0
	PYTHONPATH=.:.notebook-tools $(BIN)/python docs/execute_notebook.py

schema: environment
	$(BIN)/python -m workflow_scripts.write_schema --output config.schema.json

lock: environment
	$(BIN)/python envs/lock.py

clean:
	rm -rf results logs data .snakemake
