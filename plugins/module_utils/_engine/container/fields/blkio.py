# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block devices: weights and limits of reading and writing. Canonical: device path → number."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.schema import check_keys
from ...._desired.sizes import parse_size, show_size
from ...._desired.values import dig
from ...values.strings import parse_text
from .common import LIVE, number


def _weight(value: Any, where: str) -> int:
    least, most = 10, 1000
    if not str(value).isdigit() or not least <= int(value) <= most:
        raise InvalidOption(
            f"'{value}' is not a weight", option=where, hint=f"from {least} to {most}"
        )
    return int(value)


def _bytes(value: Any, where: str) -> int:
    return parse_size(value, where) or 0


def _count(value: Any, where: str) -> int:
    if not str(value).isdigit():
        raise InvalidOption(f"'{value}' is not a number", option=where, hint="such as 1000")
    return int(value)


def _devices(
    name: str, at: str, key: str, amount: Callable[[Any, str], int], show: Callable[[Any], str]
) -> FieldSpec:
    """Return the row of a list of {path, `key`}."""
    at, shown = f"HostConfig.{at}", key.capitalize()

    def parse(value: Any, where: str) -> Dict[str, int]:
        result: Dict[str, int] = {}
        for position, entry in enumerate(value):
            here = f"{where}[{position}]"
            check_keys(entry, ("path", key), here)
            if len(entry) < 2:
                raise InvalidOption(f"needs path and {key}", option=here)
            path = parse_text(entry["path"], f"{here}.path")
            if not path.startswith("/dev/"):
                raise InvalidOption(
                    f"'{path}' is not a device", option=f"{here}.path", hint="such as /dev/sda"
                )
            result[path] = amount(entry[key], f"{here}.{key}")
        return result

    def read(obj: Mapping[str, Any], context: Context) -> Dict[str, int]:
        return {item["Path"]: int(item[shown]) for item in dig(obj, at) or ()}

    def write(body: Dict[str, Any], value: Any, context: Context) -> None:
        entries = [{"Path": path, shown: wanted} for path, wanted in value.items()]
        body.setdefault("HostConfig", {})[at.partition(".")[2]] = entries

    option = {"type": "list", "elements": "raw"}
    return FieldSpec(
        f"blkio_config.{name}",
        at=at,
        option=option,
        compare="map",
        parse=parse,
        read=read,
        write=write,
        show=show,
    )


FIELDS = (
    number("blkio_config.weight", "HostConfig.BlkioWeight", 10, 1000, **LIVE),
    _devices("weight_device", "BlkioWeightDevice", "weight", _weight, str),
    _devices("device_read_bps", "BlkioDeviceReadBps", "rate", _bytes, show_size),
    _devices("device_write_bps", "BlkioDeviceWriteBps", "rate", _bytes, show_size),
    _devices("device_read_iops", "BlkioDeviceReadIOps", "rate", _count, str),
    _devices("device_write_iops", "BlkioDeviceWriteIOps", "rate", _count, str),
)
