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
      - Long form, a mapping with C(target), C(published), C(host_ip) and C(protocol).
      - Without a host port the engine picks a free one; with an address that is V(127.0.0.1::80).
      - Without an address the port is published on all of the host's, those of IPv6 too;
        C(0.0.0.0) is all of IPv4, C([::]) all of IPv6.
      - 'Change: C(replace).'
    type: list
    elements: raw
  volumes:
    description:
      - Mounts. Short form C([SOURCE:]TARGET[:OPTIONS]), where a source that begins with V(/) is a
        path on the host and another one a named volume, with options such as V(ro) or V(z).
      - Long form, a mapping with C(type) (V(bind), V(volume), V(tmpfs) or V(image)), C(source),
        C(target), C(read_only), and one of C(bind) (C(propagation), C(create_host_path),
        C(recursive), C(selinux)), C(volume) (C(nocopy), C(subpath), C(labels), C(driver),
        C(driver_opts)), C(tmpfs) (C(size), C(mode), which is quoted and octal) and C(image)
        (C(subpath)).
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
      - Existing networks, as a list of names, or a mapping of names to C(aliases),
        C(ipv4_address), C(ipv6_address), C(link_local_ips), C(mac_address), C(driver_opts),
        C(interface_name), C(gw_priority) and C(priority), the highest of which is joined first.
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
