# Every target does its own set-up, in .venv, from the hashed locks in requirements/.
# Ask for an interpreter with `make PYTHON=python3.13 ...`.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve cluster test check prove bench docs lock clean lint fresh FORCE

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
LOCKED := install --require-hashes --no-deps --no-compile
UV := uv==0.13.9
COMPILE := .venv-lock/bin/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --system-certs
# Four at a time: most of what a live test does is to wait. ARGS="-n 0" for one after the other.
WORKERS := --numprocesses 4 --dist loadfile --no-loadscope-reorder
# Hundreds of Pythons are started by the tests: what they import is compiled once, also where a shell forbids that.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.venv/pycache
CODE := $(wildcard webhook tests benchmarks certs charts examples prove rig tools)
DOCS := $(wildcard tools/docs.py tools/docs)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F '|' '{printf "%-15s%s\n", $$1, $$2}'

demo: .venv/.run ## the worked example, end to end
	@$(PY) -m examples.demo

serve: .venv/.run ## the same, and stay to answer
	@$(PY) -m examples.demo --stay

cluster: .venv/.dev ## a real API server with the chart installed, to try with kubectl; builds its parts the first time
	@$(PY) -m rig cluster

# The real parts are programs in Go: a tenth of their time goes into the garbage that they collect by default.
test check: export GOGC := 200

test: lint fresh ## lint, types, contracts, then every test, slow ones too (ARGS="-k name" narrows)
	@$(PY) -m pytest $(WORKERS) $(ARGS)

check: lint fresh ## what to run before a commit: as test, without the slow suites
	@$(PY) -m pytest -m "not slow" $(WORKERS) $(ARGS)

prove: .venv/.dev ## what really happens to every rule's examples (Istio, Envoy, a TLS server) and to releases; writes docs/proof.md
	@$(PY) -m prove $(ARGS)
	@$(if $(ARGS),:,$(PY) -m rig.oracles)
	@$(if $(ARGS),:,$(PY) -m prove.releases)
	@$(if $(ARGS),:,$(PY) -m prove.injection)

bench: .venv/.dev ## measure (PARTS="connections"; PARTS="mutate live scale churn bursts" behind a real API server)
	@$(PY) -m benchmarks $(PARTS)

docs: .venv/.dev ## write the generated documents
	@$(PY) -m tools.chart
	@$(if $(DOCS),$(PY) -m tools.docs,:)

lint: .venv/.dev
	@$(PY) -m ruff check --quiet $(CODE)
	@$(PY) -m ruff format --check --quiet $(CODE) || { echo 'not formatted: run .venv/bin/python -m ruff format' >&2; exit 1; }
	@$(PY) -m mypy --no-error-summary $(CODE)
	@log=$$(.venv/bin/lint-imports --no-logo 2>&1) || { printf '%s\n' "$$log" >&2; exit 1; }

fresh: .venv/.dev
	@$(PY) -m tools.chart --check
	@$(if $(DOCS),$(PY) -m tools.docs --check,:)

lock: ## make requirements/ from pyproject.toml; versions stay where they can (UPGRADE=--upgrade renews them)
	@$(find_python); "$$python" -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check --quiet install $(UV)
	@$(COMPILE) $(UPGRADE) --group build -o requirements/build.txt
	@$(COMPILE) $(UPGRADE) pyproject.toml -c requirements/build.txt -o requirements/run.txt
	@$(COMPILE) $(UPGRADE) pyproject.toml --group dev -c requirements/build.txt -c requirements/run.txt -o requirements/dev.txt
	@rm -rf .venv-lock

clean: ## remove what make, the tests and Python left
	@rm -rf .venv .venv-lock .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is made again when what it was made from changes, or when the interpreter under .venv has gone.
GONE := $(if $(realpath $(PY)),,FORCE)

.venv/.run: pyproject.toml requirements/build.txt requirements/run.txt $(GONE)
	@test -x $(PY) || { $(find_python); echo "setting up .venv with $$("$$python" -V)" >&2; \
	  "$$python" -m venv --clear .venv || { rm -rf .venv; exit 1; }; }
	@$(PIP) $(LOCKED) -r requirements/build.txt -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt
	@$(PIP) $(LOCKED) -r requirements/dev.txt
	@touch $@

# Sets $python to the first interpreter that is new enough and can make an environment, or says what it saw.
define find_python
seen=; python=; for name in $(or $(PYTHON),$(PYTHONS)); do \
  command -v "$$name" >/dev/null 2>&1 || continue; \
  if "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
  then python=$$name; break; fi; \
  seen="$$seen $$name ($$("$$name" -V 2>&1 | head -n 1));"; done; \
if test -z "$$python"; then \
  echo "mtls-guard needs Python 3.11 or newer with the venv module; found:$${seen:- none}" >&2; exit 1; fi
endef
