"""Plans of machines as data, on libvirt's built-in driver; see tests/lab/hostwork.py.

Each case is also applied: apply makes the steps that check announced, with cause and impact;
check mode only reads; the plan after apply is empty but for what waits for a restart.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable, Dict, Iterator
from xml.etree import ElementTree as ET

import pytest
import yaml

from tests.lab.agree import agree
from tests.lab.hostwork import HostBench
from tests.lab.killing import POINTS

CASES = Path(__file__).parent / "cases" / "vm"


def _load() -> Iterator[Any]:
    for path in sorted(CASES.glob("*.yml")):
        for case in yaml.safe_load(path.read_text()):
            yield pytest.param(case, id=f"{path.stem}/{case['name']}")


ALL = list(_load())
FAILING = [case for case in ALL if "fails" in case.values[0]]
# Cases whose task is also ended at each of its writes.
CUT = [case for case in ALL if case.values[0].get("every_cut")]


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[HostBench]:
    with HostBench(request.param) as made:
        made.prepare()
        yield made


@pytest.mark.parametrize("bench", ALL, indirect=True)
def test_case(bench: HostBench) -> None:
    before = bench.picture()
    check = bench.run(bench.task, check=True)
    assert bench.writes == [], "check mode wrote"
    if "error" in bench.case:
        assert check["msg"] == bench.case["error"]
        assert bench.run(bench.task)["msg"] == bench.case["error"]
        assert bench.writes == [], "a refused task wrote"
        assert bench.picture() == before
        return
    assert not check.get("failed"), check["msg"]
    assert bench.text(check) == bench.case["plan"]
    assert check.get("warnings", []) == bench.case.get("warnings", [])
    if bench.case.get("pending") or "fails" in bench.case:
        return
    apply = bench.run(bench.task)
    assert not apply.get("failed"), apply["msg"]
    agree(check, apply)
    assert apply.get("warnings") == check.get("warnings")
    assert apply["changed"] == bool(bench.writes)
    if not apply["created"]:
        _same_machine(before, bench)
    if bench.case.get("once"):
        return
    again = bench.run(bench.task)
    assert again["changed"] is False, again["plan"]["text"]
    assert again.get("restart_required") == apply.get("restart_required")
    assert apply.get("restart_required") == bench.case.get("restart_required")


def _same_machine(before: Dict[str, Any], bench: HostBench) -> None:
    """Whatever is still there has the UUID that it had, and the MAC addresses of its interfaces."""
    after = bench.picture()["machines"]
    for name, (document, _active, _autostart) in before["machines"].items():
        if name in after:
            was, now = ET.fromstring(document), ET.fromstring(after[name][0])
            assert now.findtext("uuid") == was.findtext("uuid")
            if not any("mac" in one for one in bench.task.get("networks", ())):
                both = zip(
                    was.findall("devices/interface/mac"), now.findall("devices/interface/mac")
                )
                assert all(one.get("address") == other.get("address") for one, other in both)


@pytest.mark.parametrize("bench", FAILING, indirect=True)
def test_case_that_fails_leaves_everything_as_it_was(bench: HostBench) -> None:
    before = bench.picture()
    result = bench.run(bench.task)
    assert result["msg"] == bench.case["fails"]
    assert bench.picture() == before
    assert result["changed"] is False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("case", CUT)
def test_a_run_cut_short_at_any_write_is_finished_by_the_next(
    case: Dict[str, Any], after: bool, record_property: Callable[[str, object], None]
) -> None:
    ours: Dict[str, Any] = {}
    with HostBench(case) as bench:
        bench.prepare()
        result = bench.run(bench.task)
        total, ours = len(bench.writes), _outline(bench)
        assert not result.get("failed"), result["msg"]
    for number in range(1, total + 1):
        with HostBench(case) as bench:
            bench.prepare()
            before = bench.picture()
            with bench.cutting(number, after):
                bench.run(bench.task)
                pytest.fail(f"it was not cut at its write {number}")
            where = f"{'after' if after else 'before'} {bench.writes[-1]} ({number})"
            result = bench.run(bench.task)
            assert not result.get("failed"), f"{where}: {result['msg']}"
            assert _outline(bench) == ours, where
            _same_machine(before, bench)
            again = bench.run(bench.task)
            assert again["changed"] is False, f"{where}: {again['plan']['text']}"
    record_property(f"{POINTS}{'after' if after else 'before'} each write, {case['name']}", total)


def _outline(bench: HostBench) -> Dict[str, Any]:
    """Return what there is, without what is made at random: UUID, MAC addresses, token."""
    seen = bench.picture()
    machines = {
        name: (re.sub(r"<uuid>.*?</uuid>", "", _without_macs(document)), active, autostart)
        for name, (document, active, autostart) in seen["machines"].items()
    }
    networks = {name: _without_macs(document) for name, document in seen["networks"].items()}
    return {"machines": machines, "networks": networks, "volumes": seen["volumes"]}


def _without_macs(document: str) -> str:
    return re.sub(r"mac( address)?='[^']*'", "", document)
