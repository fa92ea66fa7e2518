# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the keys of a Compose service that most containers have."""

from __future__ import annotations


class ModuleDocFragment:
    """What it runs, how it is known to be well, its ports, mounts, networks and limits."""

    DOCUMENTATION = r"""
options:
  command:
    description:
      - What runs, as a list of words, or a string that is split into words as a shell would; no
        shell runs it. The default is the image's, or nothing if O(entrypoint) is given.
      - 'Change: C(replace).'
    type: raw
  entrypoint:
    description:
      - What O(command) is handed to, in the same forms. An empty list takes the image's away.
      - 'Change: C(replace).'
    type: raw
  environment:
    description:
      - Environment variables, as a mapping or a list of C(KEY=VALUE). They add to the image's.
      - A key without a value takes the image's value of that key away.
      - Whole numbers and booleans become their digits, and V(true) or V(false). A number with a
        point, a date, a key that YAML takes for one of these or for a boolean, and a number that
        YAML reads otherwise than it is written (V(0755), V(12:30)) is refused; put it in quotes.
      - Values are shown in plans if the task declares them. What must stay secret belongs into
        O(secret_environment).
      - 'Change: C(replace).'
    type: raw
  secret_environment:
    description:
      - Environment variables whose values are in no output, log or label; a mapping.
      - The engine itself shows them to whoever may use it.
      - 'Change: C(replace).'
    type: dict
  labels:
    description:
      - Labels, as a mapping or a list of C(KEY=VALUE). They add to the image's.
      - Names that begin with C(dockyard.fleet.) are kept by the collection.
      - 'Change: C(replace).'
    type: raw
  user:
    description:
      - The user that it runs as, C(USER[:GROUP]), by name or number. Quote a number.
      - 'Change: C(replace).'
    type: str
  stop_grace_period:
    description:
      - How long it may take to stop before it is killed, in whole seconds, such as V(20s) or
        V(1m30s). The engine's default, and what an empty text means, is V(10s).
      - 'Change: C(replace).'
    type: str
  healthcheck:
    description:
      - How the engine finds out whether the container is well. What is left out is the image's.
      - 'Change: C(replace).'
    type: dict
    suboptions:
      test:
        description:
          - A string that the container's shell runs, or a list that begins with V(CMD),
            V(CMD-SHELL) or V(NONE).
        type: raw
      interval:
        description:
          - Time between two probes, such as V(30s), which is the engine's default.
        type: str
      timeout:
        description:
          - How long a probe may take. The engine's default is V(30s).
        type: str
      start_period:
        description:
          - Time after the start in which failed probes do not count.
        type: str
      start_interval:
        description:
          - Time between two probes within O(healthcheck.start_period).
          - Needs API 1.44. It is refused on an older engine, which would drop it silently.
        type: str
      retries:
        description:
          - How many probes in a row must fail until it is unhealthy. The engine's default is 3.
        type: int
      disable:
        description:
          - Switches the image's healthcheck off. It excludes the other keys.
        type: bool
  ports:
    description:
      - Published ports. Short form C([[IP:][HOST]:]CONTAINER[/PROTOCOL]), with ranges such as
        V(8000-8002:80-82); always quoted, since YAML reads V(22:22) as 1342.
      - Long form, a mapping with the keys below.
      - Without a host port the engine picks a free one; with an address that is V(127.0.0.1::80).
      - Without an address the port is published on all of the host's, those of IPv6 too;
        C(0.0.0.0) is all of IPv4, C([::]) all of IPv6.
      - 'Change: C(replace).'
    type: list
    elements: raw
    suboptions:
      target:
        description: The container's port, or a range of them such as V(80-82).
        type: str
        required: true
      published:
        description: The host's port or range, as long as that of O(ports[].target) or for any free
          one of it. Without it the engine picks one.
        type: str
      host_ip:
        description: The host's address to publish on; by default all of them.
        type: str
      protocol:
        description: V(tcp), V(udp) or V(sctp).
        type: str
        default: tcp
      mode:
        description: Is of a swarm; it is taken, and means nothing here.
        type: str
      name:
        description: A name for people; it is taken, and means nothing here.
        type: str
      app_protocol:
        description: A hint for people; it is taken, and means nothing here.
        type: str
  volumes:
    description:
      - Mounts. Short form C([SOURCE:]TARGET[:OPTIONS]), where a source that begins with V(/) is a
        path on the host and another one a named volume, with options such as V(ro) or V(z).
      - Long form, a mapping with the keys below, and of C(bind), C(volume), C(tmpfs) and C(image)
        the one of its C(type).
      - A mounted image needs API 1.48 (Docker 28), C(volume.subpath) 1.45, the values V(writable)
        and V(readonly) of C(bind.recursive) 1.44.
      - C(volume.labels) and its driver are for a volume that does not exist yet. C(consistency)
        (V(cached) and its like in the short form) is taken and changes nothing.
      - A colon in a path takes the long form; for a C(bind) it needs API 1.42 then, or
        C(create_host_path=false).
      - Podman takes of the long form's settings only C(propagation), C(recursive) V(disabled),
        C(selinux), C(nocopy) and those of C(tmpfs), and no colon in a path; others are refused. It
        alone knows the option V(U).
      - Paths are whole paths on the host; V(~) and V($) are refused, since nobody expands them.
      - A volume without a source is anonymous; a replacement takes it over with its data.
      - 'Change: C(replace).'
    type: list
    elements: raw
    suboptions:
      type:
        description: V(bind), V(volume), V(tmpfs) or V(image).
        type: str
        required: true
      source:
        description: A whole path on the host, the name of a volume or of an image; V(tmpfs) has
          none, and a volume without one is anonymous.
        type: str
      target:
        description: A whole path in the container.
        type: str
        required: true
      read_only:
        description: Whether nothing can be written there.
        type: bool
        default: false
      consistency:
        description: V(consistent), V(cached) or V(delegated); it is taken, and changes nothing.
        type: str
      bind:
        description: Settings of a path of the host.
        type: dict
        suboptions:
          propagation:
            description: V(private), V(rprivate), V(shared), V(rshared), V(slave) or V(rslave).
            type: str
          create_host_path:
            description: Whether a folder is made where the path is not there.
            type: bool
            default: true
          recursive:
            description: What becomes of mounts below it, V(enabled), V(disabled), V(writable) or
              V(readonly).
            type: str
            default: enabled
          selinux:
            description: V(z), a label that containers share, or V(Z), one of its own.
            type: str
      volume:
        description: Settings of a volume.
        type: dict
        suboptions:
          nocopy:
            description: Whether what the image has there is not copied into a new volume.
            type: bool
            default: false
          subpath:
            description: A folder of the volume, which has to be there.
            type: str
          labels:
            description: Labels of a volume that is made by the way.
            type: dict
          driver:
            description: The driver of a volume that is made by the way.
            type: str
          driver_opts:
            description: The options of that driver.
            type: dict
      tmpfs:
        description: Settings of a file system in memory.
        type: dict
        suboptions:
          size:
            description: Its size, such as V(64m).
            type: str
          mode:
            description: Its permissions, octal digits in quotes such as V('1770').
            type: str
      image:
        description: Settings of a mounted image.
        type: dict
        suboptions:
          subpath:
            description: A folder of the image.
            type: str
  network_mode:
    description:
      - V(bridge), V(host), V(none), V(container:NAME), or the name of a network. It excludes
        O(networks). V(pasta) and V(slirp4netns), with options after a colon, are Podman's for users
        who are not root.
      - 'Change: C(live) from one network to another, C(replace) to or from V(host), V(none) and
        V(container:NAME).'
    type: str
  networks:
    description:
      - Existing networks, as a list of names, or a mapping of names to the settings below.
        The default is the engine's default bridge. Compose's C(default), the network of a project,
        is refused, since a task has no project.
      - C(gw_priority) needs API 1.48 (Docker 28), C(interface_name) 1.49, and C(mac_address) in
        more than one network 1.44 (Docker 25).
      - An address that another running container has, or the network itself, is refused
        beforehand. A change that fails for another reason puts the container back where it was, and
        what Docker keeps of a failed C(docker network connect), a place on paper only, counts as
        not connected.
      - 'Change: C(live), by leaving the network and joining it anew; of a C(mac_address)
        C(replace), and so of anything beside one on Docker with API 1.44 and later, which gives it
        at creation only.'
    type: raw
    suboptions:
      NETWORK:
        description: The name of a network, with the settings of the container in it, or nothing.
        type: dict
        suboptions:
          aliases:
            description: Further names of the container in that network.
            type: list
            elements: str
          ipv4_address:
            description: Its IPv4 address, in a subnet that the network was made with.
            type: str
          ipv6_address:
            description: Its IPv6 address, in a subnet that the network was made with.
            type: str
          link_local_ips:
            description: Further addresses, of the link alone.
            type: list
            elements: str
          mac_address:
            description: Its MAC address, such as V(02:42:ac:11:00:03).
            type: str
          driver_opts:
            description: Options of the network's driver for this container.
            type: dict
          interface_name:
            description: The name of the interface in the container, of at most 15 characters.
            type: str
          gw_priority:
            description: The network with the highest number has the default route.
            type: int
            default: 0
          priority:
            description: The network with the highest number is joined first.
            type: int
            default: 0
  mem_limit:
    description:
      - The most memory it may use, such as V(64m) or V(2GiB); at least V(6m). Units are V(b),
        V(k), V(m), V(g) and V(t), in powers of 1024.
      - 'Change: C(live). To lift the limit: C(replace), since engines cannot do that live.'
    type: str
  memswap_limit:
    description:
      - The most memory and swap together, or V(-1) for no limit of swap. It needs O(mem_limit),
        and its default is twice that.
      - 'Change: C(live). To lift the limit: C(replace).'
    type: str
  cpus:
    description:
      - The most CPU time it may use, in CPUs, such as V(0.5).
      - 'Change: C(live). To lift the limit: C(replace).'
    type: raw
  pids_limit:
    description:
      - The most processes and threads it may have; V(-1) or V(0) for no limit.
      - 'Change: C(live).'
    type: int
  restart:
    description:
      - When the engine starts it again, V(no), V(always), V(unless-stopped), V(on-failure) or
        V(on-failure:RETRIES). The default is V(no).
      - An unquoted C(no) is a boolean in YAML and means V(no); V(true) is an error.
      - 'Change: C(live).'
    type: raw
  cap_add:
    description:
      - Capabilities beyond the engine's default ones, such as V(NET_ADMIN), with or without
        C(CAP_).
      - 'Change: C(replace).'
    type: list
    elements: str
  logging:
    description:
      - Where its output goes. The default is the engine's.
      - 'Change: C(replace).'
    type: dict
    suboptions:
      driver:
        description:
          - The driver, such as V(json-file), V(local), V(journald) or V(none).
        type: str
      options:
        description:
          - Options of the driver, as a mapping or a list of C(KEY=VALUE), such as
            C(max-size=10m). Each has a value. What the engine's own configuration adds is not
            compared.
        type: raw
"""
