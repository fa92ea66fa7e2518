# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a container: how it runs, its rights and devices."""

from __future__ import annotations


class ModuleDocFragment:
    """How a container runs."""

    DOCUMENTATION = r"""
options:
  env_file:
    description:
      - Files of environment variables on the controller, relative to the playbook; a path, or a
        list of paths and of mappings of C(path), C(required) and C(format) (V(raw) takes lines as
        they are, quotes, C($) and C(#) included). They may be encrypted with Ansible Vault.
      - A later file wins over an earlier one, O(environment) and O(secret_environment) over all.
      - As in Compose, single quotes keep what is in them, C(#) after a blank begins a comment, and
        C($NAME) and C(${NAME}) stand for an earlier variable, C(${NAME:-default}) and the like
        included; C($$) is a dollar sign. One that is not set is an error without a default, and the
        controller's environment is not looked at.
      - Values are treated as those of O(secret_environment).
      - 'Change: C(replace).'
    type: raw
  label_file:
    description:
      - Files of labels on the controller, in the forms of O(env_file). O(labels) wins over them.
      - 'Change: C(replace).'
    type: raw
  working_dir:
    description:
      - The folder in the container that the command starts in, a whole path. The default is the
        image's.
      - 'Change: C(replace).'
    type: str
  hostname:
    description:
      - The name by which the container knows itself. The default is the beginning of its id.
      - 'Change: C(replace).'
    type: str
  domainname:
    description:
      - The NIS domain name of the container.
      - 'Change: C(replace).'
    type: str
  tty:
    description:
      - Gives it a terminal, which also mixes its two output streams into one.
      - 'Change: C(replace).'
    type: bool
  stdin_open:
    description:
      - Keeps its standard input open though nobody is attached.
      - 'Change: C(replace).'
    type: bool
  init:
    description:
      - Runs a small init as the first process, which forwards signals and reaps zombies.
      - 'Change: C(replace).'
    type: bool
  stop_signal:
    description:
      - The signal that asks it to stop, by name or number as on Linux, such as V(SIGINT), V(2) or
        V(SIGRTMIN+3). The default is the image's, or V(SIGTERM).
      - 'Change: C(replace).'
    type: str
  read_only:
    description:
      - Mounts its root file system read-only.
      - 'Change: C(replace).'
    type: bool
  privileged:
    description:
      - Gives it all capabilities and devices of the host.
      - 'Change: C(replace).'
    type: bool
  auto_remove:
    description:
      - Has the engine remove it once it stops. It excludes O(restart) and the state C(stopped).
      - A replacement of such a container has no way back, since the old one is gone once it
        stops; the plan says so.
      - 'Change: C(replace).'
    type: bool
  runtime:
    description:
      - The OCI runtime, one that the engine's configuration knows. The default is the engine's.
      - 'Change: C(replace).'
    type: str
  platform:
    description:
      - The platform of the image, C(OS[/ARCH[/VARIANT]]), such as V(linux/arm64), or the
        architecture alone.
      - It matters when a container is created; what is compared is the image.
    type: str
  annotations:
    description:
      - Annotations for the runtime, as a mapping or a list of C(KEY=VALUE).
      - Needs API 1.43 (Docker 24).
      - 'Change: C(replace).'
    type: raw
  isolation:
    description:
      - The isolation technology. Only engines on Windows have it, and elsewhere it is refused.
      - 'Change: C(replace).'
    type: str
  credential_spec:
    description:
      - The credential spec of a managed service account, one of C(config), C(file) and
        C(registry). Only engines on Windows have it, and elsewhere it is refused.
      - 'Change: C(replace).'
    type: dict
  cap_drop:
    description:
      - Capabilities of the engine's default ones that it does not get, with or without C(CAP_);
        V(ALL) for all.
      - 'Change: C(replace).'
    type: list
    elements: str
  security_opt:
    description:
      - Security options, C(KEY=VALUE) or C(KEY:VALUE), such as V(no-new-privileges),
        V(apparmor=unconfined), V(label=disable) and V(systempaths=unconfined).
      - V(seccomp=unconfined), or C(seccomp=) with a profile as JSON. An engine does not read a
        file of that name, so hand it over with C(lookup('file', 'profile.json')).
      - V(no-new-privileges=false) is not the same as nothing, since an engine may have it on by
        default.
      - 'Change: C(replace).'
    type: list
    elements: str
  group_add:
    description:
      - More groups of its processes, by name as its image knows it or by number.
      - 'Change: C(replace).'
    type: list
    elements: str
  sysctls:
    description:
      - Kernel parameters of its own namespaces, as a mapping or a list of C(KEY=VALUE), such as
        C(net.core.somaxconn=1024).
      - 'Change: C(replace).'
    type: raw
  devices:
    description:
      - Devices of the host, C(HOST[:CONTAINER[:PERMISSIONS]]) with permissions of C(rwm), or a
        mapping with C(source), C(target) and C(permissions).
      - A name such as V(vendor.com/class=one) asks for a device by name (CDI), which needs Docker
        25.
      - 'Change: C(replace).'
    type: list
    elements: raw
  device_cgroup_rules:
    description:
      - Rules about device nodes that it makes itself, such as V(c 1:3 mr).
      - 'Change: C(replace).'
    type: list
    elements: str
  device_requests:
    description:
      - Requests to a device driver; C(driver), C(count) (a number, or V(all)), C(device_ids),
        C(capabilities) (a list, or a list of lists of which one must be met) and C(options).
      - 'Change: C(replace).'
    type: list
    elements: raw
  gpus:
    description:
      - GPUs, V(all), or a list as in O(device_requests), each of which gets the capability
        V(gpu). It is compared, and shown in plans, as O(device_requests).
      - 'Change: C(replace).'
    type: raw
"""
