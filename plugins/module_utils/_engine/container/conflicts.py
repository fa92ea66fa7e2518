# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that contradict each other, loaded only if a task declares more than one."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Tuple

from ..._desired.errors import InvalidOption
from .fields.networks import PODMANS, fixed_mode

# (option, other, what is wrong, what would be right): both of them declared.
_EXCLUSIVE: Tuple[Tuple[str, str, str, str], ...] = (
    ("networks", "network_mode", "excludes network_mode", "name the network in networks only"),
    ("cpus", "cpu_period", "excludes cpu_period and cpu_quota", "use cpus only"),
    ("cpus", "cpu_quota", "excludes cpu_period and cpu_quota", "use cpus only"),
)
# What a container in another one's network, or in the host's, cannot have of its own.
_LENT_NETWORK = ("hostname", "dns", "extra_hosts", "links", "mac_address", "expose")


def check_conflicts(declared: Mapping[str, Any], state: str) -> None:
    """Raise InvalidOption for the first contradiction."""
    for option, other, wrong, right in _EXCLUSIVE:
        if declared.get(option) is not None and declared.get(other):
            raise InvalidOption(wrong, option=option, hint=right)
    for option, wrong, right in _contradictions(declared, state):
        raise InvalidOption(wrong, option=option, hint=right)


def _contradictions(declared: Mapping[str, Any], state: str) -> Iterator[Tuple[str, str, str]]:
    yield from _of_networks(declared)
    yield from _of_memory(declared)
    for key in declared.get("secret_environment") or ():
        if key in (declared.get("environment") or ()):
            yield f"environment.{key}", "is in secret_environment too", "keep one"
    if declared.get("auto_remove"):
        if declared.get("restart", ("no", 0))[0] != "no":
            yield "auto_remove", "excludes a restart policy", "leave one of them out"
        if state == "stopped":
            yield "auto_remove", "there is nothing left of it once it stops", "use state: absent"
    for target in declared.get("tmpfs") or ():
        if target in (declared.get("volumes") or ()):
            yield "tmpfs", f"volumes has the target {target} too", "keep one of them"
    if declared.get("uts") and declared.get("hostname"):
        yield "hostname", "is the host's with uts: host", "leave one of them out"


def _of_networks(declared: Mapping[str, Any]) -> Iterator[Tuple[str, str, str]]:
    mode, networks = declared.get("network_mode"), declared.get("networks")
    publishes = str(mode).partition(":")[0] in PODMANS
    if (
        fixed_mode(mode)
        and not publishes
        and (declared.get("ports") or declared.get("publish_all_ports"))
    ):
        yield "ports", f"nothing is published with network_mode: {mode}", "drop one"
    joined = str(mode).startswith("container:")
    for option in _LENT_NETWORK if joined else ("links", "mac_address") if fixed_mode(mode) else ():
        if declared.get(option):
            yield option, f"cannot be combined with network_mode: {mode}", "leave one of them out"
    fixed: List[str] = [*((networks or {}).get("bridge") or ())]
    if {"aliases", "ipv4_address", "ipv6_address"}.intersection(fixed):
        yield (
            "networks.bridge",
            "the default bridge does not support aliases or addresses",
            "use a network of your own",
        )


def _of_memory(declared: Mapping[str, Any]) -> Iterator[Tuple[str, str, str]]:
    memory, swap = declared.get("mem_limit"), declared.get("memswap_limit")
    if swap and (not memory or 0 < swap < memory):
        yield (
            "memswap_limit",
            "is the sum of memory and swap, so it requires a mem_limit that is not larger",
            "such as mem_limit: 64m with memswap_limit: 128m",
        )
    reserved = declared.get("mem_reservation")
    if memory and reserved and reserved > memory:
        yield "mem_reservation", "is more than mem_limit", "reserve less, or limit less"
