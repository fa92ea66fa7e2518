"""What apply does is what check announced."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List

Json = Dict[str, Any]

_SHOWN = ("address", "verb", "impact", "args", "cause", "maybe")


def agree(check: Json, apply: Json) -> None:
    """Raise AssertionError unless apply made the steps that check had, in their order.

    Those marked maybe may be missing; what was a maybe is sure once it is made. What check could
    not know it said so: the cause of a step may be another one then.
    """
    text = f"check: {check['plan']['text']}apply: {apply['plan']['text']}"
    announced, made = steps_of(check), steps_of(apply)
    if "known after apply" in check["plan"]["text"]:
        for step in (*announced, *made):
            step["cause"] = ""
    left = iter(announced)
    for step in made:
        skipped = _before(step, left)
        assert skipped is not None, f"{step} was not announced here, or twice made\n{text}"
        assert [entry for entry in skipped if not entry["maybe"]] == [], text
    assert [entry for entry in left if not entry["maybe"]] == [], text
    assert apply["changed"] is bool(made), text


def steps_of(result: Json) -> List[Json]:
    """Return the steps of a result without their numbers."""
    return [{key: step[key] for key in _SHOWN} for step in result["plan"]["steps"]]


def _before(step: Json, announced: Iterable[Json]) -> List[Json] | None:
    """Return what was announced before a step that was made, None if the step was not."""
    skipped = []
    for entry in announced:
        if {**entry, "maybe": entry["maybe"] and step["maybe"]} == step:
            return skipped
        skipped.append(entry)
    return None
