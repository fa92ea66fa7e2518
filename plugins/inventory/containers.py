# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of many hosts as hosts of the inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: containers
short_description: Containers of many hosts as hosts of the inventory
version_added: 0.1.0
description:
  - Asks the engines of hosts that the inventory has already for their containers, at the same time
    and over their own SSH connections. Each container becomes a host, and tasks run inside it at
    once, by the connection plugin P(dockyard.fleet.container#connection).
  - It is configured by a file in YAML whose name ends in C(.yml), C(.yaml) or C(.config). The
    docker hosts come from the sources that are read before this file, since sources are read in the
    order in which they are given, and those in a folder in the order of their names. Their
    variables count as in a play, those in C(group_vars) and C(host_vars) too.
  - A container is named after itself and its docker host, C(web.server1), since two hosts may both
    have a container C(web).
  - It has the variables C(container_name), C(container_id), C(container_host) (the docker host's
    name in the inventory), C(container_state), C(container_health) (V(none) without a healthcheck),
    C(container_image), C(container_image_id), C(container_created), C(container_project) and
    C(container_service) (of Compose, else empty), C(container_labels), C(container_networks) (the
    address in each) and C(container_ports) (where each is published).
  - Variables of its environment and its command are no part of that, since they may hold secrets.
    Passwords of the docker host are not copied either; the containers' variables refer to them.
author: dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
notes:
  - Variables of the group C(all) are also the containers'. An C(ansible_user) or C(ansible_become)
    there, meant for logins, counts inside of the containers; set it for the docker hosts' group.
  - A password for SSH or sudo must be a variable. What C(--ask-pass) is told does not reach
    inventory plugins.
  - Names and labels are what those say who may create containers. Do not give a group that is named
    after them what not every container may have.
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [dockyard.fleet.containers]
  hosts:
    description:
      - The docker hosts, as a pattern like that of C(hosts) in a play.
      - Hosts whose connection is that of a container are left out. The pattern C(localhost) means
        this machine.
    type: str
    default: all
  states:
    description: States; a container must be in one of them. Tasks run in running ones alone.
    type: list
    elements: str
    choices: [created, dead, exited, paused, removing, restarting, running]
    default: [running]
  filters:
    description:
      - What else must hold of a container, as O(dockyard.fleet.container_info#module:filters) has
        it - C(label), C(name), C(owned) and C(engine).
    type: dict
    default: {}
  hostname:
    description:
      - A Jinja2 expression that makes the name of the host; the variables above are there.
      - A container is left out, with a warning, if another host or a group has that name. With
        O(strict) that is an error.
    type: str
    default: container_name ~ '.' ~ container_host
  group:
    description: The group of all containers that this file finds.
    type: str
    default: containers
  group_by:
    description:
      - By what containers are grouped; C(project_shop), C(service_web), C(image_nginx_1_27),
        C(health_healthy), C(state_running), C(host_server1). Characters that group names cannot
        have become underscores.
    type: list
    elements: str
    choices: [project, service, image, health, state, host]
    default: [project, service, image, health, host]
  group_by_labels:
    description: Labels by whose value containers are grouped, C(label_tier_front).
    type: list
    elements: str
    default: []
  unreachable:
    description:
      - What becomes of a docker host whose containers cannot be read. With V(warn) and V(ignore)
        the inventory is without them, with V(fail) this file counts as not parsed.
    type: str
    choices: [warn, fail, ignore]
    default: warn
    env:
      - name: DOCKYARD_CONTAINERS_UNREACHABLE
    ini:
      - section: dockyard_containers
        key: unreachable
  timeout:
    description: Seconds that one docker host may take, login included.
    type: int
    default: 30
    env:
      - name: DOCKYARD_CONTAINERS_TIMEOUT
    ini:
      - section: dockyard_containers
        key: timeout
  forks:
    description: How many docker hosts are asked at the same time.
    type: int
    default: 20
    env:
      - name: DOCKYARD_CONTAINERS_FORKS
    ini:
      - section: dockyard_containers
        key: forks
  become:
    description:
      - Whether the engine is used as another user of the docker host than the one that logs in. By
        default the host's C(ansible_become) says so. C(ansible_become_method),
        C(ansible_become_user) and C(ansible_become_password) of the host count.
    type: bool
  engine_host:
    description:
      - The address of the engine, as its host sees it. It and the next seven options are those of
        the connection plugin P(dockyard.fleet.container#connection). Those that are texts may be
        templates with variables of the docker host.
    type: str
  engine_context:
    description: The name of a docker context of this machine, for docker hosts that are local.
    type: str
  engine_tls:
    description: Whether the engine's port speaks TLS.
    type: bool
  engine_ca:
    description: The file with the authorities that may have signed the engine's certificate.
    type: str
  engine_cert:
    description: The file with the client's certificate.
    type: str
  engine_key:
    description: The file with its key.
    type: str
  engine_tls_hostname:
    description: The name that the engine's certificate must be for.
    type: str
  engine_timeout:
    description: Seconds that the engine may take for one answer.
    type: int
seealso:
  - plugin: dockyard.fleet.container
    plugin_type: connection
  - module: dockyard.fleet.container_info
"""

EXAMPLES = r"""
# Running containers of every host that was read before.
plugin: dockyard.fleet.containers

---
# Those of one group, with what a team's label says; one hour from a cache.
plugin: dockyard.fleet.containers
hosts: container_hosts
filters:
  label: [com.example.team=shop]
group_by_labels: [com.example.tier]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/fleet

---
# Constructed groups and variables, as everywhere.
plugin: dockyard.fleet.containers
hosts: container_hosts
states: [running, exited]
keyed_groups:
  - prefix: network
    key: container_networks.keys() | list
groups:
  broken: container_health == 'unhealthy' or container_state == 'exited'
compose:
  ansible_container_user: container_labels['com.example.user'] | default('0')
"""

import os
from typing import Any, Dict

from ansible import constants as C
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.collect import collect
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.login import Login
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.names import (
    groups_of,
    host_name,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.options import checked
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.snapshot import Snapshot


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Adds containers to an inventory, with the variables by which tasks reach them."""

    NAME = "dockyard.fleet.containers"

    def verify_file(self, path: str) -> bool:
        """Tell whether a source may be a configuration of ours."""
        extensions = (*C.YAML_FILENAME_EXTENSIONS, ".config")
        return bool(super().verify_file(path)) and os.path.splitext(path)[1] in extensions

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Read the containers of the hosts that an inventory has, and add them to it."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            options = checked(self.get_option, config, self.get_options())
        except FleetError as error:
            raise AnsibleParserError(f"{path}: {error}") from None
        cached = self._kept(path) if cache else None
        collected = collect(Snapshot(inventory, loader, path), options, cached)
        if self.get_option("cache"):
            self._cache[self.get_cache_key(path)] = collected.kept
        self._tell(collected.faults)
        if not collected.ways and not collected.faults:
            self.display.warning(
                f"{path}: no docker host matches {options.hosts}; sources are read in their order, "
                "and this one adds to those before it"
            )
        group = inventory.add_group(self._sanitize_group_name(self.get_option("group")))
        for host, containers in collected.containers.items():
            for facts in containers:
                self._place(collected.ways[host], {**facts, "container_host": host}, group)

    def _kept(self, path: str) -> Any:
        """Return what an earlier run has left in the cache, None for nothing."""
        try:
            return self._cache[self.get_cache_key(path)] if self.get_option("cache") else None
        except KeyError:
            return None

    def _tell(self, faults: Dict[str, str]) -> None:
        """Say whose containers could not be read, as the user wants it to be said."""
        wanted = self.get_option("unreachable")
        lines = [
            f"the containers of {host} cannot be read: {' '.join(text.split())}"
            for host, text in faults.items()
        ]
        if lines and wanted == "fail":
            raise AnsibleParserError("\n- ".join([f"{len(lines)} hosts:", *lines]))
        for line in lines if wanted == "warn" else ():
            self.display.warning(line)

    def _place(self, way: Login, facts: Dict[str, Any], group: str) -> None:
        """Add a container with its variables and groups; leave out what cannot have its name."""
        strict, inventory = self.get_option("strict"), self.inventory
        try:
            name = host_name(self._hostname(facts), inventory)
        except FleetError as error:
            text = f"container {facts['container_name']} of {way.host}: {error}"
            if strict:
                raise AnsibleParserError(text) from None
            self.display.warning(f"{text}; it is left out")
            return
        inventory.add_host(name, group)
        variables = {"ansible_container_name": facts["container_name"], **way.variables, **facts}
        for key, value in variables.items():
            inventory.set_variable(name, key, value)
        known = inventory.hosts[name].get_vars()
        self._set_composite_vars(self.get_option("compose"), known, name, strict=strict)
        known = inventory.hosts[name].get_vars()
        given = (known, name, strict, False)
        self._add_host_to_composed_groups(self.get_option("groups"), *given)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), *given)
        names = self.get_option("group_by"), self.get_option("group_by_labels")
        for raw in groups_of(facts, *names):
            inventory.add_child(inventory.add_group(self._sanitize_group_name(raw)), name)

    def _hostname(self, facts: Dict[str, Any]) -> Any:
        try:
            return self._compose(self.get_option("hostname"), facts)
        except Exception as error:  # whatever an expression may raise
            raise FleetError(f"hostname: {error}") from None
