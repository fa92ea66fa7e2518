"""The tables of values by which the rows of the field tables are tried on real engines.

`tests/cases/RESOURCE_fields.yml` has an entry for each row of a container, a network or a volume:

row: the row's name; first, second: two values of that option (one will do for a switch); beside:
other options that it needs; inside: a shell command run in a container, shows: regular expressions
that match all of what it prints with the first value, the second, and without; alone: it shares
nothing with other entries; usual: the value is what holds without it as well; runs: false if a
container cannot run with it on every machine (it is only created); since: an API version that the
values need, if later than the row's; kinds: the kinds of engine that honour it; unseen: why no
effect is looked at. Names in braces stand for what the ground has (see there).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import yaml
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import FieldSpec
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.schema import for_kind
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container import (
    fields as container_fields,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network import (
    fields as network_fields,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume import (
    fields as volume_fields,
)

CASES = Path(__file__).parents[1] / "cases"
ROWS: Mapping[str, Tuple[FieldSpec, ...]] = {
    "container": tuple(container_fields.FIELDS),
    "network": network_fields.FIELDS,
    "volume": volume_fields.FIELDS,
}
Params = Dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One entry of a table; see above."""

    row: str
    first: Any
    second: Any = None
    beside: Params = field(default_factory=dict)
    inside: str = ""
    shows: Tuple[str, ...] = ()
    alone: bool = False
    usual: bool = False
    runs: bool = True
    since: Tuple[int, ...] = (0, 0)
    kinds: Tuple[str, ...] = ()
    unseen: str = ""

    def declared(self, turn: int) -> Params:
        """Return the options of the first (0) or the second (1) run."""
        option, _dot, key = self.row.partition(".")
        value = self.second if turn and self.second is not None else self.first
        return merged(self.beside, {option: {key: value} if key else value})


def entries(resource: str = "container") -> List[Entry]:
    """Return the table of a resource."""
    made = []
    for entry in yaml.safe_load((CASES / f"{resource}_fields.yml").read_text()):
        shows = entry.get("shows", ())
        if "second" not in entry and len(shows) == 2:
            entry["shows"] = [shows[0], *shows]
        since = tuple(int(part) for part in str(entry.pop("since", "0.0")).split("."))
        lists = {key: tuple(entry.pop(key, ())) for key in ("shows", "kinds")}
        made.append(Entry(**entry, **lists, since=since))
    return made


def merged(one: Params, other: Params) -> Params:
    """Merge options; those of a dict option key by key. Raise ValueError for a contradiction."""
    made = dict(one)
    for key, value in other.items():
        if isinstance(made.get(key), dict) and isinstance(value, dict):
            made[key] = merged(made[key], value)
        elif key in made and made[key] != value:
            raise ValueError(key)
        else:
            made[key] = value
    return made


def groups(listed: List[Entry], impacts: Dict[str, Tuple[str, str]]) -> List[List[Entry]]:
    """Put entries together that can share what is made: alike in impact, apart in options."""
    made: List[List[Entry]] = []
    for entry in listed:
        for group in made:
            alike = impacts[group[0].row] == impacts[entry.row] and group[0].runs == entry.runs
            if alike and not group[0].alone and not entry.alone and _fits(group, entry):
                group.append(entry)
                break
        else:
            made.append([entry])
    return made


def _fits(group: List[Entry], entry: Entry) -> bool:
    if any(one.row == entry.row for one in group):
        return False
    try:
        for turn in (0, 1):
            together([*group, entry], turn)
    except ValueError:
        return False
    return True


def together(group: List[Entry], turn: int) -> Params:
    """Return the options of all entries of a group; of none in the last turn (2)."""
    made: Params = {}
    for entry in group if turn < 2 else ():
        made = merged(made, entry.declared(turn))
    return made


def honours(entry: Entry, row: FieldSpec, api: Tuple[int, int], kind: str) -> bool:
    """Tell whether an engine of a kind, with an API version, can have the entry's row."""
    kinds = set(row.only or [kind]) & set(entry.kinds or [kind])
    young = not any(row.until) or api < row.until
    return kind in kinds and young and api >= max(row.since, entry.since)


def honoured(api: Tuple[int, int], kind: str, resource: str = "container") -> List[Entry]:
    """Return the entries whose rows an engine can have."""
    rows = {row.name: row for row in for_kind(ROWS[resource], kind)}
    return [entry for entry in entries(resource) if honours(entry, rows[entry.row], api, kind)]
