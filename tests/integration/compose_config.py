"""Our loader beside `docker compose config`: every case, and files that others wrote.

No engine is asked. A case in which the two differ says why, in `differs`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.plugin_utils.compose.project import load

from tests.lab.composed import compared, config, corpus, stand_in
from tests.lab.composing import all_cases, arguments, loaded, write

FILES_ONLY = [
    param
    for param in all_cases()
    if all(isinstance(source, str) for source in arguments(param.values[0])["sources"])
]


@pytest.mark.parametrize("case", FILES_ONLY)
def test_a_case_is_as_docker_compose_has_it_or_says_why_not(case: Any, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    write(case, folder)
    given = arguments(case)
    if "error" in case:
        printed, _error = config(folder, given)
        lines = ["docker compose accepts it"] if printed is not None else []
    else:
        lines = compared(folder, given, loaded(case, folder))
    assert bool(lines) == ("differs" in case), lines


@pytest.mark.skipif(not corpus(), reason="no corpus of Compose files; COMPOSE_CORPUS names one")
@pytest.mark.parametrize("folder", corpus(), ids=lambda folder: folder.name)
def test_the_corpus_is_as_docker_compose_has_it(folder: Path) -> None:
    project = load(["compose.yaml"], name="demo", basedir=str(folder), read=stand_in)
    assert compared(folder, {}, project) == []
