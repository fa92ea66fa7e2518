"""Plans as data: every case file says what is there and what is declared, and the plan in print.

Each case is also applied: apply makes the steps that check announced, with cause and impact;
check mode only reads; the plan after apply is empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from tests.lab.agree import agree
from tests.lab.casework import RESOURCES, Bench

CASES = Path(__file__).parent / "cases"


def _all_cases() -> Iterator[Any]:
    paths = [path for kind in RESOURCES for path in (CASES / kind).glob("*.yml")]
    for path in sorted(paths):
        for case in yaml.safe_load(path.read_text()):
            yield pytest.param((path.parent.name, case), id=f"{path.parent.name}/{case['name']}")


ALL = list(_all_cases())
FAILING = [case for case in ALL if "fails" in case.values[0][1]]


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    kind, case = request.param
    with Bench(kind, case, tmp_path) as made:
        yield made


@pytest.mark.parametrize("bench", ALL, indirect=True)
def test_case(bench: Bench) -> None:
    bench.prepare()
    check = bench.run(bench.task, check=True)
    assert bench.writes == [], "check mode wrote to the engine"
    if "error" in bench.case:
        assert check["msg"] == bench.error
        assert bench.run(bench.task)["msg"] == bench.error
        assert bench.writes == [], "a refused task wrote to the engine"
        return
    assert not check.get("failed"), check["msg"]
    assert bench.text(check) == bench.case["plan"]
    if bench.case.get("pending") or "fails" in bench.case:
        return
    apply = bench.run(bench.task)
    assert not apply.get("failed"), apply["msg"]
    agree(check, apply)
    if bench.case.get("once"):
        return
    again = bench.run(bench.task)
    assert again["changed"] is False, again["plan"]["text"]
    assert again["plan"]["steps"] == []


@pytest.mark.parametrize("bench", FAILING, indirect=True)
def test_case_that_fails_leaves_everything_as_it_was(bench: Bench) -> None:
    bench.prepare()
    before = bench.picture()
    result = bench.run(bench.task)
    assert result["msg"] == bench.case["fails"]
    assert bench.picture() == before
    # A command that ran and failed has changed what no engine can show.
    assert result["changed"] is bench.case.get("changed", False)
