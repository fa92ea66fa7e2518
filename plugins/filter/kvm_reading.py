# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a host for virtual machines: the filter behind role kvm_host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kvm_reading
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say what was read of a host and its libvirt
description:
  - Takes what the role reads of a host in one call. Nothing in it is believed to be there, or to
    be well formed.
options:
  _input:
    description:
      - Lines, each with a word that says what it is, a tab, and a value. The words are V(system)
        and V(machine) (of C(uname)), V(user) (a number), V(init), V(release) (os-release in
        base64), V(package) (a line of C(dpkg-query)), V(device) (owner, its number, group, its
        number and mode of C(/dev/kvm)), V(kvm) (there is a group of that name), V(tun) (there is
        C(/dev/net/tun)), V(qemu) (there is QEMU), V(conf) (what C(grep) ended with that looked for
        a setting of control groups), V(cgroups) (there are writable ones), V(units) (words of
        C(systemctl is-active) and C(is-enabled)), V(libvirt) (it answers); and, in base64,
        V(network-xml), V(network-info), V(networks), V(pool-xml), V(pool-info), V(pools) (of
        C(virsh)) and V(routes) (of C(ip) in JSON).
      - Where one is there more than once, the first counts. Packages are a list.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Say what the host has
  ansible.builtin.debug:
    msg: "{{ seen | dockyard.fleet.kvm_reading }}"
  vars:
    seen: "user\t0\ninit\tsystemd\ndevice\troot 0 kvm 104 660"
"""

RETURN = r"""
_value:
  description: What is known of the host.
  type: dict
  contains:
    user:
      description: The number of the user that was asked. Empty when it did not say.
      type: str
    init:
      description: V(systemd), V(sysv), or V(direct) where the first process is no init.
      type: str
    distribution:
      description: Its name, for Debian and Ubuntu as Ansible's facts have it.
      type: str
    release:
      description: The number of its release. Empty where it has none, as Debian's testing.
      type: str
    codename:
      description: The name of its release.
      type: str
    platform:
      description: Name and release, for messages.
      type: str
    architecture:
      description: What C(uname -m) says.
      type: str
    packages:
      description: Lines of C(dpkg-query).
      type: list
      elements: str
    device:
      description: Owner, group and mode of C(/dev/kvm) in words. Empty where there is none.
      type: str
    closed:
      description: Whether there is a device, and neither everybody nor the group kvm may use it.
      type: bool
    kvm:
      description: Whether there is a group of that name.
      type: bool
    tun:
      description: Whether there is a device node of network taps.
      type: bool
    qemu:
      description: Whether there is QEMU.
      type: bool
    conf:
      description:
        - V(set) where the configuration of QEMU says something of control groups, V(unset) where
          it does not, V(absent) where there is none.
      type: str
    cgroups:
      description: Whether there are writable control groups.
      type: bool
    supervised:
      description: Whether systemd has all that it should of libvirt's active and enabled.
      type: bool
    answers:
      description: Whether libvirt answers.
      type: bool
    network_xml:
      description: The definition of the network. Empty where there is none.
      type: str
    network_info:
      description: What C(virsh net-info) says of it.
      type: str
    pool_xml:
      description: The definition of the pool. Empty where there is none.
      type: str
    pool_info:
      description: What C(virsh pool-info) says of it.
      type: str
    networks:
      description: Networks that are active and start with the host.
      type: list
      elements: str
    pools:
      description: Pools that are active and start with the host.
      type: list
      elements: str
    routes:
      description: What C(ip) says of routes, in JSON.
      type: str
"""

import re
from typing import Any, Callable, Dict

from ansible_collections.dockyard.fleet.plugins.plugin_utils.filters.reading import Reading

# Of systemd: two sockets are active, and they and the daemon are enabled.
_SUPERVISED = ["active"] * 2 + ["enabled"] * 3
_CONF = {"0": "set", "1": "unset"}


def kvm_reading(text: str) -> Dict[str, Any]:
    """Return what the lines of a reading say."""
    reading = Reading(text)
    texts = ("network-xml", "network-info", "pool-xml", "pool-info", "routes")
    return {
        **reading.host(),
        "architecture": reading.first("machine"),
        **_device(reading.first("device")),
        **{word: word in reading for word in ("kvm", "tun", "qemu", "cgroups")},
        "conf": _CONF.get(reading.first("conf"), "absent"),
        "supervised": reading.first("units").split() == _SUPERVISED,
        "answers": "libvirt" in reading,
        **{word.replace("-", "_"): reading.decoded(word) for word in texts},
        **{
            word: [name.strip() for name in reading.decoded(word).splitlines() if name.strip()]
            for word in ("networks", "pools")
        },
    }


def _device(line: str) -> Dict[str, Any]:
    """Return what `stat` says of the device: owner, its number, group, its number, and mode."""
    match = re.fullmatch(r"(\S+) (\d+) (\S+) (\d+) ([0-7]{1,4})", line)
    if not match:
        return {"device": "", "closed": False}
    owner, owner_id, group, group_id, mode = match.groups()
    bits = int(mode, 8)
    usable = bits & 0o006 == 0o006 or (group == "kvm" and bits & 0o060 == 0o060)
    names = [
        number if name == "UNKNOWN" else name
        for name, number in ((owner, owner_id), (group, group_id))
    ]
    return {"device": f"{':'.join(names)} {mode.zfill(4)}", "closed": not usable}


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"kvm_reading": kvm_reading}
