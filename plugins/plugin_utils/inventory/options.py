# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the inventory plugin, checked before any host is asked."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, Mapping, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._desired.errors import Faults, InvalidOption
from ...module_utils._desired.input_checks import check_known
from ...module_utils._engine.info.readers import CONTAINERS
from ..values.untag import plain
from .login import ENGINE

# The most that is of use, of hosts at a time and of seconds for one.
_MOST = {"forks": 200, "timeout": 3600}


class Options(NamedTuple):
    """What is read, where, and how patiently; `way` is for the function `login`."""

    hosts: str
    filters: Dict[str, Any]
    way: Mapping[str, Any]
    forks: int
    timeout: int
    cache_timeout: int


def checked(
    option: Callable[[str], Any], config: Mapping[str, Any], known: Iterable[str]
) -> Options:
    """Return the options; raise InvalidOption for all that are wrong.

    `config` is the file, of which ansible-core passes over what is not `known`.
    """
    faults = Faults()
    with faults:
        check_known(config, {name: {"type": "raw"} for name in known})
    for name, most in _MOST.items():
        with faults:
            if not 0 < option(name) <= most:
                hint = f"write a number from 1 to {most}"
                raise InvalidOption(f"{option(name)} is not usable", option=name, hint=hint)
    filters: Dict[str, Any] = {}
    with faults:
        filters = _filters(plain(option("filters")))
    with faults:
        if not option("hosts"):
            raise InvalidOption("is empty", option="hosts", hint="write a pattern, such as all")
    faults.tell()
    return Options(
        hosts=plain(option("hosts")),
        filters={**filters, "state": plain(option("states"))},
        # As it is written: the trust of templates must not be lost.
        way={name: option(name) for name in ("become", *ENGINE)},
        forks=option("forks"),
        timeout=option("timeout"),
        cache_timeout=option("cache_timeout"),
    )


def _filters(given: Any) -> Dict[str, Any]:
    spec = dict(CONTAINERS.spec()["filters"]["options"])
    if isinstance(given, dict) and "state" in given:
        raise InvalidOption("is not a filter here", option="filters.state", hint="write states")
    del spec["state"]
    check_known({"filters": given}, {"filters": {"type": "dict", "options": spec}})
    result = ArgumentSpecValidator(spec).validate(given)
    if result.error_messages:
        raise InvalidOption("; ".join(result.error_messages), option="filters")
    for number, text in enumerate(result.validated_parameters.get("name") or ()):
        try:
            re.compile(text)
        except re.error as error:
            fault = f"'{text}' is not a regular expression: {error}"
            raise InvalidOption(fault, option=f"filters.name[{number}]") from None
    return {key: value for key, value in result.validated_parameters.items() if value is not None}
