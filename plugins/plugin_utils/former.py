# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How options of a container are called elsewhere: whoever writes one is told its name here.

They are hints, no aliases: of some the values differ as well. docs/from-community-docker.md has
all of them (a test compares the two); the last one is a key of a Compose service.
"""

from __future__ import annotations

from typing import Dict

CONTAINER: Dict[str, str] = {
    "blkio_weight": "blkio_config.weight",
    "capabilities": "cap_add",
    "cgroupns_mode": "cgroup",
    "comparisons": "ignore_changes",
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
    "pid_mode": "pid",
    "published_ports": "ports",
    "pull": "pull_policy",
    "restart_policy": "restart",
    "restart_retries": "restart",
    "security_opts": "security_opt",
    "stop_timeout": "stop_grace_period",
    "storage_opts": "storage_opt",
    "container_name": "name",
}
