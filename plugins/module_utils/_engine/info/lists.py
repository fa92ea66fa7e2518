# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of one kind: containers, images, networks, volumes; named or filtered. Reads only.

One way for all kinds: the engine's list with the filters that all of them have (and what else
the engine knows), then patterns and ownership here, then one inspect for each that is left.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Pattern, Tuple

from ..._desired.errors import FleetError, InvalidOption
from ..._desired.ownership import parse
from ..client.engine import Client, fits
from ..client.errors import EngineError
from ..client.names import container_name, meant
from ..container.reads import bases_of
from ..values.image_reference import parse_id, parse_reference
from ..values.labels import OUR_LABELS, own_labels

_WORDS = {"type": "list", "elements": "str"}
Answer = Mapping[str, Any]


def _path_name(text: Any, option: str) -> str:
    """Return the name of something that goes into a path as it is; InvalidOption if it cannot."""
    name = str(text)
    if not name or not fits(f"/{name}"):
        raise InvalidOption(
            f"'{name[:120]}' is not a name" if name else "is empty",
            option=option,
            hint="write a name",
        )
    return name


def _image_name(text: Any, option: str) -> str:
    """Return a whole image id or a reference with its tag; InvalidOption for anything else.

    Without a tag the engine would take it for the beginning of an id as well.
    """
    name = str(text)
    return name if parse_id(name) else str(parse_reference(name, option))


# How a name is read; an engine would answer a name it cannot have with a list of all.
_CLEAN = {"container": container_name, "image": _image_name}


@dataclass(frozen=True)
class Kind:
    """One kind of thing: its word in addresses, and where the engine lists and describes it.

    `path` is that of an inspect with `{}` for what is asked; `key` is what a list calls it by;
    `names` takes the names from an entry of a list or an inspect; `shown` makes an inspect fit to
    be shown; `states` are the values of the filter `state` for kinds that have one.
    """

    word: str
    listing: str
    path: str
    key: str
    names: Callable[[Answer], List[str]]
    shown: Callable[[Answer], Dict[str, Any]]
    states: Tuple[str, ...] = ()

    @property
    def plural(self) -> str:
        """The key of the result."""
        return f"{self.word}s"


class Listed:
    """The things of one kind that were named or that match filters; all of them without either."""

    server = "engine"

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        options: Dict[str, Any] = {
            "label": _WORDS,
            "name": _WORDS,
            "owned": {"type": "bool"},
            "engine": {"type": "dict"},
        }
        if self.kind.states:
            options["state"] = {**_WORDS, "choices": sorted(self.kind.states)}
        return {"names": _WORDS, "filters": {"type": "dict", "options": options}}

    def read(self, client: Client, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return one entry for each name, then what the filters match beside these."""
        clean = _CLEAN.get(self.kind.word, _path_name)
        given = list(params.get("names") or ())
        names = [clean(name, f"names[{number}]") for number, name in enumerate(given)]
        filters = params.get("filters")
        listed: List[str] = []
        if filters is not None or not names:
            listed = self._listed(client, filters or {})
        wanted = [*names, *listed]
        answers = client.get_all([(self.kind.path.format(entry), None) for entry in wanted])
        result: List[Dict[str, Any]] = []
        seen = set()
        for number, (asked, answer) in enumerate(zip(wanted, answers)):
            named = number < len(names)
            try:
                match = meant(self.kind.word, asked, answer)
            except EngineError as error:
                raise _about(error, f"names[{number}]" if named else "filters") from error
            if match is None:
                result += [{"name": given[number], "exists": False}] if named else []
            elif named or match[self.kind.key] not in seen:
                seen.add(match[self.kind.key])
                result.append(self._entry(match, asked))
        return {self.kind.plural: result}

    def nothing(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the named ones as missing."""
        names = params.get("names") or ()
        return {self.kind.plural: [{"name": name, "exists": False} for name in names]}

    def _entry(self, answer: Answer, asked: str) -> Dict[str, Any]:
        names = self.kind.names(answer)
        same = (entry for entry in (asked, f"{asked}:latest") if entry in names)
        name = next(same, names[0] if names else asked)
        return {"name": name, "exists": True, **self.kind.shown(answer)}

    def _listed(self, client: Client, filters: Mapping[str, Any]) -> List[str]:
        patterns = [_pattern(text, n) for n, text in enumerate(filters.get("name") or ())]
        query: Dict[str, Any] = {"filters": _query(filters)}
        if self.kind.word == "container":
            query["all"] = True
        try:
            answer = client.get(self.kind.listing, query) or ()
        except EngineError as error:
            raise _about(error, "filters.engine") from error
        if isinstance(answer, Mapping):  # volumes come in an object
            answer = answer.get("Volumes") or ()
        wanted = filters.get("owned")
        named = [entry for entry in answer if _named(self.kind.names(entry), patterns)]
        labels = self._own_labels(client, named) if wanted is not None else {}
        return [
            str(entry[self.kind.key])
            for entry in named
            if wanted is None or wanted == self._is_owned(entry, labels[id(entry)])
        ]

    def _own_labels(self, client: Client, listed: List[Answer]) -> Dict[int, Answer]:
        """Return by the entry's `id()` the labels of listed things that they have not inherited.

        Images inherit too, but their record holds the name under which it was built.
        """
        if self.kind.word != "container":
            return {id(entry): entry.get("Labels") or {} for entry in listed}
        ours = [entry for entry in listed if self._label in (entry.get("Labels") or {})]
        images = {id(entry): str(entry.get("ImageID") or "") for entry in listed}
        bases = bases_of(client, [{"Image": images[id(entry)]} for entry in ours])
        return {
            id(entry): own_labels(
                entry.get("Labels"), images[id(entry)], bases.get(images[id(entry)])
            )
            for entry in listed
        }

    @property
    def _label(self) -> str:
        return f"{OUR_LABELS}{self.kind.word}"

    def _is_owned(self, entry: Answer, labels: Answer) -> bool:
        """Tell whether the record in our label is about one of the thing's names."""
        record = parse(labels.get(self._label))
        told = (record.get("address"), record.get("name"))
        return any(
            f"{self.kind.word}/{name}" in told or name in told for name in self.kind.names(entry)
        )


def _about(error: EngineError, option: str) -> FleetError:
    """Return an engine's error; one about what it was asked for names the option."""
    return InvalidOption(error.message, option=option) if error.refused else error


def _query(filters: Mapping[str, Any]) -> Dict[str, List[str]]:
    """Return the engine's filters: its own as they are given, texts alone count as lists."""
    result: Dict[str, List[str]] = {}
    for key, value in (filters.get("engine") or {}).items():
        values = value if isinstance(value, (list, tuple)) else [value]
        result[str(key)] = [_text(entry) for entry in values]
    for key, word in (("label", "label"), ("state", "status")):
        if filters.get(key):
            result[word] = [*result.get(word, ()), *filters[key]]
    return result


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pattern(text: str, number: int) -> Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidOption(
            f"'{text}' is not a regular expression: {error}", option=f"filters.name[{number}]"
        ) from None


def _named(names: List[str], patterns: List[Pattern[str]]) -> bool:
    return not patterns or any(entry.search(name) for entry in patterns for name in names)
