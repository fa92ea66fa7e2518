#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vm_image
short_description: Keep base images of machines in a storage pool
version_added: 0.1.0
description:
  - Brings a disk image from a URL, or from a file on the KVM host, into a pool of libvirt, where
    machines are backed by it.
  - The volume is named by what was declared, C(NAME-SHA12.qcow2), with the first 12 digits of the
    checksum. So a volume is never changed while a machine is backed by it. Another checksum makes
    another volume, and the one before stays until it is removed.
  - The checksum is verified before the image gets its name. Afterwards the name is enough, so that
    a second run neither downloads nor reads the image.
  - What was compressed with xz, gzip or bzip2, by its name, is unpacked. A raw image is converted
    to qcow2. An image that names other files (a backing file, an external data file) is refused.
  - What is no disk is refused with what it is, such as an archive (tar, OVA, ZIP), an image of
    another format, a web page, a JSON or XML answer, a Git LFS pointer, or a qcow2 image that was
    cut off.
  - A twentieth of the pool's file system, at most 1GiB, stays free for the disks of machines,
    whatever size a server or an archive announces.
  - A task whose time is over (C(timeout) of the task) ends between two pieces of its work where its
    output is closed, such as with a local connection; over SSH it may go on until it is done.
  - A download that was cut off goes on where it was, in the next attempt or the next run, if the
    server can do that and still has the same file. Until it is complete its bytes are in the pool's
    folder, in a hidden file that the next run takes up or removes.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.libvirt
  - dockyard.fleet.engine.changing
options:
  name:
    description:
      - The name of the image without its version, such as V(debian-12).
    type: str
    required: true
  url:
    description:
      - Where the image is published, as C(https://), C(http://) or C(file://).
      - One of O(url) and O(path) is needed, unless O(state=absent).
      - Its query is left out of plans and messages.
      - Proxies are those of the task's C(environment), C(http_proxy), C(https_proxy) and
        C(no_proxy). C(.netrc) is not read, and what needs a login is refused.
    type: str
  path:
    description:
      - The absolute path of the image on the KVM host. Nothing is expanded in it.
    type: str
  checksum:
    description:
      - The checksum of the file as it is published, C(sha256:HEX), C(sha384:HEX) or C(sha512:HEX).
      - Or the URL, or the path on the KVM host, of a checksum file that lists the file by its name,
        in the form of GNU or BSD tools or with nothing but the checksum. C(sha256:URL) takes that
        algorithm of several. The file is read in every run; a signature in it is not verified.
      - An algorithm that a line or a title names is believed, such as C(BLAKE2b) or C(SHA3-256),
        which are of no use here; where none is named the number of digits tells. Of files with one
        name in several folders it is the one whose folders agree with the address.
      - A checksum file of C(https://) is not taken from where it is redirected to C(http://).
      - It is required for an image from the network. Without it the content of a local file is what
        counts, and is read in every run.
    type: str
  pool:
    description:
      - The storage pool, of type C(dir), C(fs) or C(netfs), and active.
    type: str
    default: default
  ca_path:
    description:
      - A file or folder on the KVM host with the certificates of a private authority, which are
        trusted beside the host's own. Verification cannot be switched off. An authority without an
        Authority Key Identifier is as good on every Python.
    type: str
  timeout:
    description:
      - How long the server may be silent, such as V(30s) or V(1m30s). To answer at all it may take
        four times as long, and in any span of that length it must send 4KiB a second on average.
    type: str
    default: 30s
  retries:
    description:
      - How many further attempts in a row may fail. One that brought bytes begins the count anew.
    type: int
    default: 3
  state:
    description:
      - V(present) brings the image if the pool has not got it.
      - V(absent) removes the version of O(checksum), or without it all versions of the image. It is
        refused while a machine or a disk is backed by one of them.
    type: str
    choices: [absent, present]
    default: present
  protect:
    description: Refuses to remove the image.
    type: bool
    default: false
requirements:
  - qemu-img on the KVM host (Debian's package qemu-utils)
notes:
  - The module writes into the pool's folder itself, so it needs C(become) where that is root's.
"""

EXAMPLES = r"""
- name: Have a cloud image in the default pool, as its publisher's list has it
  dockyard.fleet.vm_image:
    name: debian-12
    url: https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2
    checksum: https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS
  register: base

- name: Say which volume machines are backed by
  ansible.builtin.debug:
    var: base.vm_image.volume

- name: Have an image from a server of one's own, of a fixed version
  dockyard.fleet.vm_image:
    name: app-base
    url: https://images.example.com/app-base.img.xz
    checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    ca_path: /etc/ssl/private-ca.pem

- name: Have an image that was built on the host
  dockyard.fleet.vm_image:
    name: built-here
    path: /srv/images/built-here.qcow2

- name: Remove all versions of an image that no machine is backed by
  dockyard.fleet.vm_image:
    name: app-base
    state: absent
"""

RETURN = r"""
vm_image:
  description:
    - The image as it is in the pool afterwards; null if it is absent.
    - In check mode, an image that is not there yet as far as it is known.
  returned: success
  type: dict
  sample:
    name: debian-12
    volume: debian-12-9f86d081884c.qcow2
    path: /var/lib/libvirt/images/debian-12-9f86d081884c.qcow2
    pool: default
    checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    virtual_size: 2147483648
plan:
  description:
    - What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      vm_image/debian-12
        not in the pool default [none]
          download https://images.example.com/debian-12.qcow2 → debian-12-9f86d081884c.qcow2
    steps:
      - id: vm_image/debian-12#1
        address: vm_image/debian-12
        verb: download
        cause: not in the pool default
        impact: none
        maybe: false
        needs: []
        args:
          "on": https://images.example.com/debian-12.qcow2
          to: debian-12-9f86d081884c.qcow2
    notes: []
    pending: []
    refused: []
    fingerprint: 8c6976e5b5410415
    declared: {}
created:
  description: Whether the image, or another version of it, was brought.
  returned: success
  type: bool
  sample: true
updated:
  description: Always false for base images.
  returned: success
  type: bool
  sample: false
replaced:
  description: Always false for base images.
  returned: success
  type: bool
  sample: false
restarted:
  description: Always false for base images.
  returned: success
  type: bool
  sample: false
"""

from ..module_utils._libvirt.frontend.module import main
from ..module_utils._libvirt.image.resource import VM_IMAGE

if __name__ == "__main__":
    main(VM_IMAGE)
