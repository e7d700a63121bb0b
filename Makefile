# Every job does all of its own set-up first: a virtual environment in .venv, the pinned dependencies, the compiled
# kernels. What is up to date is not done again.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := out/demo
RECONSTRUCTION := out/reconstruction
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
BUILD_TOOLS := scikit-build-core pybind11 cmake ninja
CPP = $(shell find kernels tests/cuda_shim -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh')

demo: $(READY) ## Fit a sphere to the silhouettes of an airplane; the pictures go to out/demo
	$(BIN)/gendr fit --target airplane --out $(DEMO) --overwrite
	@echo "Look at $(DEMO): $$(cd $(DEMO) && echo *)"

# Each command goes on where it was interrupted.
reconstruction-demo: $(READY) ## In five minutes: a small data set, a network trained on it, its table and its meshes
	$(BIN)/python -m gendr.tools.shapes $(RECONSTRUCTION)/data --train 60 --val 0 --test 10
	$(BIN)/gendr train --data $(RECONSTRUCTION)/data --model modern --lr 1e-3:1e-5 --tau 1e-4:3e-5 --batch 32 \
	    --augment --codes 700 --steps 1200 --out $(RECONSTRUCTION)/run --resume
	$(BIN)/gendr train eval $(RECONSTRUCTION)/run --views 4 --refine 30 --overwrite
	@echo "Look at $(RECONSTRUCTION)/run/eval_test: $$(cd $(RECONSTRUCTION)/run/eval_test && echo *)"

# More workers than a few gain nothing: each loads torch.
test: $(READY) ## Run all tests, the examples in the docstrings among them; ARGS="-k mesh" hands pytest options over
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 $(ARGS)

lint: $(READY) typing-tree ## Run the linters: ruff, mypy, clang-format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd build/typing && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml
	$(BIN)/clang-format --dry-run -Werror $(CPP)

format: $(READY) ## Bring Python and C++ into the project's style
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

docs: $(READY) ## Write the tables of docs/ anew from the families
	$(BIN)/python -m gendr.tools.docs_tables

build: $(READY) ## Only the set-up

clean: ## Remove what these jobs made: environment, build, results, caches
	rm -rf $(VENV) build out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# mypy must see the package as it is installed, with tools and scenes inside.
typing-tree:
	@rm -rf build/typing && mkdir -p build/typing/gendr
	@ln -s $(CURDIR)/gendr/* $(CURDIR)/tools $(CURDIR)/scenes build/typing/gendr/

# No build isolation: constraints.txt pins the build's own tools as well, and the next build starts from this one.
$(READY): pyproject.toml constraints.txt CMakeLists.txt $(CPP) $(VENV)/.modules
	@echo "Installing the dependencies and building the kernels (the first time takes a minute or more) ..."
	@$(PIP_INSTALL) $(BUILD_TOOLS)
	@$(PIP_INSTALL) --no-build-isolation --editable '.[dev]'
	@touch $@

# The list of modules: an editable install keeps a map of them, which moved and removed files would make wrong.
$(VENV)/.modules: always $(BIN)/python
	@find gendr scenes tools -name '*.py' | LC_ALL=C sort > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# The first Python that is new enough, or the one that PYTHON names; then what else the build needs of the machine.
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python3.10)
$(BIN)/python:
	@fail() { echo "gendr: $$1" >&2; exit 1; }; \
	for python in $(CANDIDATES) ''; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2> /dev/null && break; \
	done; \
	[ -n "$$python" ] || fail "needs Python 3.10 or newer, found none among: $(CANDIDATES) (Debian, Ubuntu: apt install python3)"; \
	"$$python" -c 'import venv, ensurepip' 2> /dev/null \
	    || fail "$$python has no venv module (Debian, Ubuntu: apt install python3-venv)"; \
	"$$python" -c 'import os, sysconfig; open(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2> /dev/null \
	    || fail "$$python has no C headers (Debian, Ubuntu: apt install python3-dev)"; \
	command -v "$${CXX:-c++}" g++ clang++ > /dev/null \
	    || fail "needs a C++17 compiler, found none (Debian, Ubuntu: apt install g++)"; \
	"$$python" -m venv $(VENV)

always:
.PHONY: demo reconstruction-demo test lint format docs build clean help typing-tree always
