# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made from the rows by `make docs`; do not edit. By subject: options, and the paths of inspect."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

# fmt: off
OPTIONS: Mapping[str, Mapping[str, Dict[str, Any]]] = {
    "process": {
        "image": {"type": "str"}, "command": {"type": "raw"}, "entrypoint": {"type": "raw"},
        "environment": {"type": "raw"}, "secret_environment": {"type": "dict", "no_log": True},
        "labels": {"type": "raw"}, "user": {"type": "str"}, "stop_grace_period": {"type": "str"},
    },
    "program": {
        "working_dir": {"type": "str"}, "hostname": {"type": "str"}, "domainname": {"type": "str"},
        "tty": {"type": "bool"}, "stdin_open": {"type": "bool"}, "init": {"type": "bool"},
        "stop_signal": {"type": "str"}, "read_only": {"type": "bool"},
        "privileged": {"type": "bool"}, "auto_remove": {"type": "bool"}, "runtime": {"type": "str"},
        "platform": {"type": "str"}, "annotations": {"type": "raw"}, "isolation": {"type": "str"},
        "credential_spec": {"type": "dict"},
    },
    "health": {
        "healthcheck.test": {"type": "raw"}, "healthcheck.interval": {"type": "str"},
        "healthcheck.timeout": {"type": "str"}, "healthcheck.start_period": {"type": "str"},
        "healthcheck.start_interval": {"type": "str"}, "healthcheck.retries": {"type": "int"},
    },
    "ports": {
        "expose": {"type": "list", "elements": "str"}, "publish_all_ports": {"type": "bool"},
        "ports": {"type": "list", "elements": "raw"},
    },
    "volumes": {
        "volumes": {"type": "list", "elements": "raw"},
    },
    "storage": {
        "tmpfs": {"type": "raw"}, "volumes_from": {"type": "list", "elements": "str"},
        "storage_opt": {"type": "raw"}, "volume_driver": {"type": "str"},
    },
    "networks": {
        "network_mode": {"type": "str"}, "networks": {"type": "raw"},
        "mac_address": {"type": "str"},
    },
    "hosts": {
        "dns": {"type": "raw"}, "dns_opt": {"type": "list", "elements": "str"},
        "dns_search": {"type": "raw"}, "extra_hosts": {"type": "raw"},
        "links": {"type": "list", "elements": "str", "aliases": ["external_links"]},
    },
    "namespaces": {
        "ipc": {"type": "str"}, "pid": {"type": "str"}, "uts": {"type": "str"},
        "userns_mode": {"type": "str"}, "cgroup": {"type": "str"}, "cgroup_parent": {"type": "str"},
    },
    "memory": {
        "mem_limit": {"type": "str"}, "memswap_limit": {"type": "str"},
        "mem_reservation": {"type": "str"}, "kernel_memory": {"type": "str"},
        "mem_swappiness": {"type": "int"}, "oom_kill_disable": {"type": "bool"},
        "oom_score_adj": {"type": "int"}, "shm_size": {"type": "str"},
    },
    "cpu": {
        "cpus": {"type": "raw"}, "cpu_shares": {"type": "int"}, "cpu_period": {"type": "int"},
        "cpu_quota": {"type": "int"}, "cpuset": {"type": "str"}, "cpuset_mems": {"type": "str"},
        "cpu_rt_period": {"type": "str"}, "cpu_rt_runtime": {"type": "str"},
        "cpu_count": {"type": "int"}, "cpu_percent": {"type": "int"},
    },
    "blkio": {
        "blkio_config.weight": {"type": "int"},
        "blkio_config.weight_device": {"type": "list", "elements": "raw"},
        "blkio_config.device_read_bps": {"type": "list", "elements": "raw"},
        "blkio_config.device_write_bps": {"type": "list", "elements": "raw"},
        "blkio_config.device_read_iops": {"type": "list", "elements": "raw"},
        "blkio_config.device_write_iops": {"type": "list", "elements": "raw"},
    },
    "limits": {
        "pids_limit": {"type": "int"}, "restart": {"type": "raw"}, "ulimits": {"type": "raw"},
    },
    "security": {
        "cap_add": {"type": "list", "elements": "str"},
        "cap_drop": {"type": "list", "elements": "str"},
        "security_opt": {"type": "list", "elements": "str"},
        "group_add": {"type": "list", "elements": "str"}, "sysctls": {"type": "raw"},
    },
    "devices": {
        "devices": {"type": "list", "elements": "raw"},
        "device_cgroup_rules": {"type": "list", "elements": "str"},
        "device_requests": {"type": "list", "elements": "raw"},
    },
    "logs": {
        "logging.driver": {"type": "str"}, "logging.options": {"type": "raw"},
    },
}

