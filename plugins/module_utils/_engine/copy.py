# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource `copy`: files into a container, or out of one, through its archive."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .._desired.model import Plan
from .._desired.owned import fingerprint
from .._desired.resource import Verb, Work
from .._desired.steps import Step
from .archive import put
from .copy_diff import differing, plan, texts, wanted
from .copy_found import SHOWN, Found, observe
from .copy_source import END, Entry, header, member
from .copy_wish import Wish, spec, wish

_DIFFS = 20  # files whose text is shown


class Copy:
    """Copies as the desired-state engine sees them (`_desired/run.py`, Resource)."""

    name = "container"
    server = "engine"
    reveals: Tuple[str, ...] = ()
    verbs: Mapping[str, Verb]

    def __init__(self) -> None:
        self.verbs = {"copy": _copy, "fetch": _fetch}

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Wish:
        """Return the declared copy; raise InvalidOption for what cannot be right."""
        return wish(params)

    def observe(
        self, client: Any, desired: Wish, pending: Mapping[str, str], settled: bool
    ) -> Found:
        """Read back what is there now."""
        if desired.source is not None:
            return observe(client, desired, desired.source, pending)
        from .copy_out import look

        return look(client, desired, pending)

    def plan(self, desired: Wish, found: Found) -> Plan:
        """Return the one step that copies what differs."""
        if desired.source is not None:
            made = plan(desired, found, desired.source.entries, "copy", on=found.path)
        else:
            from .copy_out import plan_out

            made = plan_out(desired, found)
        mark = {path: [seen.entry.mode, seen.same] for path, seen in found.there.items()}
        return Plan(made.steps, made.notes, fingerprint=fingerprint(mark))

    def recover(self, desired: Wish, found: Found, begun: List[Step]) -> Plan:
        """Plan nothing: what was copied in part is completed by the next run."""
        return Plan()

    def present(self, found: Found) -> Optional[Dict[str, Any]]:
        """Return the container in short."""
        return found.box.public()

    def outcome(self, desired: Wish, made: Plan, before: Found, foreseen: bool) -> Dict[str, Any]:
        """Return where it is copied to, and the texts that differ."""
        said: Dict[str, Any] = {"dest": desired.local or before.path}
        if made.steps:
            said["diff"] = [{"prepared": made.text()}, *_diffs(desired, before)]
        return said


def _fetch(work: Work, step: Step) -> bool:
    from .copy_out import fetch

    return fetch(work, step)


def _copy(work: Work, step: Step) -> bool:
    """Send what differs in one archive. The engine puts each file in place of the old one."""
    desired: Wish = work.desired
    found: Found = work.snapshot
    if desired.source is None:
        raise ValueError("a copy without a source")
    paths = differing(desired, found, desired.source.entries)
    put(work.client, found.box.id, found.base, _pieces(desired, found, paths))
    return True


def _diffs(desired: Wish, found: Found) -> List[Dict[str, str]]:
    """Return the texts of what a copy changes, for `--diff`; nothing of secrets."""
    if desired.source is None or desired.secret or not found.box.id:
        return []
    paths = list(differing(desired, found, desired.source.entries))[:_DIFFS]
    return texts(desired.source, found, dict.fromkeys(paths), SHOWN)


def _pieces(desired: Wish, found: Found, paths: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the archive; its names are relative to the folder where it is unpacked."""
    above = found.base.rstrip("/")
    parent = Entry("folder", 0o755, mtime=int(time.time()))
    for folder in found.missing:
        yield header(folder[len(above) + 1 :], parent)
    top = found.path[len(above) + 1 :]
    source: Any = desired.source
    for path in paths:
        entry = wanted(desired, found, path, source.entries[path])
        name = f"{top}/{path}" if top and path else top or path
        yield from member(source, path, name, entry)
    yield END


COPY = Copy()
