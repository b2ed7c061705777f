# Two commands do everything: `make demo` and `make test`. Both set up what they need; both need only Python >= 3.11 and make.

PYTHON ?= python3
VENV   := .venv
UV     := $(VENV)/tools/bin/uv
INSTALL = $(UV) pip install --quiet --no-deps --python $(@D)/bin/python

# Compiled modules are kept, whatever the shell says: every gate, Airflow and child that starts would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# --- what people type ----------------------------------------------------------------------------------------------

export ANSWER
DEMO = PYTHONPATH=sample_dags $(VENV)/server/bin/python -m

.PHONY: help demo demo-prefect test check docs bench bench-gate bench-datasets soak lock clean

demo: $(VENV)/server/.ready $(VENV)/airflow/.ready ## Mask, hold, sign and release in a real Airflow (ANSWER=approve|reject answers for you)
	@$(DEMO) demo.run_demo

demo-prefect: $(VENV)/server/.ready $(VENV)/prefect/.ready ## The same with a real Prefect server; signed on the review page
	@$(DEMO) demo.run_prefect_demo

test: test-repository test-core test-server test-presidio test-spark test-prefect test-airflow test-samples test-specifications ## Run every test, each in the environment it is about

check: $(VENV)/core/.ready $(VENV)/server/.ready ## Lint, check the format, and check the types of the core strictly
	$(VENV)/core/bin/ruff check .
	$(VENV)/core/bin/ruff format --check .
	$(VENV)/core/bin/mypy --python-executable $(VENV)/server/bin/python

docs: $(VENV)/core/.ready ## Write the tables of methods and findings into docs/
	$(VENV)/core/bin/python docs/methods_table.py

bench: $(VENV)/presidio/.ready bench-gate bench-datasets ## Measure masking beside its peers, the gate and datasets, and write benchmarks/README.md
	$(VENV)/presidio/bin/python benchmarks/run.py

bench-gate: $(VENV)/server/.ready ## Measure the gate on PostgreSQL, and write its part of benchmarks/README.md
	PYTHONPATH=tests:sample_dags $(VENV)/server/bin/python benchmarks/gate.py

bench-datasets: $(VENV)/presidio/.ready ## Measure whole datasets beside copying them, up to 100 million rows (ONLY=copy ROUNDS=5), and write docs/scale.md
	$(VENV)/presidio/bin/python benchmarks/datasets.py

soak: $(VENV)/server/.ready ## Play the races between clients 200 times instead of 5 (ROUNDS=1000 for more), cut releases and masking off everywhere
	ROUNDS=$${ROUNDS:-200} $(VENV)/server/bin/python -m pytest tests/specifications/test_race.py --timeout=0 $(PYTEST)
	MASKGATE_SOAK=1 $(VENV)/server/bin/python -m pytest tests/server/gate/test_fault_points.py --timeout=0
	MASKGATE_SOAK=1 $(VENV)/server/bin/python -m pytest tests/core/datasets/resuming/test_cut_off.py tests/core/datasets/test_shapes.py -k "killed or row_group" --timeout=0

clean: ## Remove the environments, the demo's files and all caches
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache

# --- tests, by environment -----------------------------------------------------------------------------------------

.PHONY: test-repository test-core test-server test-presidio test-spark test-airflow test-prefect test-samples test-specifications

# Two at once: files or single tests that know nothing of each other.
TWO = -n 2 --dist

# PYTEST= passes more arguments: make test-core PYTEST="-k token -x"
test-repository: $(VENV)/core/.ready
	$(VENV)/core/bin/python -m pytest tests/repository $(PYTEST)

test-core: $(VENV)/core/.ready
	$(VENV)/core/bin/python -m pytest $(TWO) loadfile tests/core $(PYTEST)

test-server: $(VENV)/server/.ready
	$(VENV)/server/bin/python -m pytest $(TWO) loadfile --doctest-modules --ignore=src/maskgate/store/migrations --ignore=src/maskgate/engines src/maskgate tests/server $(PYTEST)

test-presidio: $(VENV)/presidio/.ready
	$(VENV)/presidio/bin/python -m pytest tests/presidio_engine $(PYTEST)

test-spark: $(VENV)/spark/.ready
	$(VENV)/spark/bin/python -m pytest tests/spark_engine $(PYTEST)

test-airflow: $(VENV)/server/.ready $(VENV)/airflow/.ready
	$(VENV)/airflow/bin/python -m pytest $(TWO) loadfile tests/airflow_provider $(PYTEST)

test-prefect: $(VENV)/server/.ready $(VENV)/prefect/.ready
	$(VENV)/prefect/bin/python -m pytest $(TWO) loadfile tests/prefect_blocks $(PYTEST)

# These start gates, Airflows and Prefect servers from their own environments, and look at them from outside.
test-samples: DISTRIBUTION = worksteal
test-specifications: DISTRIBUTION = loadfile
test-samples test-specifications: $(VENV)/server/.ready $(VENV)/airflow/.ready $(VENV)/prefect/.ready
	$(VENV)/server/bin/python -m pytest $(TWO) $(DISTRIBUTION) tests/$(@:test-%=%) $(PYTEST)

# --- hashed requirements; no file records the address of a package index -------------------------------------------

COMPILE = $(UV) pip compile --quiet --no-header --universal --generate-hashes --python-version 3.11 $(UPGRADE)

lock: $(VENV)/tools/.ready ## Resolve requirements/*.txt again (UPGRADE=--upgrade for newer versions)
	$(COMPILE) pyproject.toml --extra delta --group test --group frames --group check -o requirements/core.txt
	$(COMPILE) pyproject.toml --extra server --extra s3 --extra gs --extra az --extra aws --extra mcp --extra sql --extra delta --group test --group server-test -o requirements/server.txt
	$(COMPILE) pyproject.toml --extra presidio --group test --group bench -o requirements/presidio.txt
	$(COMPILE) pyproject.toml --extra spark --group test -o requirements/spark.txt
	$(COMPILE) airflow_provider/pyproject.toml --extra openlineage --group pyproject.toml:test --no-emit-package maskgate -o requirements/airflow.txt
	$(COMPILE) prefect_blocks/pyproject.toml --group pyproject.toml:test --no-emit-package maskgate -o requirements/prefect.txt

# --- environments: Airflow and Prefect cannot share one, and the gate needs neither -------------------------------

$(VENV)/tools/.ready: requirements/tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "maskgate needs Python 3.11 or later; set PYTHON=")'
	@echo "setting up $(@D)"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/%/.ready: requirements/%.txt pyproject.toml airflow_provider/pyproject.toml prefect_blocks/pyproject.toml $(VENV)/tools/.ready
	@echo "setting up $(@D)"
	@$(UV) venv --quiet --clear --python $(PYTHON) $(@D)
	@$(INSTALL) --require-hashes -r $<
	@$(INSTALL) --no-build-isolation -e . $(EDITABLE_$*)
	@touch $@

EDITABLE_airflow := -e airflow_provider
EDITABLE_prefect := -e prefect_blocks

.PRECIOUS: $(VENV)/%/.ready
