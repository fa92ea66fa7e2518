#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: stack
short_description: Converge a host to Compose files
version_added: 0.2.0
description:
  - Keeps all that a Compose project consists of as declared, in one task - its images, networks,
    volumes, and the containers of its services with their replicas.
  - The files are read on the controller; on the host nothing but the engine is needed. One plan
    holds all steps, in the order in which services depend on each other. What does not depend on
    one another is done side by side.
  - A project that C(docker compose) has made is taken over as it is. Containers are known by
    Compose's labels, which new ones get as well, so that C(docker compose ps), C(logs) and C(down)
    see them.
  - A container is compared with what its service declares, and replaced as by
    M(dockyard.fleet.container) - the new one exists before the old one stops, and the old one
    comes back unless the new one works.
  - Images are built from contexts on the controller, as by M(dockyard.fleet.image). Configs and
    secrets are put into each container before it starts; nothing of them is kept on the host.
  - With C(deploy.update_config), the containers of a service are replaced in batches, each of which
    has to come up before the next one begins, as to its healthcheck if it or its image has one.
    With C(failure_action) V(rollback) the old containers are kept until all new ones are up, and
    come back as they were, in the order of C(deploy.rollback_config), if a batch fails. Without
    C(update_config) all containers of a service are replaced at once.
  - With C(order) V(start-first) a new container is up before the old one stops. What only one of
    them can have forbids that, and the task fails before anything is changed - published ports of
    the host, fixed addresses, devices, networks of others, mounts that can be written to.
  - C(post_start) of a service runs after each start that a task makes, before the container counts
    as up. One that fails is like a container that does not come up - the old one comes back, and
    the error has the hook's exit code and its last output. When an interrupted replacement is
    finished, it runs again. An engine that starts a container by itself runs no hooks.
  - C(pre_stop) runs before each stop that a task makes, restarts and removals included, but not in
    a container that did not come up. It is the hook that the container was made with, which its
    labels keep; of one that Compose made, it is what the service declares. A failure is told in a
    note, and the container stops all the same. Each hook may take O(wait_timeout).
  - Values in C(environment) of hooks, and words of commands that hold one, are never shown, and
    never kept on the host. A hook that needs some is not run any more, with a note, once nothing
    declares them - name O(files) for O(state=absent), too. Another hook, or another value, replaces
    the container, as in Compose.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
options:
  name:
    description:
      - The name of the project. Without it, that of the files counts, else that of the folder of
        the first one, as in Compose.
    type: str
  files:
    description:
      - Compose files on the controller, relative to the playbook. Later ones are merged into
        earlier ones by Compose's rules.
    type: list
    elements: str
    default: []
  definition:
    description:
      - A Compose file's content, written into the task. Beside O(files), it is the last one.
    type: dict
  env:
    description:
      - Variables for C($NAME) in the files. Those of the controller's own environment never count.
    type: dict
    default: {}
  env_files:
    description:
      - Files on the controller with such variables; O(env) wins. Without any, the file C(.env)
        beside the first of O(files) is read if it is there.
    type: list
    elements: str
    default: []
  profiles:
    description: The profiles that are active; V(*) means all.
    type: list
    elements: str
    default: []
  project_dir:
    description:
      - The project's folder on the host, to which relative sources of bind mounts belong. Without
        it they are refused.
    type: str
  state:
    description:
      - V(started) and V(stopped) have the containers run or stand, V(present) leaves that alone.
      - V(absent) removes the containers and networks that have the project's labels, whatever is
        declared, and of volumes only those in O(destroy).
    type: str
    choices: [absent, present, started, stopped]
    default: started
  wait:
    description:
      - V(started) watches whether a started container stays up. A service for whose health others
        wait is awaited until it is healthy either way.
      - V(healthy) waits until all containers that have a healthcheck, by their service or by their
        image, are healthy, as C(docker compose up --wait).
    type: str
    choices: [none, started, healthy]
    default: started
  wait_timeout:
    description: How long a container may take until it is up, such as V(1m30s).
    type: str
    default: 5m
  monitor:
    description: How long a container has to run, without a stop, to count as started.
    type: str
    default: 500ms
  force_restart:
    description:
      - Services whose containers are restarted, in the order in which services depend on each
        other, each when those that it depends on are up again.
      - Services whose C(depends_on) has C(restart=true) for one that is restarted, or replaced, are
        restarted after it, whether they are named or not. What is made, replaced or started in the
        same run is not restarted once more.
      - It is for O(state=started) and O(state=present), and restarts in every run.
    type: list
    elements: str
    default: []
  prune:
    description:
      - Removes containers of the project whose service is declared no more. Without it they are
        named in a note. Services that no active profile has do not count as such.
    type: bool
    default: false
  max_removals:
    description:
      - How many containers may be removed because nothing declares them any more, by O(prune) or
        since a service has fewer replicas. Beyond that the task is refused.
    type: int
    default: 10
  destroy:
    description:
      - With O(state=absent), the volumes whose data may go, by their keys or names.
    type: list
    elements: str
    default: []
  allow:
    description: The impacts that changes may have.
    type: list
    elements: str
    choices: [live, restart, replace]
    default: [live, restart, replace]
  protect:
    description: Refuses to replace and to remove anything.
    type: bool
    default: false
  adopt:
    description:
      - Permits to replace or remove what neither this collection nor Compose made.
    type: bool
    default: false
  keep_releases:
    description:
      - How many releases of the stack stay on the engine to be returned to by O(rollback), the one
        that is up among them. A release is kept when all that is declared is up, as V(started) has
        it, unless it is the same as the last one; V(0) keeps none. Without this option nothing is
        kept, and what is kept already stays as it is.
      - A release is the declaration, without any secret, and the images that ran. They stay under
        names in C(dockyard.fleet/releases), whatever becomes of their own tags. O(state=absent)
        removes them; M(dockyard.fleet.prune) and C(docker image prune) leave them, and
        C(docker image prune --all) does not.
    type: int
  rollback:
    description:
      - Returns to the last release that was kept, or to the one before it if the last one is what
        the files declare. Nothing is built, and no registry is asked. The result and a note of the
        plan say which release it is.
      - The files are read all the same, for the project's name and for its secrets. No release
        keeps the value of a variable from C(env_file) or the content of a secret, since they are
        exchanged for good reasons - the old declaration gets today's, also where it repeats one of
        8 characters or more, such as in a command. If the files do not give one that it needs, the
        task fails before anything is changed.
      - When the release is up again, those after it are removed. So the same task changes nothing
        when it is run once more; without O(rollback), the files count again.
      - Volumes and their data are left as they are.
    type: bool
    default: false
  project:
    description:
      - The definition as it was loaded on the controller.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: dict
  secret_values:
    description:
      - What of the definition may be secret - variables from C(env_file), contents of configs and
        secrets, hooks.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: dict
