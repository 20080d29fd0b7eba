# The few commands that this project is worked with; the work itself is in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run test soak bench lint fuzz clean

help: ## Lists these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Starts Evergrant with everything for a first look; more options in ARGS="--data DIR"
	@scripts/setup --run
	@npm run --silent --prefix web build >/dev/null
	@cargo build --release --locked -p evergrant-server
	@exec "$${CARGO_TARGET_DIR:-target}/release/evergrant" dev $(ARGS)

test: ## Every check that a change must pass, on SQLite and on a PostgreSQL of its own
	@scripts/setup
	@scripts/with-postgres scripts/test

soak: ## A million schedules, a million rows, a thousand killed processes: about an hour
	@scripts/setup
	@scripts/with-postgres scripts/soak

bench: ## How quick the console is in a browser on this machine; nothing fails
	@scripts/setup
	@npm run --silent --prefix web build >/dev/null
	@cargo build --release --locked -p evergrant-server
	@EVERGRANT_BIN="$${CARGO_TARGET_DIR:-$$PWD/target}/release/evergrant" npm run --silent --prefix web bench -w e2e

lint: ## Layout, lints and dependencies, without the tests
	@scripts/lint

fuzz: ## A minute on each fuzz target; another time by FUZZ_SECONDS=600
	@scripts/fuzz $(FUZZ_SECONDS)

clean: ## Removes what was built and installed here; the data of `make run` stays
	@cargo clean
	@rm -rf .venv tests/prisma/node_modules web/node_modules web/*/node_modules web/*/dist
