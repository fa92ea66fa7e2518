#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: volume
short_description: Create and remove volumes
version_added: 0.1.0
description:
  - Keeps a volume of the container engine as declared, with the keys of the Compose Specification.
  - Nothing about a volume can be changed. One that differs from its declaration would have to be
    removed with its data, which is refused unless O(destroy) names it.
  - Volumes that this collection or Compose made are compared in full, and omitted means default.
    Of others, such as those that the engine made for a container, only declared keys are compared.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
  - dockyard.fleet.engine.kept
options:
  name:
    description: The name of the volume.
    type: str
    required: true
  driver:
    description: The driver; the default is V(local). A change destroys the data.
    type: str
  driver_opts:
    description:
      - Options of the driver, as a mapping or a list of C(KEY=VALUE). A change destroys the data.
    type: raw
  secret_driver_opts:
    description:
      - Options of the driver whose values are secret, such as the C(o) of a network file system
        with its password. They are in no output. A change destroys the data.
    type: dict
  labels:
    description:
      - Labels, as a mapping or a list of C(KEY=VALUE). A change destroys the data.
      - Names that begin with C(dockyard.fleet.) are kept by the collection.
    type: raw
  destroy:
    description:
      - The name of the volume once more. It permits to lose the data in it, by a removal or
        because the volume has to be made anew.
      - A volume that a container mounts is not removed in any case.
    type: str
  backup:
    description:
      - The path of an archive on the controller, relative to the playbook, into which the data is
        written; with O(external=true) nothing else of the volume is looked at.
      - It is done first of all, if the same task removes the volume or makes it anew. The archive
        appears under its name when it is whole. If the data is the same as in the archive that
        is there, nothing changes.
      - Containers that write meanwhile are not stopped.
      - A helper container is made, of the smallest image on the engine, and never started.
      - Not with Podman, which does not tell who owns the files.
    type: str
  restore:
    description:
      - The path of an archive on the controller, relative to the playbook, that fills the volume
        if it is made by this task or empty. A volume with data in it is left as it is.
      - With O(destroy), a volume whose data did not come from this archive is removed and made
        anew from it.
      - A restore that was interrupted is done again by the next run.
      - An archive that is damaged, or breaks off before its end, is refused before anything is
        changed.
    type: str
notes:
  - Archives are on the controller, so O(backup) and O(restore) need a channel to the engine.
seealso:
  - module: dockyard.fleet.volume_info
  - module: dockyard.fleet.container
"""

EXAMPLES = r"""
- name: Have a volume
  dockyard.fleet.volume:
    name: shop-data
    labels:
      com.example.team: shop

- name: Have a volume in memory
  dockyard.fleet.volume:
    name: shop-cache
    driver_opts: {type: tmpfs, device: tmpfs, o: "size=16m"}

- name: Make it larger, which loses what is in it
  dockyard.fleet.volume:
    name: shop-cache
    driver_opts: {type: tmpfs, device: tmpfs, o: "size=32m"}
    destroy: shop-cache

- name: Back it up into an archive on the controller
  dockyard.fleet.volume:
    name: shop-data
    external: true  # whatever it is like, it stays so
    backup: shop-data.tar

- name: Have a second one with the same data
  dockyard.fleet.volume:
    name: shop-copy
    restore: shop-data.tar

- name: Remove a volume with its data
  dockyard.fleet.volume:
    name: shop-data
    state: absent
    destroy: shop-data
"""

RETURN = r"""
volume:
  description:
    - The volume as the engine describes it afterwards; null if it is not there. Values of secret
      driver options are masked.
  returned: success
  type: dict
  sample:
    Name: shop-data
    Driver: local
    Mountpoint: /var/lib/docker/volumes/shop-data/_data
    Options: {}
    Labels: {com.example.team: shop}
    Scope: local
plan:
  description:
    - What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      volume/shop-data
        not there [none]
          create shop-data
            labels.team: shop
    steps: []
    notes: []
    pending: []
    refused: []
    fingerprint: 8c6976e5b5410415
    declared: {volume/shop-data: ["labels.team: shop"]}
created:
  description: Whether the volume was made where there was none.
  returned: success
  type: bool
  sample: true
updated:
  description: Always false for volumes; a backup or restore shows in the plan.
  returned: success
  type: bool
  sample: false
replaced:
  description: Whether the volume was removed with its data and made anew.
  returned: success
  type: bool
  sample: false
restarted:
  description: Always false for volumes.
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
from ..module_utils._engine.volume.resource import VOLUME

if __name__ == "__main__":
    main(VOLUME)
