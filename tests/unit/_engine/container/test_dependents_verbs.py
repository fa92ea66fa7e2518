"""Containers that are recreated because another, in whose namespaces they are, is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from tests.lab.casework import Bench

WEB = {"name": "web", "image": "app:1"}
TAIL = {
    "name": "tail",
    "image": "app:1",
    "pid": "container:web",
    "hostname": "tail",
    "networks": {"front": {"aliases": ["tail"]}},
}


@pytest.mark.parametrize("api", ["1.41", "1.45"])
def test_an_alias_that_is_the_host_name_stays(api: str, tmp_path: Path) -> None:
    """Engines before API 1.45 add it by themselves, and none does so since."""
    case: Dict[str, Any] = {
        "api": api,
        "images": {"app:1": {"cmd": ["serve"]}},
        "networks": [{"Name": "front"}],
        "before": [WEB, TAIL],
    }
    with Bench("container", case, tmp_path) as bench:
        bench.prepare()
        replaced = bench.run({**WEB, "user": "1", "dependents": "replace"})
        assert {step["address"] for step in replaced["plan"]["steps"]} == {
            "container/web",
            "container/tail",
        }
        again = bench.run(TAIL)
        assert again["changed"] is False, again["plan"]["text"]
