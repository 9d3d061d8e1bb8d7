# `make help` lists what can be asked for. Settings: environment variables or `make build NAME=value` (README).

PYTHON_RUN := .venv/bin/python
# The tests build the sample into files of their own and leave the settings of the caller aside.
TEST_SETTINGS := env -u EXTRACTS_DIR -u CONNECTOR -u AS_OF -u BUSINESS_TIMEZONE -u REPORTING_CURRENCY \
	-u MAX_REJECTED_SHARE LANDING_DIR=build/test/landing WAREHOUSE_DB=build/test/warehouse.duckdb PUBLISHED_DB=build/test/published/marketplace.duckdb \
	DBT_TARGET_PATH=build/test/target

.PHONY: help build publish recompute kpi explain analyses spark land check-extracts test soak check lint format docs \
	superset test-superset dashboards report bench lock clean
.DEFAULT_GOAL := help

# Builds of their own, minutes each: part of `make soak`.
LONG_TESTS := tests/python/definitions/test_selections.py tests/python/package tests/python/truth tests/python/ops/test_slim_builds.py tests/python/ops/test_benchmark.py tests/python/docs/test_erasure.py

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

build: .venv/made  ## Build from the extracts, test, check, and publish when everything passed (FULL_REFRESH=1: all anew)
	@$(PYTHON_RUN) -m ops.build $(if $(FULL_REFRESH),--full-refresh)

publish: .venv/made  ## Check the build that `dbt build` made, and publish it when everything passed
	@$(PYTHON_RUN) -m ops.build --built

recompute: .venv/made  ## Recompute the KPIs of the build from the extracts, whatever memory it takes (KPI=gmv: only that one)
	@$(PYTHON_RUN) -m python_checks.recompute --force --published $(or $(WAREHOUSE_DB),build/warehouse.duckdb) \
		$(if $(KPI),--kpis $(KPI))

kpi: .venv/made  ## Build, test and recompute one KPI with all it comes from, on a build that is there (KPI=gmv)
	@$(if $(KPI),,$(error Say which: make kpi KPI=gmv))$(PYTHON_RUN) -m ops.dbt kpi $(KPI)
	@$(MAKE) --no-print-directory recompute KPI=$(KPI)

explain: .venv/made  ## Explain one number of the build, down to its rows (KPI=gmv PERIOD=2026-10, also DIMENSION=country VALUE=FR)
	@$(PYTHON_RUN) -m ops.explain

analyses: .venv/made  ## Answer the questions of analyses/ from the build
	@$(PYTHON_RUN) -m ops.analyses

spark: .venv-spark/made  ## Build the extracts on Spark too (Java 17) and hold every published row against DuckDB's (docs/guides/spark.md)
	@.venv-spark/bin/python -m ops.spark

land: .venv/made  ## Read what was delivered into the landing folder and tell what it holds and lacks, without building
	@$(PYTHON_RUN) -m ops.land

check-extracts: land  ## The same as land, by its former name

test: lint  ## Everything that must pass: lint, worked examples, the sample from end to end, Python tests
	@rm -rf build/test
	@$(TEST_SETTINGS) $(PYTHON_RUN) -m ops.build --with-unit-tests
	@# in the order of the folders, Spark before all (tests/python/conftest.py): by number of tests, the few long ones would come last and run alone
	@# duckdb lists leaked objects of its own when Python ends; pytest itself writes to standard output only
	@$(TEST_SETTINGS) $(PYTHON_RUN) -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(addprefix --ignore=,$(LONG_TESTS)) 2>build/test/stderr || { cat build/test/stderr >&2; exit 1; }

soak: .venv/made  ## Twenty simulated markets held to what was planted in them, many more deliveries over time, then extracts spoilt at random for SECONDS (default 600), with fresh seeds; the seed tells how to repeat it
	@$(TEST_SETTINGS) $(PYTHON_RUN) -m tests.python.truth.soak --seeds $(or $(SEEDS),20)
	@$(TEST_SETTINGS) $(PYTHON_RUN) -m pytest -q $(LONG_TESTS)
	@$(TEST_SETTINGS) HYPOTHESIS_PROFILE=soak $(PYTHON_RUN) -m pytest -q tests/python/load/test_deliveries_over_time.py
	@$(TEST_SETTINGS) $(PYTHON_RUN) -m tests.python.load.fuzz --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

check: .venv/made  ## What needs no data, in seconds: the form of Python, the project's conventions, the KPI definitions
	@$(PYTHON_RUN) -m ruff check . && form=true || form=false; $(PYTHON_RUN) -m ops.dbt check && $$form

lint: .venv/made  ## Check the form of Python and SQL
	@$(PYTHON_RUN) -m ruff check .
	@$(PYTHON_RUN) -m sqlfluff lint --processes 2 models tests analyses

format: .venv/made  ## Put the form of Python right where a machine can
	@$(PYTHON_RUN) -m ruff check --fix .

docs: .venv/made  ## Write the documentation of project and release as one folder: build/docs/index.html
	@$(PYTHON_RUN) -m ops.docs

superset: .venv-superset/made  ## Serve Apache Superset on the release, on this machine alone (SUPERSET_PORT=8088)
	@.venv-superset/bin/python -m ops.superset

test-superset: .venv/made .venv-superset/made  ## Try Superset on the sample: figures, a new release under it, the dashboard in a browser
	@$(TEST_SETTINGS) $(PYTHON_RUN) -m pytest -q tests/python/bi

dashboards: .venv/made  ## Serve the boards of the release on this machine alone (PORT=8400)
	@$(PYTHON_RUN) -m ops.boards $(if $(PORT),--port $(PORT))

report: .venv/made  ## Write the report of a period as HTML and PDF into build/report (PERIOD=2026-09, LANG=fr)
	@$(PYTHON_RUN) -m ops.period_report $(PERIOD) $(if $(filter command,$(firstword $(origin LANG))),--language $(LANG))

bench: .venv/made  ## Measure builds of 100 thousand and a million simulated orders against the floor (LARGE=1: ten million too)
	@$(PYTHON_RUN) -m ops.benchmark $(if $(LARGE),--large)

lock:  ## Pin the requirements anew (needs uv)
	@uv pip compile requirements.in --output-file requirements.lock $(UV_OPTIONS)
	@uv pip compile requirements-spark.in --output-file requirements-spark.lock $(UV_OPTIONS)
	@uv pip compile requirements-superset.in --output-file requirements-superset.lock $(UV_OPTIONS)

UV_OPTIONS := --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --universal --upgrade

.venv/made: requirements.lock
	@ops/setup.sh

.venv-spark/made: requirements.lock requirements-spark.lock
	@ops/setup.sh spark

.venv-superset/made: requirements-superset.lock
	@ops/setup.sh superset

clean:  ## Remove what builds leave behind; the published releases, the environments and what Superset keeps stay
	@rm -rf target logs .pytest_cache .ruff_cache
	@find build -mindepth 1 ! -name .gitkeep ! -path 'build/superset*' -delete
