# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of many hosts: from the cache, and the rest read at the same time."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible.errors import AnsibleError

from ...module_utils._desired.errors import FleetError
from ...module_utils._desired.values import canonical
from .facts import are_facts
from .login import Login, login
from .options import Options
from .parallel import in_parallel
from .read import Job, read
from .snapshot import Snapshot


class Collected(NamedTuple):
    """What there is, by docker host: ways, facts of containers, and faults of the others.

    `kept` is for the cache: {host: {"key", "time", "containers"}}.
    """

    ways: Dict[str, Login]
    containers: Dict[str, List[Dict[str, Any]]]
    faults: Dict[str, str]
    kept: Dict[str, Any]


def collect(snapshot: Snapshot, options: Options, cached: Any) -> Collected:
    """Return the containers of all docker hosts; `cached` is what `kept` was, or anything else."""
    result = Collected({}, {}, {}, {})
    jobs: Dict[str, Job] = {}
    for host in snapshot.names(options.hosts):
        try:
            variables, templar = snapshot.variables(host)
            way = login(host, variables, templar.template, options.way)
        except (FleetError, AnsibleError, TypeError, ValueError) as error:
            result.faults[host] = str(error)
            continue
        if way is None:
            continue
        result.ways[host] = way
        entry = _usable(cached, way, options)
        if entry is None:
            jobs[host] = Job(way, options.filters)
        else:
            result.kept[host] = entry
            result.containers[host] = entry["containers"]
    for host, outcome in in_parallel(read, jobs, options.forks, options.timeout).items():
        if outcome.error:
            result.faults[host] = outcome.error
            continue
        result.containers[host] = outcome.value
        result.kept[host] = {
            "key": _key(jobs[host].way, options),
            "time": int(time.time()),
            "containers": outcome.value,
        }
    return result


def _usable(cached: Any, way: Login, options: Options) -> Optional[Dict[str, Any]]:
    """Return a host's entry in the cache, if it is whole, fresh and an answer to what is asked."""
    entry = cached.get(way.host) if isinstance(cached, Mapping) else None
    if not isinstance(entry, dict) or entry.get("key") != _key(way, options):
        return None
    timestamp, containers = entry.get("time"), entry.get("containers")
    if not isinstance(timestamp, int) or not isinstance(containers, list):
        return None
    age = time.time() - timestamp
    if options.cache_timeout and not -1 <= age < options.cache_timeout:
        return None
    return entry if all(map(are_facts, containers)) else None


def _key(way: Login, options: Options) -> str:
    """Return a digest of what decides about the answer."""
    words = canonical([way.variables, options.filters])
    return hashlib.sha256(words.encode()).hexdigest()[:16]