seealso:
  - module: dockyard.fleet.container
  - module: dockyard.fleet.network
  - module: dockyard.fleet.volume
"""

EXAMPLES = r"""
- name: Run what a Compose file declares
  dockyard.fleet.stack:
    files: [shop/compose.yaml]

- name: Run it with another file on top, and without what is declared no more
  dockyard.fleet.stack:
    files: [shop/compose.yaml, shop/compose.large.yaml]
    prune: true

- name: Run a project that the playbook itself declares
  dockyard.fleet.stack:
    name: hello
    definition:
      services:
        web:
          image: shop/web:2
          scale: 2

- name: Restart one service, and those that it takes along
  dockyard.fleet.stack:
    files: [shop/compose.yaml]
    force_restart: [db]

- name: Keep what was up before, and return to it with -e shop_rollback=true
  dockyard.fleet.stack:
    files: [shop/compose.yaml]
    keep_releases: 3
    rollback: "{{ shop_rollback | default(false) }}"

- name: Remove it, and keep the data of its volumes
  dockyard.fleet.stack:
    name: shop
    state: absent
"""

RETURN = r"""
stack:
  description:
    - The project as it is afterwards, its containers by service.
    - With O(keep_releases) or O(rollback), C(release) is the last release that is kept, or the one
      that was returned to, with its number and when it was up (UTC).
  returned: success
  type: dict
  sample:
    name: shop
    services:
      web:
        - name: shop-web-1
          id: 7d86d31b1478e7cca9ebed7e73aa0fdeec46c5ca29497431d3007d2d9e15ed99
          image: sha256:8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918
          state: running
          health: null
    release:
      serial: 4
      time: '2026-01-31T10:00:00Z'
      images:
        web:
          id: sha256:8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918
          reference: shop/web:2
plan:
  description:
    - What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: "container/shop-web-1\n  environment.LOG: info → debug [replace]\n    ...\n"
    steps: []
    notes: []
    pending: []
    refused: []
    fingerprint: ''
    declared: {}
created:
  description: Whether something was made where there was nothing.
  returned: success
  type: bool
  sample: true
updated:
  description: Whether something was changed while it ran.
  returned: success
  type: bool
  sample: false
replaced:
  description: Whether something was replaced.
  returned: success
  type: bool
  sample: false
restarted:
  description: Whether something was restarted.
  returned: success
  type: bool
  sample: false
engine_way:
  description: The way to the engine that was taken, why not an earlier one, and what is locked.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: [], lock: controller}
"""

from ..module_utils._engine.frontend.module import main
from ..module_utils._engine.stack.resource import STACK

if __name__ == "__main__":
    main(STACK)
