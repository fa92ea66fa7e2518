"""What Compose files come to, as data: interpolation, `.env`, merge, extends, include and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption

from tests.lab.composing import all_cases, at, loaded, write

ALL = list(all_cases())


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def test_there_are_many() -> None:
    assert len(ALL) >= 200
    assert len({param.id for param in ALL}) == len(ALL)


@pytest.mark.parametrize("case", ALL)
def test_case(case: Any, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write(case, folder)
    if "error" in case:
        with pytest.raises(InvalidOption) as caught:
            loaded(case, folder)
        assert str(caught.value).replace(f"{folder}/", "") == case["error"].strip()
        return
    project = loaded(case, folder)
    if "gives" in case:
        web = project.services["web"]
        if "value" in case:
            assert web["environment"]["V"] == case["gives"]
        else:
            assert {key: web.get(key) for key in case["gives"]} == case["gives"]
    for path, value in (case.get("expect") or {}).items():
        assert at(project, path) == value, path
    if "warnings" in case:
        assert list(project.warnings) == case["warnings"]
    assert {"gives", "expect", "warnings"} & case.keys(), "it expects nothing"
