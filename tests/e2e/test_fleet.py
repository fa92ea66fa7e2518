"""One playbook against three servers, reached in three ways: the results are equal."""

from __future__ import annotations

import json
import re

from tests.e2e.checkout import Checkout, Run
from tests.e2e.conftest import USERS
from tests.lab.servers import Server

PAGE = "<h1>It works</h1>"
RECORD = "dockyard.fleet.container"
BARE = ("e2e-sudoer", "e2e-sudopw")


def containers(server: Server) -> set[str]:
    """Return the settings of the demonstration's containers, one a line, but for ids and salts."""
    found = json.loads(server.exec("docker", "inspect", "demo-page", "demo-clock"))
    lines = set()
    for one in found:
        labels = one["Config"]["Labels"]
        record = json.loads(labels.pop(RECORD))
        del labels["dockyard.fleet.image"]  # the image's own, which is salted as well
        # Log options and this group's default are the engine's; one engine is not set up by us.
        del one["Config"]["Hostname"], one["HostConfig"]["LogConfig"]
        lines |= {f"{one['Name']} record {key}" for key in record}
        for part in ("Config", "HostConfig"):
            lines |= {f"{one['Name']} {key} {json.dumps(v)}" for key, v in one[part].items()}
    return lines


def test_a_check_on_bare_servers_runs_to_the_end(planned: Run, servers: dict[str, Server]) -> None:
    assert set(planned.changed) == set(USERS)
    assert len(re.findall(r"msg: 'engine: .*docker\.io.* will be installed'", planned.output)) == 2
    assert planned.plan("image/demo/page:1").endswith("build demo/page:1")
    for verb in ("create", "start", "wait"):
        assert f"{verb} demo-page" in planned.plan("container/demo-page")
    for name in BARE:
        seen = servers[name].exec("sh", "-c", "command -v dockerd; ls -A /etc/docker 2>&1 || true")
        assert seen.endswith("No such file or directory")


def test_the_first_run_makes_what_the_check_said(first: Run, servers: dict[str, Server]) -> None:
    assert all(count > 0 for count in first.changed.values())
    pages = re.findall(r'^  page +http://\S+ answers ".*It works', first.report, re.MULTILINE)
    assert len(pages) == len(USERS)
    for server in servers.values():
        assert PAGE in server.exec("busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8089/")
        state = server.exec("docker", "inspect", "-f", "{{.State.Health.Status}}", "demo-page")
        assert state == "healthy"


def test_each_way_was_taken(first: Run) -> None:
    assert first.report.count("reached by forward") == 1  # the member of the group docker
    assert first.report.count("reached by relay") == 2  # sudo, without and with a password


def test_the_report_tells_what_was_made_and_how_long_it_took(first: Run, planned: Run) -> None:
    verbs = {
        "image/demo/page:1": "build",
        "container/demo-page": "create, start, wait",
        "container/demo-clock": "create, start, wait",
    }
    for address, words in verbs.items():
        for run, would in ((planned, "would "), (first, "")):
            line = rf"^  {re.escape(address)} +{would}{words}$"
            assert len(re.findall(line, run.report, re.MULTILINE)) == len(USERS), run.report
    # Two of them had no engine.
    runtime = r"^  role container_runtime +(would make )?\d+ changes?$"
    assert len(re.findall(runtime, first.report, re.MULTILINE)) == len(USERS) - 1
    times = first.report.partition("\ntimes\n")[2]
    stages = re.findall(r"^  (\w+) +\d+\.\d s$", times, re.MULTILINE)
    assert stages == ["Demonstration", "Runtime", "Workloads", "Record"]


def test_results_are_equal(first: Run, servers: dict[str, Server]) -> None:
    made = [containers(server) for server in servers.values()]
    assert len(made) == 3
    assert sorted(set.union(*made) - set.intersection(*made)) == []


def test_a_second_run_changes_nothing(first: Run, tree: Checkout) -> None:
    again = tree.play("playbooks/demo.yml")
    assert again.changed == dict.fromkeys(USERS, 0)
    # Hosts of which the same is told share their lines.
    told = re.findall(r"^  unchanged +(.*)$", again.report, re.MULTILINE)
    assert set(told) == {"1 image, 2 containers"}
    assert all(name in again.report for name in USERS)
    # Short enough to be read: each host's own lines, and no noise of tries.
    assert again.output.count("\nTASK ") <= 43
    assert again.output.count("\nskipping: [") <= 25 * len(USERS)
    assert "RETRYING" not in again.output


def test_no_secret_of_an_inventory_is_shown(first: Run, tree: Checkout) -> None:
    """Not where it goes well, and not where a wrong key ends the run."""
    variables = tree.folder / "inventories/local_containers/group_vars/container_hosts.yml"
    entries = [
        {"name": f"demo-{key}", "image": "demo/page:1", "command": ["sleep", "1d"], key: secret}
        for key in ("secret_environment", "secret_enviroment")
        for secret in [{"TOKEN": "{{ 'can' ~ 'ary' }}"}]
    ]
    variables.write_text(json.dumps({"workloads_containers_secret": entries}))
    try:
        done = tree.play(
            "playbooks/site.yml", "-vvvv", "--tags", "workloads", "--limit", "e2e-dock"
        )
    finally:
        variables.unlink()
    assert "secret_enviroment: unknown option; did you mean secret_environment?" in done.output
    assert "changed: [e2e-dock] => (item=demo-secret_environment)" in done.output
    assert "canary" not in done.output
