"""What apply does is what check announced."""

from __future__ import annotations

from typing import Any, Dict, List

Json = Dict[str, Any]


def agree(check: Json, apply: Json) -> None:
    """Raise AssertionError if apply made other steps than check had, those marked maybe aside."""
    unknown = "known after apply" in check["plan"]["text"]
    announced, made = (_steps(result, not unknown) for result in (check, apply))
    text = f"check: {check['plan']['text']}apply: {apply['plan']['text']}"
    assert [step for step in made if step not in announced] == [], text
    missing = [step for step in announced if step not in made]
    assert [step for step in missing if not step["maybe"]] == [], text
    assert apply["changed"] is bool(made), text


def _steps(result: Json, with_cause: bool) -> List[Json]:
    keys = ["address", "verb", "impact", "args", *(["cause", "maybe"] if with_cause else [])]
    steps = result["plan"]["steps"]
    return [{key: step[key] for key in (*keys, "maybe")} for step in steps]
