# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a container: limits."""

from __future__ import annotations


class ModuleDocFragment:
    """Memory, CPUs, block devices, processes."""

    DOCUMENTATION = r"""
options:
  mem_reservation:
    description:
      - The memory that it is brought down to when the host runs out of it, in the units of
        O(mem_limit).
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: str
  kernel_memory:
    description:
      - The most kernel memory. API 1.42 (Docker 23) gave it up, and refuses it.
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: str
  mem_swappiness:
    description:
      - How eagerly its memory is swapped out, from V(0) to V(100); V(-1) for the host's own
        setting.
      - 'Change: C(replace).'
    type: int
  oom_kill_disable:
    description:
      - Lets it wait when it runs out of memory, rather than be killed. Set O(mem_limit) with it.
        Hosts with cgroup v2 do not have it.
      - 'Change: C(replace).'
    type: bool
  oom_score_adj:
    description:
      - How readily the host kills it when memory runs out, from V(-1000) to V(1000).
      - 'Change: C(replace).'
    type: int
  shm_size:
    description:
      - The size of C(/dev/shm), in the units of O(mem_limit). The engine's default is V(64m).
      - 'Change: C(replace).'
    type: str
  cpu_shares:
    description:
      - Its weight when CPU time is short; the engine's default is V(1024).
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: int
  cpu_period:
    description:
      - The period of O(cpu_quota) in microseconds, from 1000 to 1000000. It excludes O(cpus).
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: int
  cpu_quota:
    description:
      - The CPU time that it may use in each O(cpu_period), in microseconds. It excludes O(cpus).
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: int
  cpuset:
    description:
      - The CPUs that it may run on, such as V(0-3) or V('0,2'). Quote it.
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: str
  cpuset_mems:
    description:
      - The memory nodes that it may use, such as V(0-1). Quote it.
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: str
  cpu_rt_period:
    description:
      - The period of real-time scheduling in microseconds, or a duration such as V(1s). Only
        kernels that schedule groups in real time have it.
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: str
  cpu_rt_runtime:
    description:
      - The real-time CPU time in each O(cpu_rt_period), in microseconds or as a duration.
      - 'Change: C(live). To lift it: C(replace), since engines cannot do that live.'
    type: str
  cpu_count:
    description:
      - The number of CPUs. Only engines on Windows have it, and elsewhere it is refused.
      - 'Change: C(replace).'
    type: int
  cpu_percent:
    description:
      - The part of the CPUs. Only engines on Windows have it, and elsewhere it is refused.
      - 'Change: C(replace).'
    type: int
  blkio_config:
    description:
      - Limits of block devices. A device is the path of one of the host's, such as V(/dev/sda).
      - If the host's kernel lacks one, the engine says so, and the task fails.
      - 'Change: C(replace), of C(weight) C(live) unless it is lifted.'
    type: dict
    suboptions:
      weight:
        description:
          - Its weight when block devices are busy, from 10 to 1000.
        type: int
      weight_device:
        description:
          - The weight on single devices, a list of C(path) and C(weight).
        type: list
        elements: raw
      device_read_bps:
        description:
          - The most bytes read in a second, a list of C(path) and C(rate), with units such as
            V(12mb).
        type: list
        elements: raw
      device_write_bps:
        description:
          - The most bytes written in a second, in the same form.
        type: list
        elements: raw
      device_read_iops:
        description:
          - The most reads in a second, a list of C(path) and C(rate).
        type: list
        elements: raw
      device_write_iops:
        description:
          - The most writes in a second, in the same form.
        type: list
        elements: raw
  ulimits:
    description:
      - Limits of its processes by name, a number or a mapping of C(soft) and C(hard), such as
        C(nofile=65536); V(-1) for none.
      - 'Change: C(replace).'
    type: raw
  deploy:
    description:
      - What Compose's C(deploy) says of one container; C(resources.limits) (C(cpus), C(memory),
        C(pids)), C(resources.reservations) (C(memory), C(devices)) and C(restart_policy)
        (C(condition), C(max_attempts)).
      - It is the same as O(cpus), O(mem_limit), O(pids_limit), O(mem_reservation),
        O(device_requests) and O(restart), and compared as these. Keys that are for a swarm change
        nothing.
    type: dict
"""
