"""The assertion that apply does what check announced: it has to see what is otherwise."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest

from tests.lab.agree import agree


def result(*steps: Tuple[str, bool], text: str = "", cause: str = "a: 1 → 2") -> Dict[str, Any]:
    """Return a task's result with these steps: verbs, and whether they are marked maybe."""
    same = {"address": "tank/a", "impact": "live", "args": {}, "cause": cause}
    shown = [{**same, "verb": verb, "maybe": maybe} for verb, maybe in steps]
    return {"plan": {"steps": shown, "text": text}, "changed": bool(steps)}


PULL, STOP, START = ("pull", False), ("stop", False), ("start", False)
MAYBE = ("stop", True)


@pytest.mark.parametrize(
    ("check", "apply"),
    [
        ((), ()),
        ((STOP, START), (STOP, START)),
        ((PULL, MAYBE, START), (PULL, START)),
        ((PULL, MAYBE, START), (PULL, STOP, START)),
        ((MAYBE,), (MAYBE,)),
    ],
)
def test_what_was_announced_may_be_made(check: Any, apply: Any) -> None:
    agree(result(*check), result(*apply))


@pytest.mark.parametrize(
    ("check", "apply"),
    [
        ((), (STOP,)),
        ((STOP,), ()),
        ((STOP, START), (START,)),
        ((STOP, START), (STOP,)),
        ((STOP, START), (START, STOP)),
        ((STOP,), (STOP, STOP)),
        ((STOP,), (MAYBE,)),
    ],
)
def test_anything_else_is_seen(check: Any, apply: Any) -> None:
    with pytest.raises(AssertionError):
        agree(result(*check), result(*apply))


def test_a_cause_may_be_another_one_only_where_something_was_unknown() -> None:
    made = result(STOP, cause="image: 1 → 2")
    agree(result(STOP, text="tank/a\n  image: 1 → (known after apply: pull)\n"), made)
    with pytest.raises(AssertionError):
        agree(result(STOP), made)


def test_what_is_said_of_a_change_counts() -> None:
    with pytest.raises(AssertionError):
        agree(result(STOP), {**result(STOP), "changed": False})
