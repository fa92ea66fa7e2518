"""What people do by hand to what we described, in random orders, and what a run may do about it.

A subject (a container, a machine) offers deeds; a deed is one change made by hand. `play` makes
some of them in a random order, and then holds the next runs to their promise.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, Optional, Protocol

from tests.lab.agree import agree

Json = dict[str, Any]
# What a deed makes differ: the fields that the next plan has to name, or none.
Differs = frozenset[str]
Deed = Callable[[], None]


class Impossible(Exception):
    """The hypervisor or engine does not allow this deed now, such as after an earlier one."""


class Subject(Protocol):
    """Something that we described, and its surroundings."""

    deeds: Mapping[str, Deed]

    def run(self, check: bool = False) -> Json:
        """Run the unchanged declaration."""

    def lost(self) -> list[str]:
        """Return what is not there any more of all that existed: data, and what people made."""

    def differing(self) -> Optional[Differs]:
        """Return what differs all in all by now; None if the declaration has to be refused."""


def by_hand(*words: str, stdin: Optional[str] = None) -> str:
    """Run a command as a person would; raise Impossible if it is refused."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Impossible(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def play(subject: Subject, seed: int) -> list[str]:
    """Do three to six deeds in a random order, run the declaration, and return what was done."""
    chance = random.Random(seed)
    names = chance.sample(sorted(subject.deeds), chance.randint(3, min(6, len(subject.deeds))))
    done: list[str] = []
    for name in names:
        try:
            subject.deeds[name]()
        except Impossible:
            continue
        done.append(name)
    said = f"order {seed}: {', '.join(done) or 'nothing'}"
    expected = subject.differing()
    check = subject.run(check=True)
    assert subject.lost() == [], f"{said}; by the check"
    apply = subject.run()
    assert subject.lost() == [], f"{said}; {_told(apply)}"
    if expected is None:
        assert apply.get("failed"), f"{said}; {_told(apply)}"
        assert check.get("failed"), f"{said}; {_told(check)}"
        return done
    assert not apply.get("failed"), f"{said}; {apply.get('msg')}"
    agree(check, apply)
    assert fields_of(apply) == expected, f"{said}; {_told(apply)}"
    again = subject.run()
    assert (again.get("failed", False), again["changed"]) == (False, False), (
        f"{said}; again: {_told(again)}"
    )
    return done


def fields_of(result: Json) -> Differs:
    """Return the fields that a plan's causes name: the first word of each."""
    causes = [part for step in result["plan"]["steps"] for part in step["cause"].split("; ")]
    return frozenset(cause.split(":")[0].split(".")[0] for cause in causes)


def _told(result: Json) -> str:
    return str(result.get("msg") or result.get("plan", {}).get("text"))
