# Builds, tests and shows Duckherder. `make help` lists the targets.
#
# One cargo profile and one feature set everywhere: DuckDB takes half an hour to compile, and another profile, feature
# set or RUSTFLAGS compiles it again. See CONTRIBUTING.md.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

export CARGO_TARGET_DIR ?= $(CURDIR)/target

RELEASE := build/release
CRATES := duckherder duckherder-benchmark duckherder-build-features duckherder-shell \
	duckherder-unittest duckling-protocol duckling-server
CARGO_FLAGS := --release --workspace --locked
VENV := build/venv
TPCDS := build/tpcds
# By a thread: a signal would wait for DuckDB to return.
PYTEST_TIMEOUT_SECONDS := 300

##@ Build
.PHONY: all
all: prerequisites icu ## Build everything into build/release (default)
	@scripts/build.sh $(RELEASE)

.PHONY: prerequisites
prerequisites:
	@scripts/check_prerequisites.sh

.PHONY: icu
icu: prerequisites
	@python3 scripts/fetch_icu.py $(CARGO_TARGET_DIR)

##@ Show
.PHONY: demo
demo: all ## Run the 22 TPC-H queries locally and on a server and compare; then the quick start
	$(RELEASE)/duckherder-benchmark demo

.PHONY: demo-cluster
demo-cluster: all ## Run TPC-H on Parquet files on three workers, kill one on the way, and compare with one DuckDB
	$(RELEASE)/duckherder-benchmark demo-cluster

.PHONY: bench-cluster
bench-cluster: all ## Measure TPC-H on 1, 2 and 4 workers against one DuckDB with as many threads (SCALE=0.1,1)
	$(RELEASE)/duckherder-benchmark bench-cluster $(if $(SCALE),--scale $(SCALE))

##@ Test
.PHONY: test
test: test-rust test-sql test-python ## Run all tests

.PHONY: test-rust
test-rust: all ## Run the Rust tests, with cargo-nextest if it is installed
	@if cargo nextest --version >/dev/null 2>&1; then \
		set -x; cargo nextest run $(CARGO_FLAGS); \
	else \
		set -x; cargo test $(CARGO_FLAGS) --all-targets; \
	fi

.PHONY: test-sql
test-sql: all ## Run test/sql/**/*.test, or those that match FILTER=…
	$(RELEASE)/test/unittest $(FILTER)

.PHONY: test-python
test-python: all $(VENV)/stamp $(TPCDS)/stamp ## Run test/python with the official DuckDB wheel, or what matches FILTER=…
	$(VENV)/bin/python -m pytest test/python --timeout $(PYTEST_TIMEOUT_SECONDS) --timeout-method thread $(if $(FILTER),-k '$(FILTER)')

.PHONY: soak
soak: all $(VENV)/stamp ## Let 64 clients work on a server for MINUTES=… (5), and look for errors and leaks
	$(VENV)/bin/python test/python/soak.py --minutes $(or $(MINUTES),5)

.PHONY: errors
errors: all $(VENV)/stamp ## Print what a local DuckDB and a server say of some 370 wrong statements, side by side
	$(VENV)/bin/python test/python/errors_side_by_side.py

.PHONY: types-test
types-test: all $(VENV)/stamp ## Send TABLES=… (2000) random tables of random types to a server and back
	DUCKHERDER_TYPE_TABLES=$(or $(TABLES),2000) $(VENV)/bin/python -m pytest test/python/test_types_property.py --timeout 3600

.PHONY: fuzz
fuzz: all $(VENV)/stamp ## Run QUERIES=… (20000) random queries, from SEED=… (1) on, locally and on servers, and compare
	DUCKHERDER_QUERIES=$(or $(QUERIES),20000) DUCKHERDER_QUERY_SEED=$(or $(SEED),1) \
		$(VENV)/bin/python -m pytest test/python/test_queries_property.py -s --timeout 14400

.PHONY: fuzz-cluster
fuzz-cluster: all $(VENV)/stamp ## Run QUERIES=… (5000) random queries, from SEED=… (1) on, on a driver with workers, and compare
	DUCKHERDER_CLUSTER_QUERIES=$(or $(QUERIES),5000) DUCKHERDER_QUERY_SEED=$(or $(SEED),1) \
		$(VENV)/bin/python -m pytest test/python/test_cluster_property.py -s --timeout 14400

$(VENV)/stamp: test/python/requirements.txt | prerequisites
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(TPCDS)/stamp: test/python/tpcds/requirements.txt test/python/tpcds/make_tables.py | prerequisites
	python3 -m venv --clear $(TPCDS)/venv
	$(TPCDS)/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	$(TPCDS)/venv/bin/python test/python/tpcds/make_tables.py $(TPCDS)
	@touch $@

##@ Check
.PHONY: check
check: prerequisites icu ## Check formatting, clippy, rustdoc, scripts and versions: no warnings allowed
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --no-deps --document-private-items
	bash -n scripts/*.sh .ci/run
	python3 -m compileall -q scripts test/python
	python3 scripts/extension_config.py

.PHONY: fmt
fmt: prerequisites ## Format the Rust code
	cargo fmt --all

##@ Clean
.PHONY: clean
clean: ## Remove build/ and what cargo compiled of this repository, but not DuckDB
	rm -rf build
	cargo clean --release $(addprefix --package ,$(CRATES))
	@echo "DuckDB's compiled copy stays in $$CARGO_TARGET_DIR; make distclean removes it too."

.PHONY: distclean
distclean: ## Remove everything built, DuckDB included: the next build takes about 50 minutes
	rm -rf build
	cargo clean

##@ Help
.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)
