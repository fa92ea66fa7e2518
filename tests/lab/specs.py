"""Specifications of a container drawn by a seed: good ones, pairs of them, and broken ones.

The values are those of tests/cases/container_fields.yml, so an option takes part as soon as its row
has an entry there. One seed always gives the same specifications.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from tests.lab.fieldtable import Entry, Params, merged

# What nobody means: values of a wrong type, out of range, or no text that can be meant.
NASTY: tuple[Any, ...] = (
    "",
    " ",
    "x",
    "\0",
    "-1",
    "0",
    "1:2:3:4:5",
    "99999999999999999999g",
    "é",
    "line\nbreak",
    "$HOME",
    "~/x",
    "..",
    "/",
    "=",
    "a" * 300,
    -1,
    0,
    1342,
    10**30,
    1.5,
    float("inf"),
    float("nan"),
    True,
    False,
    [],
    {},
    [None],
    [[]],
    [{}],
    ["x", "x"],
    [-1],
    {"a": None},
    {"": ""},
    {"a": {"b": {}}},
    {1: [2]},
)


@dataclass(frozen=True)
class Pair:
    """What is there: `observed`, then `done` to it (one of DISTURBED, `aside` for its values)."""

    number: int
    observed: Params
    done: str
    aside: Params
    declared: Params

    def __str__(self) -> str:
        seen = json.dumps([self.observed, self.done, self.aside, self.declared], default=str)
        return f"pair {self.number}: {seen}"


# What may happen to a container between two runs.
DISTURBED = ("", "", "", "stop", "cut short", "limit", "leave", "retag", "foreign")


class Specs:
    """Draws from `entries`; `names` are put for the placeholders in their values."""

    def __init__(
        self, seed: int, entries: Sequence[Entry], names: Mapping[str, str], images: Sequence[str]
    ) -> None:
        self.random = random.Random(seed)
        self.images = list(images)
        self._entries = list(entries)
        self._names = names

    def pair(self, number: int) -> Pair:
        """Draw what is there and what is declared; often they have most in common."""
        observed = self.good(running=True)
        aside = self.near(observed)
        declared = self.random.choice([observed, self.near(observed), self.near(observed), aside])
        if self.random.random() < 0.1:
            declared = self.good()
        return Pair(number, observed, self.random.choice(DISTURBED), aside, declared)

    def good(self, running: bool = False) -> Params:
        """Draw a specification that an engine can be asked for."""
        made: Params = {}
        for _turn in range(self.random.choice((0, 1, 2, 3, 5, 8))):
            made = self._with_one(made)
        made["image"] = self.random.choice(self.images)
        states = ["started", "started", "stopped", "present"]
        made["state"] = self.random.choice(states if running else [*states, "absent"])
        self._behaviour(made)
        return made

    def near(self, spec: Params) -> Params:
        """Return a specification with some options dropped, others added or changed."""
        made = {
            key: value
            for key, value in copy.deepcopy(spec).items()
            if key in ("image", "state") or self.random.random() < 0.8
        }
        for _turn in range(self.random.choice((0, 1, 1, 2))):
            made = self._with_one(made)
        if self.random.random() < 0.2:
            made["image"] = self.random.choice(self.images)
        if self.random.random() < 0.2:
            made["state"] = self.random.choice(["started", "stopped", "present", "absent"])
        return made

    def broken(self) -> Params:
        """Draw a specification and spoil one or two of its options."""
        made = {**self.good(), "name": "web"}
        made.pop("protect", None)  # a refusal of what is meant so
        for _turn in range(self.random.choice((1, 1, 1, 2))):
            made = self._spoiled(made)
        return made

    def _with_one(self, made: Params) -> Params:
        entry = self.random.choice(self._entries)
        try:
            return merged(made, self._filled(entry.declared(self.random.choice((0, 1)))))
        except ValueError:  # that option is there with another value
            return made

    def _filled(self, value: Params) -> Params:
        text = json.dumps(value)
        for name, filled in self._names.items():
            text = text.replace(f"{{{name}}}", filled)
        found: Params = json.loads(text)
        return found

    def _behaviour(self, made: Params) -> None:
        for option, value, chance in (
            ("pull_policy", "always", 0.1),
            ("recreate", "always", 0.05),
            ("recreate", "never", 0.05),
            ("protect", True, 0.03),
            ("adopt", True, 0.3),
            ("remove_volumes", True, 0.1),
        ):
            if self.random.random() < chance:
                made[option] = value

    def _spoiled(self, spec: Params) -> Params:
        made = copy.deepcopy(spec)
        # Rather an option of the container than one that every task has.
        always = [key for key in made if key in ("name", "image", "state")]
        key = self.random.choice([key for key in made if key not in always] * 3 + always)
        how: Callable[[Any], Any] = self.random.choice((self._nasty, self._inside, self._inside))
        if self.random.random() < 0.1:
            made[self._typed(key)] = made.pop(key)
        else:
            made[key] = how(made[key])
        return made

    def _nasty(self, _value: Any) -> Any:
        return copy.deepcopy(self.random.choice(NASTY))

    def _inside(self, value: Any) -> Any:
        """Spoil one part of a value."""
        if isinstance(value, dict) and value:
            key = self.random.choice(list(value))
            part = value.pop(key)
            if self.random.random() < 0.3:
                return {**value, self._typed(str(key)): part}
            return {**value, key: self._inside(part)}
        if isinstance(value, list) and value:
            place = self.random.randrange(len(value))
            return [*value[:place], self._inside(value[place]), *value[place + 1 :]]
        return self._typed(value) if isinstance(value, str) else self._nasty(value)

    def _typed(self, text: str) -> str:
        """Mistype a text: one character too many, too few, or another one."""
        place = self.random.randrange(len(text) + 1)
        wrong = self.random.choice("aZ0-.:/=,%\0 ")
        return self.random.choice(
            (
                text[:place] + wrong + text[place:],
                text[:place] + text[place + 1 :],
                text[:place] + wrong + text[place + 1 :],
            )
        )
