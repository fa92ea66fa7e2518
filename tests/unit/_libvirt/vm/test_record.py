"""What a machine's record says was declared last: it tells an edit from what changed outside."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from tests.lab.hostwork import HostBench

WEB: Dict[str, Any] = {"name": "web01", "memory": "1GiB", "networks": ["default"]}
ADDRESS: Dict[str, Any] = {"network": "default", "address": "192.168.122.41"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"autostart": True}, {"autostart": False}),
        ({"memory": "1GiB"}, {"memory": "2GiB"}),
        ({"networks": [ADDRESS]}, {"networks": [{**ADDRESS, "address": "192.168.122.50"}]}),
    ],
    ids=["autostart", "memory", "address"],
)
def test_a_declaration_that_is_edited_back_is_no_drift(
    one: Dict[str, Any], other: Dict[str, Any]
) -> None:
    with HostBench({"name": "three declarations", "before": [{**WEB, **one}]}) as bench:
        bench.prepare()
        for change in (other, one, other):
            result = bench.run({**WEB, **change})
            assert not result.get("failed"), result["msg"]
            assert result["changed"] is True
            assert "changed outside" not in result["plan"]["text"]
            assert bench.run({**WEB, **change})["changed"] is False
