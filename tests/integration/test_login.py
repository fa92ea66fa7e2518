"""login and logout at a real registry, kept by Docker's own rules, by both front ends."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.lab.playing import Play
from tests.lab.registry import PASSWORD, USER, Registry

LOGIN, LOGOUT = "dockyard.fleet.login", "dockyard.fleet.logout"


def test_docker_itself_is_logged_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "secrets.yml").write_text(json.dumps({"canary": PASSWORD}))
    (tmp_path / "registry").mkdir()
    play = Play(tmp_path)
    options = ("-vvvv", "--diff", "-e", "@secrets.yml")
    with Registry(tmp_path / "registry", locked=True) as registry:
        for store in ("host", "controller"):
            config = tmp_path / store / "config.json"
            where = {
                "registry": registry.address,
                "store": store,
                "config_path": str(config),
            }
            account = {
                **where,
                "username": USER,
                "password": "{{ canary }}",
                "plain_text": True,
            }
            wrong = {**account, "password": "{{ canary }}-not"}
            refused, foreseen, check, first, again = play.run(
                {LOGIN: wrong},
                {LOGIN: wrong, "check_mode": True},
                {LOGIN: account, "check_mode": True},
                {LOGIN: account},
                {LOGIN: account},
                options=options,
            )
            assert refused["failed"] is True
            assert foreseen["msg"] == refused["msg"]
            assert "the registry does not accept this username" in refused["msg"]
            assert [one["changed"] for one in (check, first, again)] == [True, True, False]
            assert first["engine_way"]["name"] == ("target" if store == "host" else "socket")
            assert PASSWORD not in play.output
            assert login_says(config, registry.address) == 0
            out, gone = play.run({LOGOUT: where}, {LOGOUT: where})
            assert (out["changed"], gone["changed"]) == (True, False)
            assert login_says(config, registry.address) != 0


def login_says(config: Path, registry: str) -> int:
    """Return the exit code of Docker's own login without a password: 0 if it knows the account."""
    command = ["docker", "--config", str(config.parent), "login", registry]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode


def test_the_role_logs_in_to_what_the_inventory_names(tmp_path: Path) -> None:
    (tmp_path / "secrets.yml").write_text(json.dumps({"canary": PASSWORD}))
    (tmp_path / "registry").mkdir()
    play = Play(tmp_path)
    config = tmp_path / "config.json"
    with Registry(tmp_path / "registry", locked=True) as registry:
        entry = {
            "registry": registry.address,
            "username": USER,
            "password": "{{ canary }}",
            "plain_text": True,
            "config_path": str(config),
        }
        role = {
            "ansible.builtin.include_role": {"name": "dockyard.fleet.workloads"},
            "vars": {"workloads_registries": [], "workloads_registries_shop": [entry]},
        }
        play.run(role, options=("-vvvv", "--diff", "-e", "@secrets.yml"))
        assert PASSWORD not in play.output
        assert login_says(config, registry.address) == 0
