"""What a report takes out of results: addresses, verbs, ways and times, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.plugin_utils.report.host import (
    Host,
    Machine,
    bare_address,
)

WEB = [("container/web", "create"), ("container/web", "start"), ("image/app:1", "pull")]


def plan(*steps: tuple[str, str]) -> dict[str, Any]:
    return {"steps": [{"address": address, "verb": verb} for address, verb in steps]}


def taken(*results: Any, action: str = "declared", check: bool = False) -> Host:
    host = Host()
    for result in results:
        host.take(f"dockyard.fleet.{action}", "workloads", result, check)
    return host


def test_verbs_go_by_address_each_once_and_apart_from_what_is_only_planned() -> None:
    host = taken({"changed": True, "plan": plan(*WEB, *WEB), "container": {}})
    assert host.verbs == {
        ("container/web", False): ["create", "start"],
        ("image/app:1", False): ["pull"],
    }
    host.take("dockyard.fleet.image", "", {"changed": True, "plan": plan(WEB[2])}, True)
    assert host.verbs["image/app:1", True] == ["pull"]


def test_what_is_as_declared_is_counted_by_kind() -> None:
    same = {"changed": False, "plan": plan()}
    host = taken({**same, "container": {}}, {**same, "container": {}}, {**same, "vm": None})
    assert host.unchanged == {"container": 2, "vm": 1}
    # A copy shows its container, which is not what it keeps.
    assert taken({**same, "container": {}}, action="copy").unchanged == {}
    assert taken({**same, "failed": True, "container": {}}).unchanged == {}


def test_changes_of_other_modules_are_counted_by_role() -> None:
    host = Host()
    for role, changed in (("kvm_host", True), ("kvm_host", True), ("", True), ("", False)):
        host.take("ansible.builtin.apt", role, {"changed": changed, "plan": plan(*WEB)}, False)
    assert host.others == {("kvm_host", False): 2, ("", False): 1}
    assert host.verbs == {}


def test_ways_are_told_once() -> None:
    ways = [{"engine_way": {"name": name, "tried": ["x"]}} for name in ("relay", "relay", "target")]
    assert taken(*ways).ways == ["relay", "target"]


def test_a_machine_is_told_with_its_rungs() -> None:
    ready = [{"rung": "running", "seconds": 1.3, "seen": "x"}, {"rung": "ssh", "seconds": 9}]
    shown = {"name": "web01", "accelerator": {"kind": "kvm", "reason": ""}}
    host = taken({"changed": False, "plan": plan(), "vm": shown, "ready": ready})
    assert host.machines == {"vm/web01": Machine("kvm", [("running", 1.3), ("ssh", 9.0)])}
    late = {"failed": True, "ready": ready, "rung": "cloud_init"}
    assert taken(late).machines["machine"].missed == "cloud_init"


def test_pages_are_told_without_tags_and_without_what_may_be_secret() -> None:
    url = "http://user:secret@web:8080/page?token=secret#secret"
    host = taken({"url": url, "content": "<h1>It\n works</h1>", "status": 200}, action="page")
    assert host.pages == [("http://web:8080/page", "It works")]
    assert taken({"status": 503}, action="page").pages == []
    assert bare_address("http://[broken") == ""


@pytest.mark.parametrize(
    "result",
    [
        {"changed": True, "plan": {"steps": "container/web"}},
        {"changed": True, "plan": {"steps": [None, 1, {"verb": "create"}, {"address": "a/b"}]}},
        {"changed": True, "plan": plan(("a/b", "rm -rf \x1b[2J"), ("a/b", "Create"))},
        {"engine_way": "relay", "vm": [], "ready": {"rung": "ssh"}, "rung": 3},
        {"engine_way": {"name": ["relay"]}, "ready": [{"rung": "ssh", "seconds": "9"}]},
        {"censored": "the output has been hidden", "changed": True},
    ],
)
def test_what_has_another_shape_is_left_out(result: Any) -> None:
    assert taken(result) == Host()


def test_a_hostile_page_costs_nothing() -> None:
    host = taken({"url": "http://web/", "content": "<" * 65536}, action="page")
    assert len(host.pages[0][1]) <= 4096
