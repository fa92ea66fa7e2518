# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt says of a machine's run: which states there are, and what each means for a task.

A machine that is there and does not go on (paused, asleep, crashed) is not started, and one that
is off may have left more behind than its disks: a saved memory, or a life on another host.
"""

from __future__ import annotations

from typing import Tuple

# virDomainState (libvirt-domain.h); `suspended` is the guest's own sleep, pmsuspended there.
STATES = ("nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "suspended")
# `crashed` is one that was kept to be looked at (on_crash: preserve), if it has a process.
ACTIVE = ("running", "blocked", "paused", "shutdown", "suspended")

# virDomainPausedReason: what libvirt itself pauses for, and goes on by itself.
_BUSY = {
    2: "it is being migrated",
    3: "it is being saved",
    4: "its memory is being written out",
    9: "a snapshot of it is being made",
    11: "it is being started",
    12: "it is being migrated",
    13: "its migration failed half-way",
}
_IO_ERROR, _SHUTTING_DOWN, _PANICKED = 5, 8, 10
_PAUSES = {1: "somebody has paused it", 5: "an error of its disk", 6: "its watchdog paused it"}
# virDomainShutoffReason.
_MIGRATED, _SAVED = 4, 5


def stand(state: str, reason: int) -> Tuple[str, str]:
    """Return why a machine that is on does not go on: (kind, words), ("", "") if it does.

    Kinds: `held` (it goes on when it is told to), `asleep` (it has to be woken), `busy` (libvirt
    is at work, do not interfere), `dead` (only a restart helps), `leaving` (it goes down).
    """
    if state == "suspended":
        return "asleep", "its guest went to sleep"
    if state == "crashed" or (state == "paused" and reason == _PANICKED):
        return "dead", "it crashed"
    if state == "shutdown" or (state == "paused" and reason == _SHUTTING_DOWN):
        return "leaving", "it is going down"
    if state != "paused":
        return "", ""
    if reason in _BUSY:
        return "busy", _BUSY[reason]
    return "held", _PAUSES.get(reason, "no reason is known")


def is_io_error(state: str, reason: int) -> bool:
    """Tell whether QEMU paused a machine since it cannot write to a disk."""
    return state == "paused" and reason == _IO_ERROR


def reason_not_started(state: str, reason: int, has_saved: bool) -> str:
    """Say why a machine that is off must not be booted, "" if it may be.

    libvirt knows these reasons until its daemon is restarted.
    """
    if state != "shutoff":
        return ""
    if reason == _MIGRATED:
        return (
            "it went to another host, and would run twice on the same disks; remove it here, or "
            "start it by hand (virsh start)"
        )
    if reason == _SAVED and not has_saved:
        return (
            "its memory was saved into a file (virsh save), which must not be restored any more "
            "once it has booted; restore it (virsh restore), or start it by hand (virsh start)"
        )
    return ""
