#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove what nothing uses
version_added: 0.1.0
description:
  - Removes containers that do not run, images, networks and volumes that no container uses, and
    the build cache. Only what is asked for goes.
  - By default only what this collection made is removed, as its labels say. With O(all=true) it is
    whatever anybody made. A label that a container has from its image says nothing, and of one
    whose image is gone nobody can tell; such a container stays.
  - What an interrupted replacement has left behind is not touched, since the next run of its task
    goes on from there.
  - The plan has one step for each thing, so check mode lists exactly what would go. What is used
    again in the meantime is not removed, and fails the task.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
options:
  containers:
    description:
      - Removes containers that were created and never started, or that have ended, without their
        volumes.
      - One that a task of this collection wants to be stopped counts as well.
    type: bool
    default: false
  images:
    description: Removes images that have no name any more and that no container was made from.
    type: bool
    default: false
  unused_images:
    description:
      - Removes images that have a name as well, if no container was made from them.
      - Those that M(dockyard.fleet.stack) keeps for a rollback stay.
    type: bool
    default: false
  networks:
    description: Removes networks that no container is in, running or not.
    type: bool
    default: false
  volumes:
    description:
      - V(true) removes volumes that have no name of their own and that no container has, running
        or not, as C(docker volume prune) does. Their data is lost. Nobody can tell whose they
        were, so O(all) does not matter for them. From API 1.42 on they are those that Docker has
        labelled C(com.docker.volume.anonymous), before it and on Podman those with a name of 64
        hexadecimal digits and no label.
      - A volume that has a name goes only if this option names it. The plan says which ones stay.
      - A list of names removes just these, whoever made them and whatever O(filters) say. The task
        is refused if a container has one of them.
      - An entry with C(*), C(?) or C([…]) is a pattern, such as V(shop-*). Of the volumes that it
        means those go that no container has, that O(filters) let through, and that this collection
        made, or anybody with O(all=true). A pattern that would be every volume is refused.
    type: raw
    default: false
  build_cache:
    description:
      - Removes what the builder keeps and no build uses. It belongs to nobody, so O(all) and
        O(filters) do not matter.
    type: bool
    default: false
  all:
    description: Counts what others made, too.
    type: bool
    default: false
  filters:
    description: What containers, images, networks and volumes must have; all of what is given.
    type: dict
    suboptions:
      label:
        description: Labels, as C(KEY) or C(KEY=VALUE); all of them.
        type: list
        elements: str
      not_label:
        description: Labels, as C(KEY) or C(KEY=VALUE), any of which lets a thing stay.
        type: list
        elements: str
      until:
        description: The age that it must have at least, as a duration such as V(24h).
        type: str
seealso:
  - module: dockyard.fleet.container
  - module: dockyard.fleet.image
"""

EXAMPLES = r"""
- name: Remove what earlier versions of our own have left
  dockyard.fleet.prune:
    containers: true
    images: true
    networks: true

- name: Remove images that nothing uses, whoever made them
  dockyard.fleet.prune:
    unused_images: true
    build_cache: true
    all: true
    filters:
      until: 10d

- name: Remove one volume with its data
  dockyard.fleet.prune:
    volumes: [old-data]

- name: Remove the volumes without a name that removed containers have left
  dockyard.fleet.prune:
    volumes: true

- name: Remove our own volumes of one project, but for those that somebody wants to keep
  dockyard.fleet.prune:
    volumes: ["review-17-*"]
    filters:
      not_label: [keep]
"""

RETURN = r"""
removed:
  description: Names, or short ids, of what was removed, or in check mode would be, by kind.
  returned: success
  type: dict
  sample:
    containers: [web-old]
    images: ["demo/web:1", 8c6976e5b541]
    networks: []
    volumes: []
space_reclaimed:
  description: Bytes of the build cache that became free.
  returned: when it was pruned
  type: int
  sample: 1048576
plan:
  description: What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      container/web-old
        exited [destroy]
          remove web-old
      image/8c6976e5b541
        it has no name, and no container uses it [destroy]
          remove 8c6976e5b541
engine_way:
  description: The way to the engine that was taken, and why not an earlier one.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: []}
"""

from ..module_utils._engine.frontend.module import main
from ..module_utils._engine.prune.resource import PRUNE

if __name__ == "__main__":
    main(PRUNE)
