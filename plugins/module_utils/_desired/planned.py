# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier tasks of a check would do, as later ones are told it: data, by address."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, NamedTuple, Tuple

# The cause of a removal that the task asks for, in words.
REMOVAL = "state: absent"


class Planned(NamedTuple):
    """What an earlier task of this check would do to what has an address.

    `kind` is `create`, `change`, `remove` or `rename`; `causes` are in words. `keeps` names what
    stays when the rest is removed, such as disks; `to` is the address that a renamed thing has
    afterwards, and is itself planned as created.
    """

    kind: str
    causes: Tuple[str, ...] = ()
    keeps: Tuple[str, ...] = ()
    to: str = ""

    @property
    def text(self) -> str:
        """The causes in words, in one line."""
        return "; ".join(self.causes)


# What earlier tasks of this check would do, by address.
Pending = Mapping[str, Planned]


def will_go(planned: Pending, address: str) -> bool:
    """Tell whether nothing will have an address any more: it is removed, or renamed."""
    return address in planned and planned[address].kind in ("remove", "rename")


def will_be(planned: Pending, addresses: Iterable[str]) -> Dict[str, str]:
    """Return which of some addresses an earlier task makes or changes, with its causes."""
    return {
        entry: planned[entry].text
        for entry in addresses
        if entry in planned and not will_go(planned, entry)
    }


def address_then(planned: Pending, address: str) -> str:
    """Return the address that what has one now will have, "" for what will be gone."""
    seen = set()
    while will_go(planned, address) and address not in seen:
        seen.add(address)
        address = planned[address].to
    return address


def address_now(planned: Pending, address: str) -> str:
    """Return the address that what will have one by a rename has now; else the same."""
    former = {entry.to: old for old, entry in planned.items() if entry.kind == "rename"}
    seen = set()
    while address in former and address not in seen:
        seen.add(address)
        address = former[address]
    return address


def read_planned(given: Mapping[str, Any]) -> Dict[str, Planned]:
    """Return what a check hands on, by address.

    The only place that reads it: data as another task has written it (see `as_data`), or, from
    the module `pending`, a cause in words, which announces a change.
    """
    result = {}
    for address, entry in given.items():
        if not isinstance(entry, Mapping):
            entry = {"kind": "change", "causes": [str(entry)]}
        causes, keeps = (tuple(map(str, entry.get(key) or ())) for key in ("causes", "keeps"))
        result[str(address)] = Planned(str(entry["kind"]), causes, keeps, str(entry.get("to", "")))
    return result


def as_data(planned: Pending) -> Dict[str, Dict[str, Any]]:
    """Return what a check hands on in a form that JSON can hold."""
    return {
        address: {
            "kind": entry.kind,
            "causes": list(entry.causes),
            "keeps": list(entry.keeps),
            **({"to": entry.to} if entry.to else {}),
        }
        for address, entry in planned.items()
    }
