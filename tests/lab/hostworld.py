"""What libvirt's built-in driver cannot keep, kept beside it; see hostwork.py."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Set


class World:
    """What the built-in driver cannot keep: contents and new sizes of volumes, plugged disks.

    `writes` lists the calls that write; the one numbered `cut` (from 1) ends the run, before it
    is made or, with `after`, when it has been made. `meanwhile` has what others do before the
    n-th. `deleted` are paths of volumes whose file is gone, which libvirt sees when it looks.
    `states` maps machines to what libvirt says of their run, (state, reason), until that
    changes; `saved` to the documents of memories that it keeps, `restored` to those that came
    back. `transient` names machines that are not defined. `told` has what a source of addresses
    (`lease`, `agent`) answers, and the list of `leases`. `firmwares` are the kinds of firmware that
    there are files for.
    """

    def __init__(self) -> None:
        self.contents: Dict[str, bytes] = {}
        self.sizes: Dict[str, int] = {}
        self.plugged: Dict[str, List[str]] = {}
        self.deleted: Set[str] = set()
        self.broken: Dict[str, str] = {}
        self.told: Optional[Dict[str, Any]] = None
        self.states: Dict[str, List[int]] = {}
        self.saved: Dict[str, str] = {}
        self.restored: Dict[str, str] = {}
        self.transient: Set[str] = set()
        self.firmwares = ["bios", "efi"]
        self.writes: List[str] = []
        self.meanwhile: Dict[int, Callable[[], Any]] = {}
        self.cut = 0
        self.after = False


class Stream:
    """A stream as libvirt's, from or to a volume's content."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._at = 0
        self.key = ""

    def send(self, data: bytes) -> int:
        """Take some bytes."""
        self._world.contents[self.key] += data
        return len(data)

    def recv(self, size: int) -> bytes:
        """Give the next bytes."""
        piece = self._world.contents.get(self.key, b"")[self._at : self._at + size]
        self._at += len(piece)
        return piece

    def finish(self) -> int:
        """End."""
        return 0
