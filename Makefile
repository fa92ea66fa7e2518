# Everything a checkout needs: `make demo` to see it work, `make test` to check it. CONTRIBUTING.md explains.
.DEFAULT_GOAL := help
SHELL := /bin/sh
# Debian's own interpreter: another one first in PATH may lack what the system's packages provide.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV := .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# More arguments for ansible-playbook, such as ARGS=--ask-become-pass, or for pytest.
ARGS ?=
PYTEST := $(BIN)/python -m pytest $(ARGS)

export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Hundreds of commands load the same code: what one of them has compiled stays for the others.
unexport PYTHONDONTWRITEBYTECODE
# Ansible wants UTF-8, and a bare server has no locale set.
export LC_ALL := C.UTF-8

.PHONY: help venv venv-test demo demo-clean demo-containers demo-containers-clean test lint sanity unit integration molecule e2e test-engines test-faults test-by-hand test-hostile test-ansible test-target test-platforms test-compose bench bench-stacks bench-picture bench-machine docs build

help:
	@grep -hE '^[a-z0-9-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /\t/' | expand -t 24

venv: $(VENV)/.stamp ## the virtual environment with pinned ansible-core
$(VENV)/.stamp: requirements.txt
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    $(SUDO) apt-get update -qq && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

venv-test: $(VENV)/.stamp-test ## the same with what the tests need
$(VENV)/.stamp-test: requirements-test.txt $(VENV)/.stamp
	$(BIN)/pip install -q --disable-pip-version-check -r requirements-test.txt
	@touch $@

demo: venv ## the whole way: this host's hypervisor, a machine on it, and the containers inside
	$(BIN)/ansible-playbook -i inventories/local playbooks/demo.yml $(ARGS)

demo-clean: venv ## remove what that made, and nothing else; the guest's image stays in .cache
	$(BIN)/ansible-playbook -i inventories/local playbooks/demo_clean.yml $(ARGS)

demo-containers: venv ## without a machine: engine, image, containers, and the page they serve
	$(BIN)/ansible-playbook -i inventories/local_containers playbooks/demo.yml $(ARGS)

demo-containers-clean: venv ## remove what that made, and nothing else
	$(BIN)/ansible-playbook -i inventories/local_containers playbooks/demo_containers_clean.yml $(ARGS)

test: venv-test ## the whole suite, in two processes
	$(PYTEST) --numprocesses 2 --dist loadscope --no-loadscope-reorder

lint: venv-test ## ruff, mypy, ansible-lint, changelog, documentation
	$(PYTEST) tests/static/test_lint.py

sanity: venv-test ## ansible-test sanity
	$(PYTEST) tests/static/test_sanity.py

unit: venv-test ## without an engine, in seconds
	$(PYTEST) tests/unit

integration: venv-test ## real engines and servers
	$(PYTEST) tests/integration

molecule: venv-test ## every role on a server with systemd, over ssh
	$(PYTEST) tests/molecule

e2e: venv-test ## whole playbooks
	$(PYTEST) tests/e2e

test-engines: venv-test ## every option of containers, networks and volumes, releases of stacks, and images from host to host, and stacks at rest, on every engine of the lab; updates on three servers
	FLEET_ENGINES="$$($(BIN)/python -m tests.lab.engines names)" $(PYTEST) tests/integration/test_fields.py tests/integration/test_volume_archive.py tests/integration/test_image_archives.py tests/integration/test_stack_releases.py tests/integration/distribution.py tests/integration/stack_engines.py tests/integration/rolling.py

test-ansible: venv-test ## unit, sanity and a few plays against each supported ansible-core that this Python can run
	$(BIN)/python -m tests.tools.ansible_versions

test-target: venv-test ## what `make test` does by a channel, also with a module sent to the host for each task
	FLEET_VIA=all $(PYTEST) $(addprefix tests/integration/test_,buildx.py container.py examples.py image.py info.py inside.py kill.py run.py secrets.py stack.py stack_releases.py)

test-compose: venv-test ## Compose files of others as stacks, and each case beside docker compose itself
	$(PYTEST) tests/integration/compose_config.py tests/integration/compose_corpus.py

test-platforms: venv-test ## the roles on each release of Debian that they support, with a vendor's repository, and a registry where it gets difficult
	$(PYTEST) tests/integration/roles/platforms.py tests/integration/roles/vendor.py tests/integration/roles/registry.py
	FLEET_SCENARIOS=all $(PYTEST) tests/molecule -k registry

test-faults: venv-test ## every fault at every call, on the fake engine and on a real one
	FLEET_FAULTS=all $(PYTEST) tests/unit/faults tests/integration/test_kill.py tests/integration/test_vm_kill.py tests/integration/every_fault.py tests/integration/stack_faults.py

test-by-hand: venv-test ## what people change by hand, in 40 orders of a container and of a machine
	DOCKYARD_ORDERS=40 $(PYTEST) tests/integration/test_orders_by_hand.py

test-hostile: venv-test ## 100,000 broken archives, 10,000 broken tasks and answers, and more of what make test has a part of
	FLEET_HOSTILE=all $(PYTEST) -s tests/unit/generated tests/integration/test_copy_race.py tests/integration/test_pairs.py tests/unit/_engine/client/test_hostile_engine.py

bench: venv-test ## what a task costs; not part of the suite
	$(PYTEST) tests/bench/bench.py

bench-stacks: venv-test ## what stacks cost, beside docker compose, community.docker and raw calls of the engine
	$(PYTEST) tests/bench/stacks.py

bench-picture: venv-test ## docs/stacks.svg, drawn from what that measured
	$(BIN)/python -m tests.bench.picture

bench-machine: venv-test ## what a machine costs, beside QEMU alone
	$(PYTEST) tests/bench/machine.py

docs: venv-test ## module pages, tables of READMEs and engines, the index of the field table
	$(BIN)/python -m tests.tools.role_readme
	$(BIN)/python -m tests.tools.field_index
	$(BIN)/python -m tests.tools.module_pages
	PYTHONPATH=collections $(BIN)/python -m tests.tools.engines_page

build: venv ## the collection as a tarball in .cache
	$(BIN)/ansible-galaxy collection build --force --output-path .cache
