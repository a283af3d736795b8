# Every target sets up what it needs: a .venv with the packages of requirements.lock, each
# checked against its hash. Needed before: Python 3.11 with venv, make, git.

PYTHON ?= python3
SEEDS ?= 100
FROM ?= 0
SEED ?= 1
MINUTES ?= 20
WORKERS ?= 3

BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test lint simulate chaos soak fuzz nightly setup lock clean

# make demo KEEP=1 leaves everything running for a look.
demo: setup
	$(BIN)/python -m gateway.cli.main demo $(if $(KEEP),--keep)

# Much of it is waiting, for processes to start and to end: more workers than cores pay.
test: setup
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile tests/unit tests/contract tests/integration tests/acceptance tests/chaos
	@$(MAKE) --no-print-directory simulate

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# make simulate SEEDS=1000 FROM=500
simulate: setup
	$(BIN)/python -m gateway.sim --seeds $(SEEDS) --from $(FROM)

# The real processes under real trouble. make chaos MINUTES=20 SEED=7 CHAOS="--sweep 5"
chaos: setup
	$(BIN)/python -m gateway.chaos --minutes $(MINUTES) --seed $(SEED) $(CHAOS)

# A steady load without faults; what grows? make soak MINUTES=60
soak: setup
	$(BIN)/python -m gateway.chaos.soak --minutes $(MINUTES) --seed $(SEED) $(SOAK)

# Spoilt input of every kind. make fuzz FUZZ="--frames 10000000 --venue-messages 1000000"
fuzz: setup
	$(BIN)/python -m gateway.chaos.fuzz --seed $(SEED) $(FUZZ)

# The long forms of all of this, one after the other; figures go into docs/reliability.md.
nightly: setup
	$(BIN)/python -m gateway.chaos.nightly --seed $(SEED) $(NIGHTLY)

# What the supervisor writes to must exist before it starts; others have no business in it.
setup: $(READY)
	@mkdir -p -m 700 var var/log var/run

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name it with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install -qq --no-build-isolation --no-deps -e .
	@touch $@

COMPILE := $(BIN)/pip-compile --quiet --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --strip-extras --generate-hashes --allow-unsafe

# After a change of the dependencies in pyproject.toml. PACKAGE=name moves one to its newest. The
# second file is for where gateway only runs: the same versions, without what tests need.
lock: setup
	$(COMPILE) --extra dev $(if $(PACKAGE),--upgrade-package $(PACKAGE)) \
		-o requirements.lock pyproject.toml
	$(COMPILE) --extra install --constraint requirements.lock \
		-o deploy/requirements.lock pyproject.toml

# var/ stays: it may hold a desk's orders.
clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
