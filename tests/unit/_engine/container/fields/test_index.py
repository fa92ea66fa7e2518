"""What a no-op skips of the field table is skipped rightly: it would have said the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container import (
    compare,
    fields,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.casework import Bench
from tests.tools.field_index import INDEX, text

CASES = Path(__file__).parents[3] / "cases" / "container"


def _cases() -> List[Any]:
    listed = [
        case for path in sorted(CASES.glob("*.yml")) for case in yaml.safe_load(path.read_text())
    ]
    return [case for case in listed if "plan" in case and case.get("before")]


def test_the_index_is_fresh() -> None:
    assert INDEX.read_text() == text(), "run make docs"


@pytest.mark.parametrize("case", _cases(), ids=lambda case: str(case["name"]))
def test_all_subjects_say_what_the_needed_ones_say(
    case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Bench("container", case, tmp_path) as bench:
        bench.prepare()
        desired = CONTAINER.desired(bench.checked(bench.task))
        observed = CONTAINER.observe(bench.client(), desired, {}, False)
        few = [change.words() for change in compare.changes_of(desired, observed)]
        whole = fields.SUBJECTS
        monkeypatch.setattr(compare, "seen_subjects", lambda *_: whole)
        everything = compare.changes_of(desired, observed)
        assert [change.words() for change in everything] == few
