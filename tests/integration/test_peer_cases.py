"""What community.docker's own tests expect of its container module, expected of ours.

Where ours differs, `tests/cases/peer_container.yml` names the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from tests.lab.engines import Engine
from tests.lab.peerwork import PEER, Stage, report, table


def test_scenarios_of_the_peer(
    engine_of: Callable[[str], Engine],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    listed = table()["scenarios"]
    with Stage(engine_of("d20").socket, tmp_path) as stage:
        verdicts = list(stage.play(listed))
    for line in report(verdicts):
        print(line)
        record_property(PEER, line)
    wrong = [text for verdict in verdicts for text in verdict.wrong]
    assert not wrong, "\n".join(wrong)
    assert sum(verdict.steps for verdict in verdicts) > 450


def test_every_difference_has_a_reason() -> None:
    """A step differs from theirs only if it says so, and each reason is of use."""
    cases = table()
    steps = [step for one in cases["scenarios"] for step in one.get("steps", ())]
    for step in steps:
        assert ("theirs" in step) == ("why" in step), step
        assert step.get("theirs") != step["is"], step
    used = {step["why"] for step in steps if "why" in step}
    used |= {one["unlike"] for one in cases["scenarios"] if "unlike" in one}
    assert used == set(cases["reasons"])
