# Needs Python 3.11 or newer with pip, and make. Everything else goes into .venv.
#
#   make install   the environment alone          make check    format, lint, types
#   make demo      damage, restore, show          make format   write the format instead of checking it
#   make zoo       train the generators shipped: MINUTES= each, PIECE= minutes and stop, DATA= photographs
#   make test      the tests                      make bench    speed and quality, by hand, long
#   make wheels    priorfit and priorfit-zoo, to be uploaded, in dist/

SHELL := bash -o pipefail
PYTHON ?= python3
# Where torch comes from, say https://download.pytorch.org/whl/cpu for a small build without CUDA.
# Only torch: such an index lacks the pinned versions of what torch needs, which pip's own index has.
TORCH_INDEX ?=
# Test processes beside pytest's own, each with one torch thread. Two of them on two busy cores took 20 to 36 s
# where none took 6 to 10: a suite of milliseconds does not pay for importing torch again.
WORKERS ?= 0

# Of training for each network; minutes after which `make zoo` stops, to go on when it is called again.
MINUTES ?= 20
PIECE ?=
DATA ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Debian parts ensurepip from Python; its pip can fill an environment from outside.
VENV_OF_DEBIAN := { $(PYTHON) -m venv --clear --without-pip .venv && $(PYTHON) -m pip -q --python .venv install pip; }
# Of pip's hundreds of lines, the ones that one waits for.
BIG_STEPS := { grep --line-buffered -oE '(Downloading|Using cached) .* [MG]B\)|^Installing' || true; }
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: demo install test check bench zoo wheels format clean

demo: install
	$(BIN)/priorfit demo --out demo

install: .venv/.installed

# One stamp: set up anew only when what is to be installed has changed.
.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got " + sys.version.split()[0] + ": name another with make PYTHON=…")'
	@echo "[1/3] environment in .venv: some minutes, 1.4 GB on the disk, 6 GB with pip's torch for CUDA (see TORCH_INDEX)"
	@$(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv 2>/dev/null || $(VENV_OF_DEBIAN)
	@echo "[2/3] $(TORCH)"
	@$(PIP) install --no-deps $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@echo "[3/3] priorfit, what it stands on and the tools for tests"
	@$(PIP) install -e '.[tiff,heic,report,dev]' -c constraints.txt | $(BIG_STEPS)
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
	$(BIN)/python -m benchmarks speed
	$(BIN)/python -m benchmarks short-training

zoo: install
	$(BIN)/python -m benchmarks.zoo --minutes $(MINUTES) $(if $(PIECE),--piece $(PIECE)) $(if $(DATA),--data $(DATA))

wheels: install
	$(BIN)/hatchling build -d dist
	cd src/priorfit/zoo && ../../../$(BIN)/hatchling build -d ../../../dist

clean:
	rm -rf .venv demo build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
