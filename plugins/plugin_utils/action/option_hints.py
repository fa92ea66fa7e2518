# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hints for options that other tools have: community.docker, Compose.

They are hints, no aliases: of some the values differ as well. docs/from-community-docker.md has
all of community.docker's (a test compares the two), compose_hints.py has the keys of Compose.
"""

from __future__ import annotations

from typing import Dict, Mapping

from .compose_hints import KEYS

# What a module's options are called here, by module, then by their old name or path.
RENAMED: Dict[str, Dict[str, str]] = {
    "container": {
        "blkio_weight": "blkio_config.weight",
        "capabilities": "cap_add",
        "cgroupns_mode": "cgroup",
        "comparisons": "ignore_changes",
        "container_name": "name",
        "cpuset_cpus": "cpuset",
        "default_host_ip": "ports",
        "device_read_bps": "blkio_config.device_read_bps",
        "device_read_iops": "blkio_config.device_read_iops",
        "device_write_bps": "blkio_config.device_write_bps",
        "device_write_iops": "blkio_config.device_write_iops",
        "dns_opts": "dns_opt",
        "dns_search_domains": "dns_search",
        "dns_servers": "dns",
        "env": "environment",
        "etc_hosts": "extra_hosts",
        "exposed_ports": "expose",
        "force_kill": "stop_signal",
        "groups": "group_add",
        "healthy_wait_timeout": "wait_timeout",
        "interactive": "stdin_open",
        "ipc_mode": "ipc",
        "keep_volumes": "remove_volumes",
        "kill_signal": "stop_signal",
        "log_driver": "logging.driver",
        "log_options": "logging.options",
        "memory": "mem_limit",
        "memory_reservation": "mem_reservation",
        "memory_swap": "memswap_limit",
        "memory_swappiness": "mem_swappiness",
        "mounts": "volumes",
        "oom_killer": "oom_kill_disable",
        "paused": "state",
        "pid_mode": "pid",
        "published_ports": "ports",
        "pull": "pull_policy",
        "restart_policy": "restart",
        "restart_retries": "restart",
        "security_opts": "security_opt",
        "stop_timeout": "stop_grace_period",
        "storage_opts": "storage_opt",
    },
    "copy": {
        "path": "src",
        "container_path": "dest",
        "owner_id": "owner",
        "group_id": "group",
    },
    "container_info": {"name": "names"},
    "image_info": {"name": "names"},
    "network_info": {"name": "names"},
    "volume_info": {"name": "names"},
    "image": {
        "archive_path": "save",
        "args": "build.args",
        "build.etc_hosts": "build.extra_hosts",
        "build.nocache": "build.no_cache",
        "build.path": "build.context",
        "build.platform": "build.platforms",
        "build.use_config_proxy": "build.args",
        "cache_from": "build.cache_from",
        "dockerfile": "build.dockerfile",
        "etc_hosts": "build.extra_hosts",
        "force_absent": "force",
        "force_source": "pull_policy",
        "force_tag": "tags",
        "labels": "build.labels",
        "load_path": "load",
        "network": "build.network",
        "nocache": "build.no_cache",
        "outputs": "build.outputs",
        "pull": "pull_policy",
        "repository": "tags",
        "secrets": "build.secrets",
        "shm_size": "build.shm_size",
        "target": "build.target",
    },
    "login": {"registry_url": "registry"},
    "logout": {"registry_url": "registry"},
    "network": {
        "driver_options": "driver_opts",
        "ipam.config.iprange": "ipam.config.ip_range",
        "ipam_config": "ipam.config",
        "ipam_driver": "ipam.driver",
        "ipam_driver_options": "ipam.options",
    },
    "prune": {
        "builder_cache": "build_cache",
        "containers_filters": "filters",
        "images_filters": "filters",
        "networks_filters": "filters",
        "volumes_filters": "filters",
    },
    "volume": {
        "driver_options": "driver_opts",
        "recreate": "destroy",
        "volume_name": "name",
    },
}

# What there is no option for, and why; or what is to be said beside the new name. By module; an
# entry with a value, `option=value`, is about that value.
REASONS: Dict[str, Dict[str, str]] = {
    "container": {
        "cleanup": "it is an option of dockyard.fleet.run, for what runs to its end",
        "command_handling": "a text is split into words, a list is taken as it is",
        "container_default_behavior": "what is left out has the engine's default",
        "detach": "for a container that runs to its end take dockyard.fleet.run",
        "healthcheck.test_cli_compatible": "what is left out is the image's",
        "image_comparison": "ignore_changes: [image] leaves the image as it is",
        "image_label_mismatch": "labels of the image are never a difference",
        "image_name_mismatch": "two names of one image are one image",
        "networks_cli_compatible": "it is only in the networks that are named",
        "output_logs": "dockyard.fleet.run has it in its result, dockyard.fleet.logs reads it",
        "paused": "write state: paused",
        "pull": "pull_policy takes its place here: always for true, missing for false",
        "pull_check_mode_behavior": "the registry is asked in check mode too",
        "pull_policy=False": "write missing, which pulls what is not there, or never",
        "pull_policy=True": "write always, which is what pull: true means elsewhere",
        "recreate=False": "leave it out, or write auto, which is the default",
        "recreate=True": "write always, which is what true means elsewhere",
        "removal_wait_timeout": "a removal is awaited as long as engine_timeout",
        "restart=True": "it is the policy here: no, always, unless-stopped or on-failure[:retries];"
        " for a restart now write force_restart: true",
        "state=healthy": "write state: started, and wait: healthy",
        "stop_timeout": "stop_grace_period takes its place here, with a unit: 10s",
    },
    "copy": {
        "content_is_b64": "use src for what is not text",
        "local_follow": "links in a folder are copied as links",
        "mode_parse": "write octal digits in quotes, such as '0644'",
    },
    "host_info": {
        **{
            kind: f"dockyard.fleet.{kind[:-1]}_info lists them, without names"
            for kind in ("containers", "images", "networks", "volumes")
        },
        **{
            f"{kind}_filters": f"filters of dockyard.fleet.{kind[:-1]}_info takes its place"
            for kind in ("containers", "images", "networks", "volumes")
        },
        "containers_all": "filters.state of dockyard.fleet.container_info takes its place",
        "verbose_output": "what is listed is always in full",
    },
    "image": {
        "build.container_limits": "BuildKit has no such limits",
        "build.http_timeout": "a build is bounded by silence, not by time",
        "build.rm": "what a build leaves on the way is always removed",
        "existing_images": "a tag that means another image is moved",
        "path": "build.context is what is built, load the archive to load, save the one to write",
        "prune": "parents without a name go with the image",
        "pull_policy=False": "write missing, which pulls what is not there, or never",
        "pull_policy=True": "write always, which is what pull: true means elsewhere",
        "rebuild": "it is built when the context, the options or the base image have changed",
        "source": "build, load and import are sources; without one it is pulled",
        "tag": "it stands in the name, such as app:1.4; tags are further whole names of the image",
    },
    "login": {
        "reauthorize": "a stored login is not checked again; log out first",
        "state": "use dockyard.fleet.logout for that",
    },
    "logout": {
        **dict.fromkeys(("username", "password"), "to log out takes the registry alone"),
        "reauthorize": "to log out takes the registry alone",
        "state": "use dockyard.fleet.login for that",
    },
    "network": {
        **dict.fromkeys(
            ("appends", "connected"),
            "networks of dockyard.fleet.container says which container is where",
        ),
        **dict.fromkeys(("config_from", "config_only", "ingress", "scope"), "it is for a swarm"),
    },
    "prune": {
        **dict.fromkeys(
            ("builder_cache_all", "builder_cache_filters", "builder_cache_keep_storage"),
            "build_cache: true removes what no build uses",
        ),
        "filters.dangling": "images: true is for those without a name, unused_images: true for all"
        " that nothing uses",
    },
    "run": {
        "state": "a job runs to its end; dockyard.fleet.container has a state",
        "healthy_wait_timeout": "a job is awaited to its end; wait_timeout bounds it",
        **dict.fromkeys(
            ("comparisons", "recreate", "keep_volumes", "adopt", "protect"),
            "a job is made anew each time; dockyard.fleet.container has it",
        ),
    },
}
# Of every module that talks to an engine.
_CONNECTION = {
    "api_version": "it is negotiated with each engine",
    "debug": "every result has its plan",
    "docker_cli": "docker's client is used for builds with BuildKit alone, where it is",
    "use_ssh_client": "ssh:// always goes through your own ssh and its configuration",
    "validate_certs": "certificates are always checked; engine_ca names the authority",
}


def answers(module: str) -> Mapping[str, str]:
    """Return hints by the name or the path of an unknown option of a module, or `option=value`."""
    parents = ("container", module) if module == "run" else (module,)
    hints: Dict[str, str] = {} if module.startswith("vm") else dict(_CONNECTION)
    if "container" in parents:
        hints.update(KEYS)
    for entry in parents:
        renamed = RENAMED.get(entry, {}).items()
        hints.update({name: f"{ours} takes its place here" for name, ours in renamed})
        hints.update(REASONS.get(entry, {}))
    return hints
