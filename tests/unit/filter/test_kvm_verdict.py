"""What accelerates machines: KVM counts when instructions ran with it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.kvm_verdict import (
    FilterModule,
    kvm_verdict,
)

RAN = {"stdout": "SeaBIOS (version 1.16.2)", "stderr": "qemu: terminating on signal 15 from pid 7"}
DENIED = "qemu-system-x86_64: error: Could not access KVM kernel module: Permission denied"


@pytest.mark.parametrize(
    ("tried", "capable", "kind", "reason"),
    [
        (RAN, {"rc": 0}, "kvm", "a machine started with it"),
        (RAN, {}, "kvm", "a machine started with it"),
        (RAN, {"rc": 1, "stderr": "error: no \n"}, "qemu", "libvirt does not offer KVM: error: no"),
        (
            {"stdout": "", "stderr": f"{DENIED}\nqemu-system-x86_64: failed"},
            {"skipped": True},
            "qemu",
            "KVM does not work here: Could not access KVM kernel module: Permission denied",
        ),
        (
            {**RAN, "stderr": "KVM internal error. Suberror: 1"},
            {},
            "qemu",
            "KVM does not work here: KVM internal error. Suberror: 1",
        ),
        (
            {"stdout": "", "stderr": RAN["stderr"]},
            {},
            "qemu",
            "KVM does not work here: no instruction ran",
        ),
        ({"failed": True, "rc": 2}, {}, "qemu", "KVM does not work here: no instruction ran"),
        ({"skipped": True}, {}, "unknown", "known after QEMU is installed"),
    ],
)
def test_verdict(tried: Any, capable: Any, kind: str, reason: str) -> None:
    assert kvm_verdict(tried, capable) == {"kind": kind, "reason": reason}


def test_in_a_check_the_device_is_still_closed() -> None:
    reason = "known after QEMU may use /dev/kvm"
    assert kvm_verdict({"stdout": ""}, opening=True) == {"kind": "unknown", "reason": reason}


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"kvm_verdict": kvm_verdict}
