# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image resource: built from a context, pulled, or absent."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from .._desired.model import Plan
from .._desired.owned import fingerprint
from .._desired.resource import Verb, Work
from .._desired.steps import Step
from . import image_record
from .client import EngineError
from .image_build import build, need_context
from .image_found import Found, observe
from .image_pull import ABSENT, plan_pull, pull, pull_step
from .image_wish import Build, Wish, spec, wish
from .reference import short


class Image:
    """Images as the desired-state engine sees them (`_desired/run.py`, Resource)."""

    name = "image"
    server = "engine"
    reveals: Tuple[str, ...] = ("pull",)

    def __init__(self) -> None:
        self.verbs: Mapping[str, Verb] = {
            "build": build,
            "pull": _pull,
            "remove": _remove,
            "untag": _remove,
        }

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Wish:
        """Return the declared image; raise InvalidOption for what cannot be right."""
        return wish(params)

    def observe(
        self, client: Any, desired: Wish, pending: Mapping[str, str], settled: bool
    ) -> Found:
        """Look at the engine, reading only; without a client everything is unknown."""
        return observe(client, desired, pending, settled)

    def plan(self, desired: Wish, snapshot: Found) -> Plan:
        """Return what has to be done, with its causes."""
        if desired.state == "absent":
            plan = _plan_absent(desired, snapshot)
        elif desired.build is None:
            plan = _plan_pulled(desired, snapshot)
        else:
            plan = _plan_built(desired, desired.build, snapshot)
        return Plan(plan.steps, plan.notes, (), plan.refused, _mark(snapshot))

    def recover(self, desired: Wish, snapshot: Found, begun: List[Step]) -> Plan:
        """Plan nothing: a failed pull or build leaves every tag where it was."""
        return Plan()

    def present(self, snapshot: Found) -> Optional[Dict[str, Any]]:
        """Return the image for the task's result, None if it is not there."""
        return public(snapshot.image) if snapshot.image else None


def public(image: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a user needs of an inspected image: `size` in bytes, our own label left out."""
    labels = (image.get("Config") or {}).get("Labels") or {}
    return {
        "id": image["Id"],
        "tags": [short(tag) for tag in image.get("RepoTags") or ()],
        "digests": list(image.get("RepoDigests") or ()),
        "labels": {key: value for key, value in labels.items() if key != image_record.LABEL},
        "size": image.get("Size"),
        "created": image.get("Created"),
        "architecture": image.get("Architecture"),
        "os": image.get("Os"),
    }


def _mark(found: Found) -> str:
    bases = {base: (image or {}).get("Id") for base, image in found.bases.items()}
    seen = [(found.image or {}).get("Id"), bases, found.users]
    return fingerprint(seen)


# -- pulled ---------------------------------------------------------------------------------


def _plan_pulled(desired: Wish, found: Found) -> Plan:
    if "engine" in found.unknown:
        if desired.name in found.unknown:
            return Plan(notes=(f"{desired.name} comes from an earlier task",))
        if desired.pull_policy == "never":
            return Plan(notes=(f"whether {desired.name} is on the engine is known after apply",))
        return Plan((pull_step(desired.name, _engine_first(found)),))
    if found.image is None and desired.name in found.unknown:
        return Plan(notes=(f"{desired.name} comes from an earlier task",))
    remote = found.remotes.get(desired.name)
    step = plan_pull(desired.name, desired.pull_policy, found.image, remote, found.settled)
    return Plan((step,) if step else ())


def _engine_first(found: Found) -> str:
    return f"the engine comes first ({found.unknown['engine']})"


def _pull(work: Work, step: Step) -> bool:
    # A base image is not pulled for a build whose context is not here yet.
    need_context(work.desired)
    return pull(work, step)


# -- built ----------------------------------------------------------------------------------


def _plan_built(desired: Wish, build: Build, found: Found) -> Plan:
    if "engine" in found.unknown:
        return Plan((_build_step(desired, [_engine_first(found)], ()),))
    pulls = _base_pulls(build, found)
    causes = _causes(build, found)
    newer = [step for step in pulls if step.cause != ABSENT]
    sure = [_base_changed(step.args["on"]) for step in newer if not step.maybe]
    maybe = [_base_changed(step.args["on"]) for step in newer if step.maybe]
    if causes or sure:
        return Plan((*pulls, _build_step(desired, [*causes, *sure], pulls)))
    if maybe:
        return Plan((*newer, _build_step(desired, maybe, newer, maybe=True)))
    # A base image that is merely gone from the engine is no reason: nothing says it changed.
    return Plan()


def _base_changed(base: str) -> str:
    return f"base image {base} changed"


def _base_pulls(build: Build, found: Found) -> List[Step]:
    """Return the pulls that a build needs first: it records the ids of its base images."""
    policy = "always" if build.pull else "missing"
    steps = []
    for base, local in found.bases.items():
        step = None
        if base not in found.unknown:
            step = plan_pull(base, policy, local, found.remotes.get(base), found.settled)
        if step is not None:
            steps.append(step)
    return steps


def _causes(build: Build, found: Found) -> List[str]:
    if found.image is None:
        return [ABSENT]
    if not found.record:
        return ["not built by us"]
    causes = image_record.causes(found.record, build)
    recorded = found.record.get("bases") or {}
    for base, local in found.bases.items():
        if base in found.unknown:
            causes.append(f"base image {base} will be {'rebuilt' if local else 'made'}")
        elif local is not None and local["Id"] != recorded.get(base):
            causes.append(_base_changed(base))
    return causes


def _build_step(desired: Wish, causes: List[str], needs: Any, maybe: bool = False) -> Step:
    return Step(
        id=f"build:{desired.name}",
        address=desired.address,
        verb="build",
        cause="; ".join(causes),
        impact="none",
        needs=tuple(step.id for step in needs),
        maybe=maybe,
        args={"on": desired.name},
    )


# -- absent ---------------------------------------------------------------------------------


def _plan_absent(desired: Wish, found: Found) -> Plan:
    if found.image is None:
        return Plan()
    tags = [short(tag) for tag in found.image.get("RepoTags") or ()]
    others = [tag for tag in tags if tag != desired.name]
    refused = []
    if found.users and not desired.force:
        names = ", ".join(found.users)
        refused.append(f"used by {names}; remove the containers, or set force: true")
    if desired.protect and others:
        # An untag has no impact that would stop it.
        refused.append("protect forbids to remove it")
    verb, impact = ("untag", "none") if others else ("remove", "destroy")
    cause = f"state: absent, {', '.join(others)} stays" if others else "state: absent"
    step = Step(
        id=f"{verb}:{desired.name}",
        address=desired.address,
        verb=verb,
        cause=cause,
        impact=impact,
        args={"on": desired.name},
    )
    return Plan((step,), refused=tuple(refused))


def _remove(work: Work, step: Step) -> bool:
    """Remove the reference, and the image with the last one; False if it was gone already."""
    try:
        work.client.delete(f"/images/{step.args['on']}", {"force": work.desired.force})
    except EngineError as error:
        if error.status != 404:
            error.address = step.address
            raise
        return False
    return True


IMAGE = Image()