PATHS: Mapping[str, Tuple[Tuple[str, Tuple[Any, ...]], ...]] = {
    "process": (
        ("Config.Image", ()), ("Config.Cmd", ()), ("Config.Entrypoint", ()), ("Config.Env", ()),
        ("Config.Env", ()), ("Config.Labels", ()), ("Config.User", ()), ("Config.StopTimeout", ()),
    ),
    "program": (
        ("Config.WorkingDir", ()), ("Config.Hostname", ()), ("Config.Domainname", ()),
        ("Config.Tty", ()), ("Config.OpenStdin", ()), ("HostConfig.Init", ()),
        ("Config.StopSignal", ()), ("HostConfig.ReadonlyRootfs", ()), ("HostConfig.Privileged", ()),
        ("HostConfig.AutoRemove", ()), ("HostConfig.Runtime", ("runc", "oci", "crun")),
        ("HostConfig.Annotations", ()), ("HostConfig.Isolation", ()),
    ),
    "health": (
        ("Config.Healthcheck.Test", ()), ("Config.Healthcheck.Interval", ()),
        ("Config.Healthcheck.Timeout", ()), ("Config.Healthcheck.StartPeriod", ()),
        ("Config.Healthcheck.StartInterval", ()), ("Config.Healthcheck.Retries", ()),
    ),
    "ports": (
        ("Config.ExposedPorts", ()), ("HostConfig.PublishAllPorts", ()),
        ("HostConfig.PortBindings", ()),
    ),
    "volumes": (
        ("HostConfig.Binds", ()), ("HostConfig.Mounts", ()), ("Config.Volumes", ()),
    ),
    "storage": (
        ("HostConfig.Tmpfs", ()), ("HostConfig.VolumesFrom", ()), ("HostConfig.StorageOpt", ()),
        ("HostConfig.VolumeDriver", ()),
    ),
    "networks": (
        ("HostConfig.NetworkMode", ()), ("NetworkSettings.Networks", ()), ("Config.MacAddress", ()),
    ),
    "hosts": (
        ("HostConfig.Dns", ()), ("HostConfig.DnsOptions", ()), ("HostConfig.DnsSearch", ()),
        ("HostConfig.ExtraHosts", ()), ("HostConfig.Links", ()),
    ),
    "namespaces": (
        ("HostConfig.IpcMode", ("private", "shareable")), ("HostConfig.PidMode", ("private",)),
        ("HostConfig.UTSMode", ("private",)), ("HostConfig.UsernsMode", ()),
        ("HostConfig.CgroupnsMode", ("host", "private")), ("HostConfig.CgroupParent", ()),
    ),
    "memory": (
        ("HostConfig.Memory", ()), ("HostConfig.MemorySwap", ()),
        ("HostConfig.MemoryReservation", ()), ("HostConfig.KernelMemory", ()),
        ("HostConfig.MemorySwappiness", ()), ("HostConfig.OomKillDisable", ()),
        ("HostConfig.OomScoreAdj", ()), ("HostConfig.ShmSize", (67108864, 65536000)),
    ),
    "cpu": (
        ("HostConfig.NanoCpus", ()), ("HostConfig.CpuShares", ()), ("HostConfig.CpuPeriod", ()),
        ("HostConfig.CpuQuota", ()), ("HostConfig.CpusetCpus", ()), ("HostConfig.CpusetMems", ()),
        ("HostConfig.CpuRealtimePeriod", ()), ("HostConfig.CpuRealtimeRuntime", ()),
        ("HostConfig.CpuCount", ()), ("HostConfig.CpuPercent", ()),
    ),
    "blkio": (
        ("HostConfig.BlkioWeight", ()), ("HostConfig.BlkioWeightDevice", ()),
        ("HostConfig.BlkioDeviceReadBps", ()), ("HostConfig.BlkioDeviceWriteBps", ()),
        ("HostConfig.BlkioDeviceReadIOps", ()), ("HostConfig.BlkioDeviceWriteIOps", ()),
    ),
    "limits": (
        ("HostConfig.PidsLimit", ()), ("HostConfig.RestartPolicy.Name", ()),
        ("HostConfig.Ulimits", ()),
    ),
    "security": (
        ("HostConfig.CapAdd", ()), ("HostConfig.CapDrop", ()), ("HostConfig.SecurityOpt", ()),
        ("HostConfig.MaskedPaths", ()), ("HostConfig.GroupAdd", ()), ("HostConfig.Sysctls", ()),
    ),
    "devices": (
        ("HostConfig.Devices", ()), ("HostConfig.DeviceCgroupRules", ()),
        ("HostConfig.DeviceRequests", ()),
    ),
    "logs": (
        ("HostConfig.LogConfig.Type", ("json-file", "journald", "local", "k8s-file")),
        ("HostConfig.LogConfig.Config", ()),
    ),
}
