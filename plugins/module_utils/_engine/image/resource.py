# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image resource: built, pulled, loaded or imported, tagged, pushed, saved, or absent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from ..._desired.fields import FieldSpec
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.steps import Step
from ..._desired.work import Verbs, Work
from ..values.image_reference import NAMELESS, short
from . import record
from .building.build import build
from .building.desired import DOCKERFILE, INLINE
from .desired import Desired, desired_of, spec
from .fields import FIELDS
from .handover import need_context
from .load import import_, listed, load, save
from .observed import Observed, observe
from .plan import plan_absent, plan_present
from .pull import pull
from .push import push, tag

_LAST_STEP = ("Container", "ContainerConfig")

# Rows of which a plan shows only the names of what is in them.
_NAMES = ("build.args",)
# Where the files are is said by no plan; a text instead of a file is in the build itself.
_LEFT_OUT = ("context", "dockerfile_inline", "secrets")


class Image(Resource):
    """Images as the desired-state engine sees them (`_desired/run.py`, Resource)."""

    name = "image"
    server = "engine"
    reveals: Tuple[str, ...] = ("pull",)
    private = _NAMES  # options of which only the keys are shown

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {
            "build": build,
            "import": import_,
            "load": load,
            "pull": _pull,
            "push": push,
            "remove": _remove,
            "save": save,
            "tag": tag,
            "transfer": _transfer,
            "untag": _remove,
        }

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared image; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Look at the engine, reading only; without a client everything is unknown."""
        return observe(client, desired, pending, settled)

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return what has to be done, with its causes."""
        if desired.state == "absent":
            plan = plan_absent(desired, observed)
        else:
            plan = plan_present(desired, observed)
        return Plan(plan.steps, plan.notes, (), plan.refused, _fingerprint(observed))

    def declares(self, desired: Desired) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names: of arguments only the names."""
        values = dict(desired.build.values) if desired.build else {}
        values["args"] = tuple(sorted(values.get("args") or ())) or None
        rows = tuple(replace(row, compare="exact") if row.name in _NAMES else row for row in FIELDS)
        usual = {row.name: [(row.option or {}).get("default"), ()] for row in rows}
        usual["build.dockerfile"] += [DOCKERFILE, INLINE]
        declared = {f"build.{key}": entry for key, entry in values.items() if key not in _LEFT_OUT}
        declared["platform"] = desired.platform or None
        return rows, {name: entry for name, entry in declared.items() if entry not in usual[name]}

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the image for the task's result, None if it is not there."""
        return public(observed.image) if observed.image else None

    def outcome(
        self, desired: Desired, plan: Plan, before: Observed, foreseen: bool
    ) -> Dict[str, Any]:
        """Return the images of a list, or of an archive of which none is named: `id` and `tags` of
        each."""
        done = bool(plan.steps) and not foreseen  # the step says it then
        if desired.names and not done:
            from .transfer import listed as listed_by_name

            return {"images": listed_by_name(before.tags)}
        if desired.name or desired.source is None or done:
            return {}
        return {"images": listed(desired.source, before.tags)}


def public(image: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an image as the engine describes it, and the few facts that most tasks want: `size`
    in bytes, `tags` in their short form, `labels` without our own.

    What older engines keep of a build's last container is left out: it may hold build arguments.
    """
    labels = (image.get("Config") or {}).get("Labels") or {}
    return {
        **{key: value for key, value in image.items() if key not in _LAST_STEP},
        "id": image["Id"],
        "tags": [short(tag) for tag in image.get("RepoTags") or () if tag != NAMELESS],
        "digests": list(image.get("RepoDigests") or ()),
        "labels": {key: value for key, value in labels.items() if key != record.LABEL},
        "size": image.get("Size"),
        "created": image.get("Created"),
        "architecture": image.get("Architecture"),
        "os": image.get("Os"),
    }


def _fingerprint(observed: Observed) -> str:
    bases = {base: (image or {}).get("Id") for base, image in observed.bases.items()}
    tags = {tag: (image or {}).get("Id") for tag, image in observed.tags.items()}
    seen = [(observed.image or {}).get("Id"), bases, tags, observed.users]
    return fingerprint(seen)


def _transfer(work: Work, step: Step) -> bool:
    from .transfer import transfer

    return transfer(work, step)


def _pull(work: Work, step: Step) -> bool:
    # A base image is not pulled for a build whose context is not here yet.
    need_context(work.desired)
    return pull(work, step)


def _remove(work: Work, step: Step) -> bool:
    """Remove the references, and the image with the last one; False if it was gone already."""
    useful = False
    for reference in (*step.args.get("tags", "").split(), step.args["on"]):
        useful |= work.client.discard(f"/images/{reference}", {"force": work.desired.force})
    return useful


IMAGE = Image()
