# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource `copy`: files into a container, or out of one, through its archive."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ..._desired.errors import FleetError
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.steps import Step
from ..._desired.work import Verbs, Work
from ..client.container_archive import put
from ..client.errors import EngineError
from ..container.target import about
from .compare import differing, plan, texts, wanted
from .desired import Desired, desired_of, spec
from .observed import SHOWN, Observed, mounts_below, observe
from .source import END, Entry, Source, header, member

_DIFFS = 20  # files whose text is shown


class Copy(Resource):
    """Copies as the desired-state engine sees them (`_desired/run.py`, Resource)."""

    name = "container"
    server = "engine"

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {"copy": _copy, "fetch": _fetch}

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared copy; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Read back what is there now."""
        with about(desired.container):
            if desired.source is not None:
                return observe(client, desired, desired.source, pending)
            from .fetch import look

            return look(client, desired, pending)

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return the one step that copies what differs."""
        if desired.source is not None:
            result = plan(desired, observed, desired.source.entries, "copy", on=observed.path)
        else:
            from .fetch import plan_out

            result = plan_out(desired, observed)
        seen_before = {path: [seen.entry.mode, seen.same] for path, seen in observed.there.items()}
        return Plan(result.steps, result.notes, fingerprint=fingerprint(seen_before))

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the container in short."""
        return observed.target.public()

    def outcome(
        self, desired: Desired, plan: Plan, before: Observed, foreseen: bool
    ) -> Dict[str, Any]:
        """Return where it is copied to, and the texts that differ."""
        output: Dict[str, Any] = {"dest": desired.local or before.path}
        if plan.steps:
            output["diff"] = [{"prepared": plan.text()}, *_diffs(desired, before)]
        return output


def _fetch(work: Work, step: Step) -> bool:
    from .fetch import fetch

    return fetch(work, step)


def _copy(work: Work, step: Step) -> bool:
    """Send what differs in one archive. The engine puts each file in place of the old one."""
    desired: Desired = work.desired
    observed: Observed = work.snapshot
    if desired.source is None:
        raise ValueError("a copy without a source")
    paths = differing(desired, observed, desired.source.entries)
    try:
        for base, part in _by_mount(work, observed, paths).items():
            put(work.client, observed.target.id, base, _pieces(desired, observed, part, base))
    except EngineError as error:
        if not error.hint and not error.refused:
            error.hint = _left(work, desired.source)
        raise
    return True


def _left(work: Work, source: Source) -> Optional[str]:
    """Say what an interrupted copy left incomplete in the container, None for nothing.

    The engine writes files under their names at once, so one may be cut; the next run sends it.
    """
    desired: Desired = work.desired
    before: Observed = work.snapshot
    try:
        now = observe(work.client, desired, source, {})
    except FleetError:
        return "a file may be incomplete; run again to complete it"
    cut = [
        f"{now.path}/{path}".rstrip("/")
        for path, seen in now.there.items()
        if seen.entry.kind == "file" and not seen.same and seen != before.there.get(path)
    ]
    if not cut:
        return None
    more = f" and {len(cut) - 3} more" if len(cut) > 3 else ""
    return f"incomplete now: {', '.join(cut[:3])}{more}; run again to complete it"


def _by_mount(work: Work, observed: Observed, paths: Mapping[str, Any]) -> Dict[str, List[str]]:
    """Return the paths by the folder where they are unpacked: Podman has to be led to mounts."""
    below = mounts_below(work.client, observed.target, observed.base)
    result: Dict[str, List[str]] = {}
    for path in paths:
        full = f"{observed.path.rstrip('/')}/{path}"
        bases = [entry for entry in below if path and full.startswith(f"{entry.rstrip('/')}/")]
        result.setdefault(max([observed.base, *bases], key=len), []).append(path)
    return result


def _diffs(desired: Desired, observed: Observed) -> List[Dict[str, str]]:
    """Return the texts of what a copy changes, for `--diff`; nothing of secrets."""
    if desired.source is None or desired.secret or not observed.target.id:
        return []
    paths = list(differing(desired, observed, desired.source.entries))[:_DIFFS]
    return texts(desired.source, observed, dict.fromkeys(paths), SHOWN)


def _pieces(desired: Desired, observed: Observed, paths: List[str], base: str) -> Iterator[bytes]:
    """Yield the archive; its names are relative to the folder where it is unpacked."""
    above = base.rstrip("/")
    parent = Entry("folder", 0o755, mtime=int(time.time()))
    for folder in observed.missing if base == observed.base else ():
        yield header(folder[len(above) + 1 :], parent)
    source: Any = desired.source
    for path in paths:
        entry = wanted(desired, observed, path, source.entries[path])
        full = f"{observed.path.rstrip('/')}/{path}" if path else observed.path
        yield from member(source, path, full[len(above) + 1 :], entry)
    yield END


COPY = Copy()
