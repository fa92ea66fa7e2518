"""A plan in print: what stands under what, and what is said of it in one line."""

from __future__ import annotations

import json
from typing import Any, Dict, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.bounds import check_bounds
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import Refused
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan_text import summary
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Chain

from .jars import Jar, part


def chain(address: str, *steps: Any) -> Chain:
    """Return a chain of steps: their arguments by position, and what they act on."""
    made = Chain(address)
    for verb, cause, impact, *more in steps:
        made.add(verb, cause, impact, maybe="maybe" in more, on=address.partition("/")[2])
    return made


def plan(*chains: Chain, **more: Any) -> Plan:
    return Plan(tuple(step for entry in chains for step in entry.steps), **more)


def test_an_empty_plan_says_so() -> None:
    assert plan().text() == "nothing to do\n"
    assert plan().public()["steps"] == []


@pytest.mark.parametrize("part", ["notes", "pending", "refused"])
def test_a_plan_without_steps_may_have_something_to_say(part: str) -> None:
    word = {"notes": "note"}.get(part, part)
    assert plan(**{part: ("one", "two")}).text() == f"{word}: one\n{word}: two\n"


def test_steps_of_one_cause_stand_in_a_line_below_it_with_the_gravest_impact() -> None:
    steps = ("create", "a: 1 → 2", "none"), ("stop", "a: 1 → 2", "replace"), ("x", "b", "live")
    assert plan(chain("tank/a", *steps)).text() == (
        "tank/a\n"
        "  a: 1 → 2 [replace]\n"
        "    create a · stop a\n"
        "  b [live]\n"
        "    x a\n"
    )  # fmt: skip


def test_steps_of_several_causes_stand_below_all_of_them() -> None:
    causes = ("a: 1 → 2", "b.c: x; y → z")
    assert plan(chain("tank/a", ("stop", causes, "restart"))).text() == (
        "tank/a\n"
        "  a: 1 → 2 [restart]\n"
        "  b.c: x; y → z [restart]\n"
        "    stop a\n"
    )  # fmt: skip


def test_causes_that_have_one_in_common_are_not_one() -> None:
    steps = ("stop", ("a", "b"), "live"), ("start", ("a",), "live"), ("wait", ("a", "b"), "none")
    assert plan(chain("tank/a", *steps)).text() == (
        "tank/a\n"
        "  a [live]\n"
        "  b [live]\n"
        "    stop a · wait a\n"
        "  a [live]\n"
        "    start a\n"
    )  # fmt: skip


def test_an_address_is_a_paragraph_where_its_first_step_stands() -> None:
    pull = chain("image/x", ("pull", "newer", "none"))
    steps = chain("tank/a", ("stop", "newer", "replace", "maybe"))
    text = plan(pull, steps, declared={"tank/a": ("size: 5", "b: c")}, notes=("n",)).text()
    assert text == (
        "image/x\n"
        "  newer [none]\n"
        "    pull x\n"
        "tank/a\n"
        "  newer [replace]\n"
        "    stop a (maybe)\n"
        "      size: 5\n"
        "      b: c\n"
        "note: n\n"
    )  # fmt: skip


def test_a_value_adds_no_lines_and_does_nothing_to_a_terminal() -> None:
    text = plan(chain("tank/a", ("set", "a: x\ntank/b\x1b[2J → y", "live"))).text()
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text
    assert text.splitlines()[1].endswith("→ y [live]")


def test_a_plan_as_data_can_be_written_as_json() -> None:
    made = plan(
        chain("tank/a", ("set", ("a", "b"), "live")),
        notes=("n",),
        pending=("p",),
        refused=("r",),
        fingerprint="f",
        declared={"tank/a": ("size: 5",)},
    )
    public: Dict[str, Any] = json.loads(json.dumps(made.public()))
    assert public == made.public()
    assert public.pop("text") == made.text()
    assert [step["cause"] for step in public.pop("steps")] == ["a; b"]
    assert public == {
        "notes": ["n"],
        "pending": ["p"],
        "refused": ["r"],
        "fingerprint": "f",
        "declared": {"tank/a": ["size: 5"]},
    }


def test_a_plan_in_one_line_names_each_cause_once() -> None:
    first = chain("tank/a", ("x", "c1", "live"), ("y", "c2", "restart"), ("z", "c1", "none"))
    other = chain("tank/b", ("x", "c3", "none"))
    assert summary(plan(first, other).steps) == "tank/a: c1; c2 [restart] · tank/b: c3 [none]"
    assert summary(()) == ""


def test_a_plan_in_one_line_is_cut() -> None:
    assert len(summary(chain("tank/a", ("x", "long" * 200, "live")).steps)) == 241


LIVE, RESTART = ("set", "a", "live"), ("stop", "b", "restart")
REPLACE, DESTROY = ("create", "c", "replace"), ("remove", "d", "destroy")


@pytest.mark.parametrize(
    ("steps", "allow", "protect", "reasons"),
    [
        ([("x", "a", "none")], (), True, []),
        ([LIVE, RESTART], ("live", "restart"), True, []),
        ([LIVE], (), False, ["a: needs live, but allow has only nothing"]),
        (
            [LIVE, RESTART, REPLACE],
            ("live",),
            False,
            [
                "b: needs restart, but allow has only live",
                "c: needs replace, but allow has only live",
            ],
        ),
        # each reason once, however many steps have it
        ([RESTART, RESTART], (), False, ["b: needs restart, but allow has only nothing"]),
        # it has an option of its own, by which it is allowed
        ([DESTROY], (), False, []),
        ([DESTROY], (), True, ["d: protect forbids replacing or removing it"]),
        ([REPLACE], ("replace",), True, ["c: protect forbids replacing or removing it"]),
    ],
)
def test_a_plan_beyond_what_is_allowed_is_refused_with_every_reason(
    steps: List[Any], allow: Any, protect: bool, reasons: List[str]
) -> None:
    made = plan(chain("jar/a", *steps))
    desired = Jar("a", {}, allow=allow, protect=protect)
    if not reasons:
        check_bounds([part(desired, made)])
        return
    with pytest.raises(Refused) as raised:
        check_bounds([part(desired, made)])
    assert str(raised.value) == f"jar/a: refused: {'; '.join(reasons)}"
    text = raised.value.details["plan"]["text"]
    assert text == made.text() + "".join(f"refused: {reason}\n" for reason in reasons)


def test_what_the_resource_refuses_comes_first_even_without_steps() -> None:
    with pytest.raises(Refused, match=r"jar/a: refused: it is not ours$"):
        check_bounds([part(Jar("a", {}), plan(refused=("it is not ours",)))])
