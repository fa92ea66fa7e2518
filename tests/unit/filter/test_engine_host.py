"""What was read of a host: from lines, and by the role's own script."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.filter.daemon_files import daemon_files
from ansible_collections.dockyard.fleet.plugins.filter.engine_host import FilterModule, engine_host

ROLE = Path(__file__).parents[3] / "roles" / "container_runtime"
DEBIAN = 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'


def release(text: str) -> str:
    return f"release\t{base64.b64encode(text.encode()).decode()}"


def read(folder: Path, *programs: str) -> str:
    """Run what the role runs on the host, with other programs before those of this machine."""
    script = yaml.safe_load((ROLE / "tasks/read.yml").read_text())[0]["ansible.builtin.shell"]
    values = {
        "__container_runtime_previous": str(folder / ".daemon.json.previous"),
        "__container_runtime_config": str(folder / "daemon.json"),
        "__container_runtime_known_packages | map('quote') | join(' ')": "docker.io",
        "__container_runtime_info_command | map('quote') | join(' ')": "docker info",
    }
    for expression, value in values.items():
        script = script.replace(f"{{{{ {expression} }}}}", value)
    assert "{{" not in script
    for program in programs:
        name, _colon, lines = program.partition(": ")
        (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": path},
    )
    return done.stdout.rstrip("\r\n")


def test_all_of_a_host_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_text('{"debug": true}')
    seen = engine_host(
        read(
            tmp_path,
            "id: echo 0",
            "dpkg-query: printf 'package\\tinstalled docker.io 20.10\\n'; exit 1",
            "dockerd: echo 'Docker version 28.5.1, build e180ab8'",
            'docker: printf \'info\\t{"ServerVersion": "28.5.1"}\\n\'',
        )
    )
    assert (seen["user"], seen["packages"]) == ("0", ["installed docker.io 20.10"])
    assert (seen["version"], seen["validates"]) == ("Docker version 28.5.1, build e180ab8", True)
    assert seen["info"] == {"ServerVersion": "28.5.1"}
    assert daemon_files(seen["files"])["text"] == '{"debug": true}'
    # Of this machine, whatever it is.
    assert seen["init"] in ("systemd", "sysv", "direct")
    assert seen["distribution"] not in ("", "Linux")


def test_a_host_without_packages_and_engine(tmp_path: Path) -> None:
    missing = ["dpkg-query: exit 127", "dockerd: exit 127", "docker: echo no >&2; exit 1"]
    seen = engine_host(read(tmp_path, *missing))
    assert (seen["packages"], seen["version"], seen["validates"]) == ([], "", False)
    assert seen["info"] == {}
    assert daemon_files(seen["files"])["kind"] == "absent"


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_text("{}")
    seen = engine_host(read(tmp_path, "base64: echo e3; echo broken disk >&2; exit 1"))
    assert daemon_files(seen["files"])["problem"] == "cannot be read"
    assert daemon_files(seen["files"])["text"] == ""
    assert daemon_files(engine_host("user\t0")["files"])["problem"].endswith("cannot be read")


@pytest.mark.parametrize(
    ("text", "system", "names"),
    [
        (DEBIAN, "Linux", ("Debian", "12", "bookworm", "Debian 12")),
        (
            "ID=debian\nVERSION_CODENAME=forky\n",
            "Linux",
            ("Debian", "", "forky", "Debian forky"),
        ),
        ("ID=raspbian\nVERSION_ID='13'", "Linux", ("Debian", "13", "", "Debian 13")),
        (
            "# a comment\nNAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=24.04\n",
            "Linux",
            ("Ubuntu", "24", "", "Ubuntu 24"),
        ),
        (
            'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.1\nHOME_URL="',
            "Linux",
            ("Alpine Linux", "3", "", "Alpine Linux 3"),
        ),
        ("", "FreeBSD", ("FreeBSD", "", "", "FreeBSD")),
        ("ID", "", ("the host", "", "", "the host")),
    ],
)
def test_the_distribution(text: str, system: str, names: tuple[str, ...]) -> None:
    seen = engine_host(f"system\t{system}\n{release(text)}")
    assert names == tuple(seen[key] for key in ("distribution", "release", "codename", "platform"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "release\t!\ninfo\t{",
        "info\t[1]",
        "info\t" + "[" * 100_000,
        'info\t{"ServerVersion": "", "ServerErrors": ["no daemon"]}',
        "init\tupstart\nversion\tnonsense\nversion\tDocker version 28.5, build 1",
    ],
)
def test_nothing_is_made_of_what_says_nothing(text: str) -> None:
    seen = engine_host(text)
    assert (seen["info"], seen["validates"], seen["init"]) == ({}, False, "direct")
    assert seen["distribution"] == "the host"


def test_a_name_with_a_line_separator_does_not_end_the_line() -> None:
    assert engine_host('info\t{"ServerVersion": "1", "Name": "a\u2028b"}')["info"]["Name"] == (
        "a\u2028b"
    )


def test_the_first_of_several_counts() -> None:
    assert engine_host("user\t1000\nuser\t0")["user"] == "1000"


@pytest.mark.parametrize(
    ("version", "validates"),
    [
        ("Docker version 20.10.24+dfsg1, build 297e128", False),
        ("Docker version 23.0.1, build a5ee5b1", True),
        ("Docker version library-import, build unknown", False),
    ],
)
def test_from_23_on_the_engine_validates(version: str, validates: bool) -> None:
    assert engine_host(f"version\t{version}")["validates"] is validates


def test_every_package_that_the_role_may_want_is_asked_for() -> None:
    """One that is left out would be installed anew in every run."""
    known = yaml.safe_load((ROLE / "vars/main.yml").read_text())[
        "__container_runtime_known_packages"
    ]
    texts = [path.read_text() for path in (ROLE / "vars").glob("*.yml")]
    wanted = {
        name
        for text in texts
        for entry in re.split(r"\n(?=__|#)", text)
        if re.match(
            r"__container_runtime_(own|own_plugins|basis|engine|packages|plugin_packages):", entry
        )
        for name in re.findall(
            r"['\[ ]((?:docker|containerd|ca|app|audit|ip|cgroup)[a-z0-9.-]+)['\],}]", entry
        )
    }
    assert {"docker.io", "docker-compose-v2", "apparmor", "auditd", "containerd.io"} <= wanted
    assert [name for name in sorted(wanted) if f"'{name}'" not in known] == []


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"engine_host": engine_host}
