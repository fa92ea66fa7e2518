# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness ladder: defined → running → address → SSH with the expected host key → cloud-init.

One deadline for all rungs. When it passes, or the machine stops, the error names the rung, what
was seen there, and the console's last lines.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from ..._desired.errors import FleetError
from ..._desired.terminal_text import visible
from ..._desired.values import show_duration
from ..client import storage
from ..client.abandoned import go_on
from ..client.domain_xml import parse, record
from ..client.hypervisor import Hypervisor
from ..disk.write_errors import disk_trouble
from .addresses import addresses
from .console import console_text, is_done, is_hidden, panic_of, port_answers
from .desired import WAITS, Desired, seed_volume
from .seed import public_keys
from .states import STATES, is_io_error, stand

_CONSOLE_LINES = 20
_POLL = 0.25
# Seconds for one try: ssh's own limit ends with the banner, and a guest that dies then holds it.
_SSH_PATIENCE = 60
# Addresses that are tried in turn; a guest may claim many, and each takes its time.
_CANDIDATES = 4
# virDomainShutoffReason, where it tells something (libvirt-domain.h).
_STOPS = {1: "its guest switched it off", 2: "it was switched off from outside", 3: "it crashed"}

# What a rung tells: done, and what was seen.
Seen = Tuple[bool, str]


class _Ladder:
    """One machine on its way up. Every look answers (done, what was seen)."""

    def __init__(self, host: Hypervisor, desired: Desired, domain: Any) -> None:
        self.host = host
        self.desired = desired
        self.deadline = time.monotonic() + desired.wait_timeout / 1e9
        self.domain = domain
        self._gone = (host.lib.VIR_ERR_NO_DOMAIN,)
        self.address = ""
        self.may_end = False
        self.record = record(parse(host.call("XMLDesc", 0, on=self.domain)))
        self.keys: Optional[List[str]] = None

    def look_running(self) -> Seen:
        now = self.host.call("state", 0, on=self.domain, missing=self._gone)
        state = STATES[now[0]] if now else "gone"
        runs = state in ("running", "blocked")
        return runs, "running" if runs else f"it is {state}"

    def trouble(self, rung: str) -> str:
        """Say why it will not reach a rung any more, "" as long as it may."""
        now = self.host.call("state", 0, on=self.domain, missing=self._gone)
        if now is None:
            return "the machine is gone: somebody has removed it"
        state, reason = STATES[now[0]], int(now[1])
        if not self.host.call("isActive", on=self.domain, missing=self._gone):
            return f"the machine stopped: {_STOPS.get(reason, 'no reason is known')}"
        if is_io_error(state, reason):
            return f"the machine is paused: {disk_trouble(self.host, self.domain)}"
        kind, words = stand(state, reason)
        if kind in ("held", "asleep", "dead"):
            return f"the machine is {state}: {words}"
        panic = panic_of(self.desired.name)
        if panic is not None:
            return f"its kernel panicked: {panic}"
        hidden = rung == "cloud_init" and is_hidden(self.desired.name)
        return "only root can read its last message" if hidden else ""

    def look_address(self) -> Seen:
        known = addresses(self.host, self.domain)
        self.address = known[0] if known else ""
        return bool(known), self.address or "no lease, no answer from the agent, nothing in ARP"

    def look_ssh(self) -> Seen:
        """Try every address that it has now: it may have got another one meanwhile."""
        seen = []
        for address in addresses(self.host, self.domain)[:_CANDIDATES] or [self.address]:
            done, how = self._try(address)
            if done:
                return True, how
            seen.append(how)
            if time.monotonic() >= self.deadline:
                break
        return False, "; ".join(dict.fromkeys(seen))

    def _try(self, address: str) -> Seen:
        """Connect without any credentials: a refusal proves that the host key was right."""
        keys = self._public_keys()
        if not keys or not shutil.which("ssh"):
            done, seen = port_answers(address)
            reason = "no ssh client here" if keys else "no known host key"
            return done, f"{seen} ({reason}: its key is not checked)" if done else seen
        with tempfile.NamedTemporaryFile("w", prefix="known_hosts") as known:
            known.writelines(f"{self.desired.name} {key}\n" for key in keys)
            known.flush()
            return _try_ssh(address, self.desired.name, known.name)

    def look_cloud_init(self) -> Seen:
        done = is_done(self.desired.name, self.record)
        return done, "done" if done else "its last message is not on the console yet"

    def _public_keys(self) -> List[str]:
        if self.keys is None:
            from ..cloud_init.nocloud import read

            self.keys = []
            if self.desired.cloud_init is not None:
                volumes = self.record.get("volumes", ())
                pool, name = seed_volume(self.desired, volumes)
                self.keys = list(public_keys(read(storage.download(self.host, pool, name))))
        return self.keys


