# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between what is to be copied and what is there, for copies of both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.plan import Plan
from ..._desired.sizes import show_size
from ..._desired.steps import Change, Step
from ..._desired.terminal_text import visible_lines
from .desired import Desired
from .observed import Observed, Seen
from .source import Entry, Source

_CAUSES = 20  # that are printed; the rest is a number


def wanted(desired: Desired, observed: Observed, path: str, entry: Entry) -> Entry:
    """Return an entry as it should become: what is not declared stays as it is there."""
    there = observed.there.get(path)
    mode = desired.folder_mode if entry.kind == "folder" else desired.mode
    uid, gid = observed.uid, observed.gid
    if there is not None:
        uid = there.entry.uid if uid is None else uid
        gid = there.entry.gid if gid is None else gid
    mode = entry.mode if mode is None or entry.kind == "link" else mode
    return replace(entry, mode=mode, uid=uid or 0, gid=gid or 0)


def differing(
    desired: Desired, observed: Observed, entries: Mapping[str, Entry]
) -> Dict[str, List[Change]]:
    """Return the changes by path of all that differs; those below a new folder have none."""
    result: Dict[str, List[Change]] = {}
    new: Set[str] = set()
    for path, entry in entries.items():
        there = observed.there.get(path)
        if not path and observed.path == "/":
            continue  # the root of all is there, and is not ours to change
        if there is not None and not desired.force:
            continue
        if there is None:
            within = bool(path) and path.rpartition("/")[0] in new
            result[path] = [] if within else [_new(path, entry, entries)]
            if entry.kind == "folder":
                new.add(path)
            continue
        changes = _changes(path, wanted(desired, observed, path, entry), there, desired.secret)
        if changes:
            result[path] = changes
    return result


def _new(path: str, entry: Entry, entries: Mapping[str, Entry]) -> Change:
    if entry.kind == "folder":
        below = [item for item in entries if not path or item.startswith(f"{path}/")]
        text = f"{len([item for item in below if item])} entries"
    else:
        text = entry.link or "new" if entry.kind == "link" else "new"
    return _change(entry.kind, path, f"none → {text}")


def _change(field: str, path: str, text: str) -> Change:
    return Change(field, path, None, None, "live", "declared", text=text)


def _changes(path: str, entry: Entry, there: Seen, secret: bool) -> List[Change]:
    seen = there.entry
    if seen.kind != entry.kind:
        return [_change("kind", path, f"{seen.kind} → {entry.kind}")]
    result: List[Change] = []
    if entry.kind == "file" and not there.same:
        sizes = f"{show_size(seen.size)} → {show_size(entry.size)}"
        alike = secret or seen.size == entry.size
        result.append(_change("content", path, "changed" if alike else sizes))
    if entry.kind == "link":
        if seen.link != entry.link:
            result.append(_change("link", path, f"{seen.link} → {entry.link}"))
    elif seen.mode != entry.mode:
        result.append(_change("mode", path, f"{seen.mode:04o} → {entry.mode:04o}"))
    for name, before, after in (("owner", seen.uid, entry.uid), ("group", seen.gid, entry.gid)):
        if before is not None and before != after:
            result.append(_change(name, path, f"{before} → {after}"))
    return result


def plan(
    desired: Desired, observed: Observed, entries: Mapping[str, Entry], verb: str, **names: str
) -> Plan:
    """Return the one step that copies what differs, or none."""
    if not observed.target.id:
        note = f"container/{observed.target.name}: {observed.target.unknown}"
        return Plan((_step(desired, verb, ("waits for the container",), (), names),), (note,))
    by_path = differing(desired, observed, entries)
    changes = tuple(change for some in by_path.values() for change in some)
    parts = [f"{folder} does not exist" for folder in observed.missing[:1]]
    parts += [change.words() for change in changes[:_CAUSES]]
    if len(changes) > _CAUSES:
        parts.append(f"{len(changes) - _CAUSES} more differ")
    notes: Tuple[str, ...] = ()
    if observed.blind and (desired.owner or desired.group):
        notes = (
            "this engine does not report owners: they are set only along with other differences",
        )
    if changes and observed.read_only:
        raise InvalidOption(
            f"nothing can be copied to {observed.path} in the container: {observed.read_only}",
            option="dest",
            hint="mount what is to be written to, or copy before it is made read-only",
        )
    if changes:
        return Plan((_step(desired, verb, tuple(parts), changes, names),), notes)
    if observed.target.unknown:
        # It may be replaced, and then have none of what was copied.
        cause = f"container/{observed.target.name}: {observed.target.unknown}"
        return Plan((_step(desired, verb, (cause,), (), names, maybe=True),), notes)
    return Plan(notes=notes)


def _step(
    desired: Desired,
    verb: str,
    causes: Tuple[str, ...],
    changes: Tuple[Change, ...],
    names: Mapping[str, str],
    maybe: bool = False,
) -> Step:
    return Step(verb, desired.address, verb, causes, "live", changes, (), maybe, dict(names))


def texts(
    source: Source, observed: Observed, paths: Mapping[str, Any], limit: int
) -> List[Dict[str, str]]:
    """Return the diffs of short texts, in the form that Ansible prints, and of others a word."""
    result = []
    for path in paths:
        entry, there = source.entries[path], observed.there.get(path)
        if entry.kind != "file" or (there is not None and there.same):
            continue
        where = f"{observed.target.name}:{observed.path.rstrip('/')}" + (f"/{path}" if path else "")
        after: Optional[bytes] = b""
        if entry.size <= limit:
            with source.open(path) as file:
                after = file.read()
        else:
            after = None
        before = b"" if there is None or there.entry.kind != "file" else there.text
        where = visible_lines(where)
        result.append({"before_header": where, "after_header": where, **_text(before, after)})
    return result


def _text(before: Optional[bytes], after: Optional[bytes]) -> Dict[str, str]:
    """Return `before` and `after` as texts; what is long or no text is only named."""
    shown = {}
    for key, data in (("before", before), ("after", after)):
        try:
            text = None if data is None or b"\0" in data else data.decode("utf-8")
        except UnicodeDecodeError:
            text = None
        shown[key] = "(binary, or too long to show)\n" if text is None else visible_lines(text)
    if shown["before"] == shown["after"]:
        shown["after"] = f"{shown['after'].strip()} (differs)\n"
    return shown
