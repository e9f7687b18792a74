# make demo          makes the environment and runs the audit of the default config on simulated knees
# make test          all checks and tests
# make environment   the environment alone, in .venv
# make checks        format, lint, types, documents
# make unit          tests alone, on two cores; WORKERS=2 for one core
# make benchmark     times whole attacks against a plain implementation (an idle machine, about half an hour)
# make notebook      executes docs/one_slice.ipynb anew (some minutes; Jupyter's parts go to .notebook-tools)
# make schema        writes config.schema.json anew
# make lock          writes the lock files anew, with hashes (needs uv: pip install uv)
# make clean         removes results, logs and simulated data

PYTHON ?= python3
VENV := .venv
# One of them waits for SLURM most of the time.
WORKERS ?= 3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Snakemake, also where the home folder cannot be written.
RUN := $(BIN)/python -m advmri.cli run --quiet rules reason host
SOURCES := advmri workflow_scripts benchmarks tests envs docs

.PHONY: help demo test environment checks unit benchmark notebook schema lock clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' $(firstword $(MAKEFILE_LIST))

demo: environment
	@$(RUN)
	@$(BIN)/python -m workflow_scripts.show_results --results results/demo

test: $(VENV)/.dev-ready checks unit

environment: $(VENV)/.ready

# The lock first, every file checked by its hash; then torch, whose CPU or CUDA build pip chooses.
$(VENV)/.ready: envs/requirements.lock envs/requirements.in $(wildcard envs/torchvision_operators/*)
	@$(PYTHON) -c 'import sys; sys.exit("AdvMRI needs Python 3.11 or newer; try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps --require-hashes -r envs/requirements.lock
	$(PIP) $$(grep -E '^torch(vision)?==' envs/requirements.in)
	$(BIN)/python -c 'import torchvision' 2> /dev/null || $(PIP) --no-deps --no-build-isolation ./envs/torchvision_operators
	@touch $@

$(VENV)/.dev-ready: $(VENV)/.ready envs/requirements-dev.lock
	$(PIP) --no-deps --require-hashes -r envs/requirements-dev.lock
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

# What depends on the build of torch stays outside: pip takes it with torch, pinned by torch itself.
WITH_TORCH := torch torchvision triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-, cublas \
    cuda-cupti cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 \
    nvjitlink nvshmem-cu13 nvtx)
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --custom-compile-command 'make lock' $(addprefix --no-emit-package ,$(WITH_TORCH))

lock:
	$(COMPILE) envs/requirements.in --output-file envs/requirements.lock
	$(COMPILE) envs/requirements-dev.in --constraints envs/requirements.lock \
	    $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/--no-emit-package \1/p' envs/requirements.lock) \
	    --output-file envs/requirements-dev.lock

clean:
	rm -rf results logs data .snakemake
