# `make` lists the targets. A fresh clone needs only a Rust toolchain, make and the distribution's
# package manager; `make setup` installs the rest.
#
# Variables: STACK  name of the stack           FILE   stack file(s); default: the example
#            RATE   requests per second         ARGS   more arguments for rollproof

.DEFAULT_GOAL := help
.PHONY: help setup build app toolchain driver deploy update broken-update verify demo down install test test-ci test-fixes test-ipvs \
	test-engines test-page test-scenarios bench-prediction lint clean

SHELL := /bin/sh
.NOTPARALLEL:
CARGO ?= cargo
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
TARGET := $(or $(CARGO_TARGET_DIR),target)
ROLLPROOF := $(TARGET)/release/rollproof
PREFIX ?= /usr/local

STACK_ARGS = $(STACK) $(foreach file,$(FILE),--compose-file $(file)) $(ARGS)
LOAD_ARGS = $(if $(RATE),--rate $(RATE)) $(STACK_ARGS)

# A private engine needs root; the user's own engine may not.
AS_ROOT = $$(if [ "$$(id -u)" -ne 0 ] && ! $(ROLLPROOF) doctor >/dev/null 2>&1; then echo sudo -E; fi)
RUN = $(AS_ROOT) $(ROLLPROOF)

BUILD_APP = RUSTFLAGS='-C target-feature=+crt-static' $(CARGO) build --profile app --package rollproof-app --target $(HOST)

# Tests with engines mostly wait; tests/rollproof/machine.rs bounds how many of them run at once.
THREADS = RUST_TEST_THREADS=$${RUST_TEST_THREADS:-$$(($$(getconf _NPROCESSORS_ONLN) + 4))}

# Tests create network namespaces and start engines as root; cargo itself runs as the user.
RUNNER := CARGO_TARGET_$(shell echo '$(HOST)' | tr a-z- A-Z_)_RUNNER

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@sed -n 's/^# \(Variables:\)/\n\1/p; s/^#  \{11\}\([A-Z]\)/           \1/p' $(MAKEFILE_LIST)

setup: ## Install missing packages, without starting any server
	@sh scripts/setup.sh

build: app driver ## Build rollproof and the app, and load the images into the engine
	@$(RUN) build $(ARGS)

app: toolchain
	$(BUILD_APP)

toolchain:
	@test -n '$(HOST)' || { echo 'rustc is missing: install a Rust toolchain, https://rustup.rs' >&2; exit 4; }

driver:
	$(CARGO) build --release --package rollproof

deploy: driver ## Deploy the stack and wait until it has converged
	@$(RUN) deploy $(STACK_ARGS)

update: driver ## Roll out a good update under load and judge it
	@$(RUN) update $(LOAD_ARGS)

broken-update: driver ## Break the health check, expect a rollback, and judge it
	@$(RUN) broken-update $(LOAD_ARGS)

verify: driver ## Deploy, roll out a good and a broken update, and give one verdict
	@$(RUN) verify $(LOAD_ARGS)

demo: setup app driver ## Set up, verify the example, and remove everything again
	@status=0; \
	trap 'status=130' INT TERM; \
	$(RUN) verify $(LOAD_ARGS) || status=$$?; \
	$(RUN) down || { left=$$?; [ $$status -ne 0 ] || status=$$left; }; \
	exit $$status

down: driver ## Remove the stack and the private engine, and check that nothing is left
	@$(RUN) down $(STACK) $(ARGS)

install: app driver ## Install rollproof and its app into /usr/local/bin, or PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin
	install $(ROLLPROOF) $(TARGET)/$(HOST)/app/rollproof-app $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/lib/docker/cli-plugins
	ln -sfn ../../../bin/rollproof $(DESTDIR)$(PREFIX)/lib/docker/cli-plugins/docker-rollproof
	$(ROLLPROOF) man $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(ROLLPROOF) completions bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/rollproof

# The app is linked on one processor, so the tests are built meanwhile.
test: setup toolchain ## Run all tests, including those on real engines
	$(BUILD_APP) & app=$$!; \
	$(CARGO) test --workspace --no-run $(ARGS); tests=$$?; \
	wait $$app && exit $$tests
	$(THREADS) $(if $(filter-out 0,$(shell id -u)),$(RUNNER)='sudo -E') $(CARGO) test --workspace $(ARGS)

test-ci: setup app ## Run every snippet of docs/ci.md and the steps of the action, on a real engine
	$(if $(filter-out 0,$(shell id -u)),$(RUNNER)='sudo -E') $(CARGO) test --test rollproof -- --include-ignored ci_documentation:: $(ARGS)

test-fixes: setup app ## Bring about every cause and apply every fix of a report, on a real engine
	$(if $(filter-out 0,$(shell id -u)),$(RUNNER)='sudo -E') $(CARGO) test --test rollproof -- --include-ignored fixes:: causes:: $(ARGS)

test-ipvs: setup app driver ## Verify the example on a kernel with IPVS, in a guest (see docs/ipvs.md)
	@sh scripts/ipvs/test.sh $(ROLLPROOF) $(TARGET)/$(HOST)/app/rollproof-app

test-engines: setup app driver ## Test the program on five engine releases (see docs/engines.md)
	@sh scripts/engines/test.sh $(ROLLPROOF) $(TARGET)/$(HOST)/app/rollproof-app $(ENGINES)

test-page: ## Open the report's pages in Chromium; needs chromium, node and npm
	$(CARGO) test --test rollproof -- report_page compare:: serve::
	cd tests/page && npm ci --no-audit --no-fund --silent
	node tests/page/check.js $(TARGET)/tmp/pages $(TARGET)/tmp/screenshots

bench-prediction: app driver ## Compare predicted updates with real ones on a private engine
	$(CARGO) build --release --package rollproof --bench prediction
	@$(if $(filter-out 0,$(shell id -u)),sudo -E) $$(ls -t $(TARGET)/release/deps/prediction-* | grep -v '\.d$$' | head -1) --program $(ROLLPROOF) $(ARGS)

test-scenarios: setup app driver ## Run every scenario on a private engine (see docs/scenarios.md)
	@$(AS_ROOT) $(ROLLPROOF) try --engine lab $(ARGS)

lint: ## Check the formatting and run the linter
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

clean: ## Remove build artifacts (`make down` removes the stack and the engine)
	$(CARGO) clean
