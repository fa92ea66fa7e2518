# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a container: namespaces, names, ports and storage beside volumes."""

from __future__ import annotations


class ModuleDocFragment:
    """What a container shares with others."""

    DOCUMENTATION = r"""
options:
  ipc:
    description:
      - Its shared memory; V(private), V(shareable), V(host), V(none) or V(container:NAME). The
        default is the engine's.
      - 'Change: C(replace).'
    type: str
  pid:
    description:
      - Its processes; V(host) or V(container:NAME). The default is a space of its own.
      - 'Change: C(replace).'
    type: str
  uts:
    description:
      - V(host) has it use the host's name.
      - 'Change: C(replace).'
    type: str
  userns_mode:
    description:
      - V(host) does not map its users though the engine maps them; Podman knows more modes.
      - 'Change: C(replace).'
    type: str
  cgroup:
    description:
      - Its view of control groups, V(host) or V(private). The default is the engine's.
      - 'Change: C(replace).'
    type: str
  cgroup_parent:
    description:
      - The control group above it, such as V(/apps), or V(apps.slice) with systemd. V(apps) without
        the slash can be another one, since an engine looks for it below the group that it runs in.
      - 'Change: C(replace).'
    type: str
  dns:
    description:
      - Addresses of resolvers, a list or one. The default is the engine's.
      - 'Change: C(replace).'
    type: raw
  dns_opt:
    description:
      - Options of the resolver, such as V(ndots:2).
      - 'Change: C(replace).'
    type: list
    elements: str
  dns_search:
    description:
      - Domains that short names are looked up in, a list or one; V(.) for none.
      - 'Change: C(replace).'
    type: raw
  extra_hosts:
    description:
      - Names with fixed addresses, a list of C(HOST=ADDRESS) or a mapping to an address or a list
        of them. V(host-gateway) stands for an address of the host.
      - 'Change: C(replace).'
    type: raw
  links:
    description:
      - Containers that it reaches under another name, C(NAME[:ALIAS]). They must run on the
        default bridge, or be in a network with it. Podman has none.
      - 'Change: C(replace).'
    type: list
    elements: str
    aliases: [external_links]
  mac_address:
    description:
      - The MAC address in its first network. In others, see O(networks).
      - 'Change: C(replace).'
    type: str
  expose:
    description:
      - Ports that it offers inside its networks, such as V("7000-7010/udp"). They are a note for
        others, and published only by O(publish_all_ports).
      - 'Change: C(replace).'
    type: list
    elements: str
  publish_all_ports:
    description:
      - Publishes each exposed port that O(ports) does not, on free ports of the host.
      - 'Change: C(replace).'
    type: bool
  tmpfs:
    description:
      - File systems in memory, C(PATH[:OPTIONS]), a list or one, such as V(/run:size=64m).
      - V(size=1m), V(size=1024k) and V(size=1048576) are the same.
      - 'Change: C(replace).'
    type: raw
  volumes_from:
    description:
      - Containers whose volumes are mounted as well, C([container:]NAME[:ro]). It is compared by
        the container's id, so it is replaced after that one was.
      - 'Change: C(replace).'
    type: list
    elements: str
  storage_opt:
    description:
      - Options of the storage driver, such as C(size=10G), where the driver has any.
      - 'Change: C(replace).'
    type: raw
  volume_driver:
    description:
      - The driver of the named volumes that do not exist yet.
      - 'Change: C(replace).'
    type: str
  use_api_socket:
    description:
      - Mounts the engine's socket at C(/var/run/docker.sock). Whoever is in the container then
        rules the host.
      - Docker 28 can neither copy to nor from a container that has a mount over a link, and
        C(/var/run) is one in most images. Where that is needed, leave this option out and
        write C(/var/run/docker.sock:/run/docker.sock) under C(volumes), which is the same place.
      - 'Change: C(replace).'
    type: bool
    default: false
"""
