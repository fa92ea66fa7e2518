# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier tasks of a check would do, as later ones are told it: data, by address."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Tuple

# The cause of every step of a removal that the task asks for.
REMOVAL = "state: absent"


class Planned(NamedTuple):
    """What an earlier task of this check would do to what has an address.

    `kind` is `create`, `change`, `remove` or `rename`; `causes` are in words. `keeps` names what
    stays when the rest is removed, such as disks. `same_as` is another address of the same thing:
    of what is renamed the one that it will have, and of that, which is planned as created, the one
    that it has now; of a further tag the one of its image.
    """

    kind: str
    causes: Tuple[str, ...] = ()
    keeps: Tuple[str, ...] = ()
    same_as: str = ""

    @property
    def text(self) -> str:
        """The causes in words, in one line."""
        return "; ".join(self.causes)


# What earlier tasks of this check would do, by address.
Pending = Mapping[str, Planned]


def will_go(pending: Pending, address: str) -> bool:
    """Tell whether nothing will have an address any more: it is removed, or renamed."""
    return address in pending and pending[address].kind in ("remove", "rename")


def will_be(pending: Pending, address: str) -> str:
    """Return in words why an earlier task makes or changes what has an address, "" if none does."""
    if address not in pending or will_go(pending, address):
        return ""
    return pending[address].text or pending[address].kind


def will_change(pending: Pending, address: str) -> bool:
    """Tell whether more than the name of what has an address now may be another by then."""
    entry = pending.get(address)
    if entry is None or entry.kind != "rename":
        return entry is not None
    then = pending.get(entry.same_as)
    return then is None or then.causes != entry.causes


def address_then(pending: Pending, address: str) -> str:
    """Return the address that what has one now will have, "" for what will be gone."""
    to = {old: entry.same_as for old, entry in pending.items() if will_go(pending, old)}
    return follow(to, address)


def address_now(pending: Pending, address: str) -> str:
    """Return the address that what will have one by a rename has now; else the same."""
    former = {entry.same_as: old for old, entry in pending.items() if entry.kind == "rename"}
    # The old name may have been taken anew since.
    former.update({new: entry.same_as for new, entry in pending.items() if _is_moved(entry)})
    return follow(former, address)


def _is_moved(entry: Planned) -> bool:
    return entry.kind == "create" and bool(entry.same_as)


def follow(links: Mapping[str, str], address: str) -> str:
    """Return where links from address to address end; a circle ends where it closes."""
    seen = set()
    while address in links and address not in seen:
        seen.add(address)
        address = links[address]
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
        result[str(address)] = Planned(
            str(entry["kind"]), causes, keeps, str(entry.get("same_as", ""))
        )
    return result


def as_data(pending: Pending) -> Dict[str, Dict[str, Any]]:
    """Return what a check hands on in a form that JSON can hold."""
    return {
        address: {
            "kind": entry.kind,
            "causes": list(entry.causes),
            "keeps": list(entry.keeps),
            **({"same_as": entry.same_as} if entry.same_as else {}),
        }
        for address, entry in pending.items()
    }