def wait(
    host: Hypervisor,
    desired: Desired,
    domain: Any,
    begun: float,
    before: List[Dict[str, Any]],
    may_end: bool,
) -> List[Dict[str, Any]]:
    """Climb to the rung that `wait` names; return [{rung, seconds, seen}], those `before` first.

    Seconds count from `begun`, a reading of the monotonic clock; `wait_timeout` counts from now.
    Raise FleetError with the failing rung, what was seen there and the console's tail, and GivenUp
    if it `may_end` where the task is not waited for any more.
    """
    ladder = _Ladder(host, desired, domain)
    ladder.may_end = may_end
    rungs: List[Tuple[str, Callable[[], Seen]]] = [
        ("running", ladder.look_running),
        ("address", ladder.look_address),
        ("ssh", ladder.look_ssh),
        ("cloud_init", ladder.look_cloud_init),
    ]
    last = max(WAITS.index(desired.wait), 0)
    climbed = list(before)
    for rung, look in rungs[: last + 1]:
        seen = _climb(ladder, rung, look, climbed)
        seconds = round(time.monotonic() - begun, 1)
        climbed.append({"rung": rung, "seconds": seconds, "seen": seen})
    return climbed


def _climb(
    ladder: _Ladder,
    rung: str,
    look: Callable[[], Seen],
    climbed: List[Dict[str, Any]],
) -> str:
    while True:
        done, seen = look()
        if done:
            return seen
        trouble = ladder.trouble(rung)
        if trouble:
            raise _fault(ladder, rung, trouble, climbed)
        if time.monotonic() >= ladder.deadline:
            patience = show_duration(ladder.desired.wait_timeout)
            late = _fault(ladder, rung, f"{seen} within {patience}", climbed)
            # What has an address is alive, and may still get there.
            late.outcome_unknown = bool(ladder.address)
            raise late
        if ladder.may_end:
            go_on()
        time.sleep(_POLL)


def _fault(ladder: _Ladder, rung: str, how: str, climbed: List[Dict[str, Any]]) -> FleetError:
    text = console_text(ladder.desired.name)
    lines = [visible(line) for line in text.splitlines()[-_CONSOLE_LINES:]]
    output = next((line.strip() for line in reversed(lines) if line.strip()), "")
    hint = f"the console's last words: {output}" if output else "the console is empty"
    if is_hidden(ladder.desired.name):
        hint = "only root can read the console: use become: true"
    details = {"rung": rung, "ready": climbed, "console": lines}
    return FleetError(
        f"waiting for {rung}: {how}", address=ladder.desired.address, hint=hint, details=details
    )


def _try_ssh(address: str, name: str, known_hosts: str) -> Seen:
    options = (
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={known_hosts}",
        "GlobalKnownHostsFile=/dev/null",
        f"HostKeyAlias={name}",
        "PreferredAuthentications=none",
        "ConnectTimeout=10",
    )
    words = ["ssh", "-F", "/dev/null"]
    for option in options:
        words += ["-o", option]
    try:
        # The core knows no AnsibleModule, whose run_command this would be.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [*words, f"nobody@{address}", "true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SSH_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return False, f"{address} accepts a connection, but then sends nothing"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    # At the beginning of a line: what the other side says stands elsewhere in one.
    refused = any(line.startswith(f"nobody@{address}: Permission denied") for line in lines)
    if refused or done.returncode == 0:
        return True, f"{address} answers with the expected host key"
    if "Host key verification failed" in done.stderr:
        # sshd may start before cloud-init has put the keys in place.
        return False, f"{address} answers with another host key"
    return False, visible(lines[-1]) if lines else f"ssh ended with {done.returncode}"
