# The commands of this project. The work is done by scripts/.

.DEFAULT_GOAL := help
.PHONY: help run test test-faults soak bench lint fuzz release clean

help: ## Lists these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Builds and runs everything locally with no configuration; options in ARGS="--data DIR"
	@scripts/setup --run
	@[ -e "$${CARGO_TARGET_DIR:-target}/release/evergrant" ] || echo "make: the first build takes 5 to 10 minutes" >&2
	@scripts/build-console
	@cargo build --release --locked -p evergrant-server
	@exec "$${CARGO_TARGET_DIR:-target}/release/evergrant" dev $(ARGS)

test: ## Runs every check that a change must pass, on SQLite and on a temporary PostgreSQL
	@scripts/setup
	@scripts/with-postgres scripts/test

test-faults: ## Runs the fault scenes of docs/reliability.md; EVERGRANT_FAULT_MINUTES=10 repeats the first for that long
	@scripts/setup
	@scripts/with-faketime scripts/with-postgres --standby scripts/test-faults

soak: ## Runs the repeated tests at full length: 1,000,000 schedules and rows, 1,000 killed processes; about an hour
	@scripts/setup
	@scripts/with-postgres scripts/soak

bench: ## Measures the console in a browser on this machine against its targets; never fails
	@scripts/setup
	@npm run --silent --prefix web build >/dev/null
	@cargo build --release --locked -p evergrant-server
	@EVERGRANT_BIN="$${CARGO_TARGET_DIR:-$$PWD/target}/release/evergrant" npm run --silent --prefix web bench -w e2e

lint: ## Checks code layout and lints, without the tests
	@scripts/lint

fuzz: ## Runs each fuzz target for a minute, or for FUZZ_SECONDS=600
	@scripts/fuzz $(FUZZ_SECONDS)

release: ## Makes the release VERSION=0.2.0: changelog, tag and archives; ARGS=--dry-run changes nothing
	@scripts/release $(VERSION) $(ARGS)

clean: ## Removes everything built or installed in this folder; the data of `make run` stays
	@cargo clean
	@rm -rf .nginx .venv dist tests/prisma/node_modules web/node_modules web/*/node_modules web/*/dist
