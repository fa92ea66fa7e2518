"""What a user is told of a container that did not come up."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.secrets import hide
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.diagnose import (
    likely,
    meaning_of,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab import fake_life
from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

RUNC = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start"
# What engines said, and the word of the likely cause that tells the user where to look.
SAID = {
    f'{RUNC} container process: exec: "/etc": permission denied: unknown': "not executable",
    f'{RUNC} container process: exec: "/no/such": stat /no/such: no such file or directory: '
    "unknown": "not in the image",
    "exec /usr/bin/app: exec format error": "architecture",
    "crun: executable file `nosuch` not found in $PATH: No such file": "not in the image",
    "crun: the path `/etc` is not a regular file: OCI permission denied": "not executable",
    "unable to find user nosuch: no matching entries in passwd file": "user:",
    "unable to find group nosuch: no matching entries in group file": "group_add:",
    "Unable to find group nosuch: no matching entries in group file": "no such group",
    'could not find slirp4netns, the network namespace can\'t be configured: exec: "slirp4netns": '
    "executable file not found in $PATH": "install it",
    "container create: invalid config provided: pasta networking is only supported for rootless "
    "mode or when inside a nested userns": "only on rootless engines",
    'error gathering device information while adding custom device "/dev/nosuch": no such file or '
    "directory": "devices:",
    "Unknown runtime specified nosuch": "runtime:",
    "unknown or invalid runtime name: nosuch": "runtime:",
    'invalid mount config for type "bind": bind source path does not exist: /no/such': "volumes:",
    f'{RUNC} container process: error during container init: error mounting "/etc/hostname" to '
    'rootfs at "/etc": mount /etc/hostname:/etc: not a directory: unknown: Are you trying to mount '
    "a directory onto a file (or vice-versa)? Check if the specified host path exists": "volumes:",
    'error looking up logging plugin nosuch: plugin "nosuch" not found': "logging:",
    'could not select device driver "" with capabilities: [[gpu]]': "gpus",
    "cannot join network of a non running container: 0123": "network_mode:",
}


@pytest.mark.parametrize(("message", "word"), SAID.items(), ids=SAID.values())
def test_a_refusal_brings_the_likely_cause(message: str, word: str) -> None:
    assert word in str(likely(message))


def test_a_refusal_nobody_knows_brings_no_guess() -> None:
    assert likely("server error") is None


def test_exit_codes_have_their_meaning() -> None:
    codes = {
        0: "",
        3: "",
        127: "not found",
        134: "SIGABRT",
        139: "SIGSEGV",
        143: "SIGTERM",
        255: "",
    }
    assert [word for code, word in codes.items() if word not in meaning_of(code)] == []
    assert [meaning_of(code) for code in (0, 3, 255)] == ["", "", ""]


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    key = "-----BEGIN KEY-----\nMIIabcdefgh\nab\n-----END KEY-----\n"
    assert hide("said MIIabcdefgh, a cab", [key]) == "said ********, a cab"


def test_a_crash_loop_ends_the_wait_with_the_code_it_died_of() -> None:
    """Between two runs, or while the next one has begun, the reason is that of the last."""
    with FakeEngine() as fake:
        fake.add_image("app:1", behaviour="exit:3", logs=["going down"])
        told = do(
            CONTAINER,
            fake.socket_path,
            name="web",
            image="app:1",
            restart="always",
            wait="started",
            monitor="20s",
        )
        assert told["msg"].startswith(
            "container/web: the container exited with code 3, and is being restarted"
        )
        assert (told["exit_code"], told["oom_killed"]) == (3, False)
        assert fake.names() == []


def test_an_end_of_which_the_event_comes_late_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine under load shows the restart before the event of the end has been sent."""
    with FakeEngine() as fake:
        fake.add_image("app:1", behaviour="exit:3")
        emit = fake.state.emit

        def slowly(kind: str, action: str, *rest: Any) -> None:
            if action == "die":
                threading.Timer(0.3, emit, (kind, action, *rest)).start()
            else:
                emit(kind, action, *rest)

        monkeypatch.setattr(fake.state, "emit", slowly)
        monkeypatch.setattr(fake_life, "FIRST_DELAY", 0.02)
        params = {"restart": "always", "wait": "started", "monitor": "20s"}
        told = do(CONTAINER, fake.socket_path, name="web", image="app:1", **params)
        assert "the container exited with code 3, and is being restarted" in told["msg"]
        assert told["exit_code"] == 3


def test_a_container_that_is_removed_ends_the_wait() -> None:
    with FakeEngine() as fake:
        fake.add_image("app:1", behaviour="vanish", healthcheck={"Test": ["CMD", "probe"]})
        told = do(CONTAINER, fake.socket_path, name="web", image="app:1", wait="healthy")
        assert "the container was removed during the wait" in told["msg"]
