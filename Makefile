# Needs Python 3.11 or newer with pip, and make. Everything else goes into .venv.
#
#   make install   the environment alone          make check    format, lint, types
#   make demo      damage, restore, show          make format   write the format instead of checking it
#   make test      the tests                      make bench    speed and quality, by hand, long

PYTHON ?= python3
# Where torch comes from, say https://download.pytorch.org/whl/cpu for a small build without CUDA.
# Only torch: such an index lacks the pinned versions of what torch needs, which pip's own index has.
TORCH_INDEX ?=
# Test processes, each with one torch thread: many tiny tests gain nothing from more threads.
WORKERS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: demo install test check bench format clean

demo: install
	$(BIN)/priorfit demo --out demo

install: .venv/.installed

# One stamp: set up anew only when what is to be installed has changed.
.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got " + sys.version.split()[0] + ": name another with make PYTHON=…")'
	@echo "[1/4] environment in .venv"
	@$(PYTHON) -m venv .venv
	@echo "[2/4] $(TORCH)"
	@$(PIP) install $(TORCH) -c constraints.txt $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX))
	@echo "[3/4] priorfit and what it stands on, about 90 MB"
	@$(PIP) install -q -e . -c constraints.txt
	@echo "[4/4] TIFF, reports and the tools for tests, about 80 MB"
	@$(PIP) install -q -e '.[tiff,report,dev]' -c constraints.txt
	@touch $@

test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv demo build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
