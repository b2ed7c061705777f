# Two commands do everything: `make demo` and `make test`. Both set up what they need; both need only Python >= 3.11 and make.

PYTHON ?= python3
VENV   := .venv
UV     := $(VENV)/tools/bin/uv
INSTALL = $(UV) pip install --quiet --no-deps --python $(@D)/bin/python

.DEFAULT_GOAL := help

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

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
