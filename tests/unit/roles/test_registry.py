"""Wrong variables of role registry are refused, all at once, before the host is looked at."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.lab.playbook import run_playbook

ROOT = Path(__file__).parents[3]
USERS = [{"name": "ci", "password": "canary-of-ci"}]
KEY = "-----BEGIN PRIVATE KEY-----\ncanary-of-the-key\n-----END PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
# Variables without their prefix, and what the error has to have.
WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "kind": ({"kind": "vm"}, ["registry_kind", "package, container"]),
    "password": ({"users": [{"name": "ci"}]}, ["missing required arguments: password"]),
    "port": ({"port": 70000}, ["registry_port: 70000 is no port"]),
    "address": ({"address": "eth0"}, ["registry_address: eth0 is no address"]),
    "names": ({"names": ["reg:5000", "reg"]}, ["registry_names: reg:5000 is no name or address"]),
    "half": (
        {"tls": "given", "tls_certificate": CERTIFICATE},
        ["needs both registry_tls_certificate and registry_tls_key"],
    ),
    "unused": ({"tls_key": KEY}, ["with own, registry_tls_certificate"]),
    "swapped": (
        {"tls": "given", "tls_certificate": KEY, "tls_key": CERTIFICATE},
        ["registry_tls_certificate: is no certificate", "registry_tls_key: is no key in PEM"],
    ),
    "encrypted": (
        {
            "tls": "given",
            "tls_certificate": CERTIFICATE,
            "tls_key": KEY.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        },
        ["registry_tls_key: is encrypted"],
    ),
    "clear": ({"tls": "none"}, ["registry_tls: without TLS, passwords and images"]),
    "anonymous": ({"users": []}, ["registry_users: without accounts everybody"]),
    "storage": ({"storage": "srv/../x"}, ["registry_storage: srv/../x is no path"]),
    "image": ({"image": "registry:2; id"}, ["registry_image: registry:2; id is no reference"]),
    "schedule": (
        {"garbage_schedule": "Sun\nExecStart=id"},
        ["registry_garbage_schedule: is one line"],
    ),
    "several": (
        {"port": 0, "users": [], "tls": "none"},
        ["registry_port: 0", "registry_users: without", "registry_tls: without"],
    ),
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what a run of the role on a host for each case printed."""
    folder = tmp_path_factory.mktemp("registry")
    hosts = {
        name: {f"registry_{key}": value for key, value in {"users": USERS, **given}.items()}
        for name, (given, _words) in WRONG.items()
    }
    play = {
        "hosts": "all",
        "gather_facts": False,
        # Nobody is there: what connects fails with another message.
        "vars": {"ansible_host": "127.0.0.1", "ansible_port": 1},
        "roles": ["dockyard.fleet.registry"],
    }
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    (folder / "play.json").write_text(json.dumps([play]))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"}
    arguments = ["-i", str(folder / "hosts.json"), str(folder / "play.json")]
    done = run_playbook(arguments, ROOT, environment)
    return done.stdout + done.stderr


@pytest.mark.parametrize("case", WRONG)
def test_wrong_variables_are_refused(case: str, output: str) -> None:
    parts = output.split(f"\nfatal: [{case}]: FAILED! =>")
    assert len(parts) == 2, output[-4000:]
    message = " ".join(re.split(r"\n\S", parts[1])[0].split())
    assert [words for words in WRONG[case][1] if words not in message] == [], message


def test_no_error_has_a_secret(output: str) -> None:
    assert output.count("FAILED") == len(WRONG)
    assert "canary" not in output
