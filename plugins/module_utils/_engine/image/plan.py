# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done about an image, with its causes: pure, from what is there and declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

from ..._desired.errors import FleetError, InvalidOption
from ..._desired.plan import Plan
from ..._desired.planned import REMOVAL
from ..._desired.steps import Step
from ..values.image_reference import NAMELESS, parse_reference, short
from . import record as image_record
from .building.desired import Build
from .desired import Desired
from .observed import Observed
from .pull import ABSENT, plan_pull, pull_step

_DOCKERFILE = "build.dockerfile"

if TYPE_CHECKING:
    from .source import Source


def plan_present(desired: Desired, observed: Observed) -> Plan:
    """Plan the image itself, then its tags, then what is pushed."""
    notes: Tuple[str, ...] = ()
    if desired.origin is not None:
        steps, notes = _taken(desired, observed)
    elif desired.source is not None:
        steps = _sourced(desired, desired.source, observed)
    elif desired.build is not None:
        steps = _built(desired, desired.build, observed)
    else:
        steps, notes = _pulled(desired, observed)
    main = next((step for step in steps if step.args["on"] == desired.name), None)
    if not desired.name:  # all images of an archive or a list, under the names that they have there
        return Plan(tuple(steps), notes)
    return Plan((*steps, *_followers(desired, observed, main)), notes)


def _followers(desired: Desired, observed: Observed, main: Optional[Step]) -> List[Step]:
    """Return the steps that follow the image: tags, pushes, the archive."""
    from .push import plan_push, plan_tags

    # Of what an earlier task brings nothing is known, but that it will be another image.
    image = None if desired.name in observed.unknown else observed.image
    steps = plan_tags(desired.name, desired.tags, image, observed.tags, main)
    tagged = {step.args["to"]: step.id for step in steps}
    before: Dict[str, str] = {}  # registries may fail at two pushes to one repository at once
    for reference in desired.pushed:
        repository = parse_reference(reference, "tags").name
        needs = (tagged.get(reference) or (main.id if main else ""), before.get(repository, ""))
        remote = observed.remotes.get(reference)
        step = plan_push(reference, image, remote, main, tuple(filter(None, needs)))
        if step is not None:
            steps.append(step)
            before[repository] = step.id
    return [*steps, *_archive(desired, observed, main)]


def _archive(desired: Desired, observed: Observed, main: Optional[Step]) -> List[Step]:
    """Return the step that saves the image; an earlier task's image is not in an archive yet."""
    if not desired.save:
        return []
    from .load import plan_save

    later = desired.name in observed.unknown
    return plan_save(desired.name, desired.save, observed.image, observed.saved, main, later)


def _sourced(desired: Desired, source: Source, observed: Observed) -> List[Step]:
    from .load import plan_every, plan_source, source_step

    if "engine" in observed.unknown:
        first = _engine_first(observed)
        if not desired.name:
            return plan_every(source, {}, first)
        return [source_step(desired.name, source, [first])]
    if not desired.name:
        return plan_every(source, observed.tags)
    if observed.kind == "podman" and source.kind == "import":
        from .podman import import_changes

        import_changes(source.changes)  # for its complaints
    step = plan_source(desired.name, source, observed.image, observed.record)
    return [step] if step else []


def _taken(desired: Desired, observed: Observed) -> Tuple[List[Step], Tuple[str, ...]]:
    """Return the steps that take images from another host, and notes on what travels."""
    from .offer import plan_transfers

    host = desired.origin.host if desired.origin else ""
    first = _engine_first(observed) if "engine" in observed.unknown else ""
    here = {name: observed.tags.get(name) for name in desired.names}
    return plan_transfers(host, here or {desired.name: observed.image}, observed.offers, first)


# -- pulled ---------------------------------------------------------------------------------


def _pulled(desired: Desired, observed: Observed) -> Tuple[List[Step], Tuple[str, ...]]:
    name = desired.name
    if "engine" in observed.unknown:
        if name in observed.unknown:
            return [], (f"{name} comes from an earlier task",)
        if desired.pull_policy == "never":
            return [], (f"whether {name} is on the engine is known after apply",)
        return [pull_step(name, _engine_first(observed))], ()
    if observed.image is None and name in observed.unknown:
        return [], (f"{name} comes from an earlier task",)
    if desired.by_id:
        if observed.image is None:
            raise FleetError(
                "it is not on the engine, and nothing can be pulled by its id",
                address=desired.address,
                hint="call it by its name, or load it",
            )
        return [], ()
    remote = observed.remotes.get(name)
    step = plan_pull(
        name, observed.policy, observed.image, remote, observed.settled, desired.platform
    )
    return [step] if step else [], ()


def _engine_first(observed: Observed) -> str:
    return f"waits for the engine ({observed.unknown['engine']})"


# -- built ----------------------------------------------------------------------------------


def _built(desired: Desired, build: Build, observed: Observed) -> List[Step]:
    if "engine" in observed.unknown:
        return [_build_step(desired, [_engine_first(observed)], ())]
    if observed.kind == "podman":
        _check_podman(build)
    else:
        _check_classic(build)
    pulls = _base_pulls(build, observed)
    causes = _causes(build, observed)
    newer = [step for step in pulls if step.causes != (ABSENT,)]
    sure = [_base_changed(step.args["on"]) for step in newer if not step.maybe]
    maybe = [_base_changed(step.args["on"]) for step in newer if step.maybe]
    if causes or sure:
        return [*pulls, _build_step(desired, [*causes, *sure], pulls)]
    if maybe:
        return [*newer, _build_step(desired, maybe, newer, maybe=True)]
    # A base image that is merely gone from the engine is no reason: nothing says it changed.
    return []


def _check_classic(build: Build) -> None:
    """Refuse what the builder that will do the work would leave out without a word."""
    from .building.build import uses_buildx
    from .building.dockerfile import needs_buildkit

    need = needs_buildkit(str(build.context["dockerfile"]))
    if not need or uses_buildx(build):
        return
    chosen = build.get("builder") == "classic" or build.get("isolation")
    raise InvalidOption(
        f"{need} needs BuildKit, and the classic builder would leave it out silently",
        option="build.dockerfile_inline" if "dockerfile_inline" in build.values else _DOCKERFILE,
        hint="leave out build.builder and build.isolation"
        if chosen
        else "install Docker's plugin buildx where this task runs (usually the controller)",
    )


def _check_podman(build: Build) -> None:
    """Raise InvalidOption for what Podman's API cannot build."""
    named = build.get("builder") not in (None, "", "auto", "classic")
    need = build.needs_buildkit or ("builder" if named else "")
    if need:
        raise InvalidOption(
            "needs BuildKit, and podman's API has none", option=f"build.{need}", hint="leave it out"
        )


def _base_changed(base: str) -> str:
    return f"base image {base} changed"


def _base_pulls(build: Build, observed: Observed) -> List[Step]:
    """Return the pulls that a build needs first: it records the ids of its base images."""
    policy = "always" if build.pull else "missing"
    steps = []
    for base, local in observed.bases.items():
        step = None
        if base not in observed.unknown:
            step = plan_pull(base, policy, local, observed.remotes.get(base), observed.settled)
        if step is not None:
            steps.append(step)
    return steps


def _causes(build: Build, observed: Observed) -> List[str]:
    if observed.image is None:
        return [ABSENT]
    if not observed.record:
        return ["not built by dockyard.fleet"]
    causes = image_record.causes(observed.record, build)
    recorded = observed.record.get("bases") or {}
    for base, local in observed.bases.items():
        if base in observed.unknown:
            causes.append(f"base image {base} will be {'rebuilt' if local else 'made'}")
        elif local is not None and local["Id"] != recorded.get(base):
            causes.append(_base_changed(base))
    return causes


def _build_step(desired: Desired, causes: List[str], needs: Any, maybe: bool = False) -> Step:
    return Step(
        id=f"build:{desired.name}",
        address=desired.address,
        verb="build",
        causes=tuple(causes),
        effect="create" if causes == [ABSENT] else "change",
        impact="none",
        needs=tuple(step.id for step in needs),
        maybe=maybe,
        args={"on": desired.name},
    )


# -- absent ---------------------------------------------------------------------------------


def plan_absent(desired: Desired, observed: Observed) -> Plan:
    """Plan the removal of the reference, and of the image with the last one.

    One that is called by its id goes with all of its tags.
    """
    if observed.image is None and desired.name not in observed.unknown:
        return Plan()
    if observed.image is None:
        # An earlier task of this check would bring it.
        return Plan(
            (_absent_step(desired, "remove", "destroy", REMOVAL, {"on": desired.name}, True),)
        )
    tags = [short(tag) for tag in observed.image.get("RepoTags") or () if tag != NAMELESS]
    # Podman finds localhost/app:1 by the name app:1 as well, if there is no other app:1.
    own = desired.name if desired.name in tags else f"localhost/{desired.name}"
    others = [tag for tag in tags if tag != own]
    stays = bool(others) and not desired.by_id
    refused = []
    if observed.users and not desired.force and not stays:
        names = ", ".join(observed.users)
        refused.append(f"used by {names}; remove the containers, or set force: true")
    if desired.protect and stays:
        # An untag has no impact that would stop it.
        refused.append("protect forbids removing it")
    verb, impact = ("untag", "none") if stays else ("remove", "destroy")
    cause = f"{REMOVAL}, {', '.join(others)} stays" if stays else REMOVAL
    args = {"on": desired.name}
    if desired.by_id and others:
        cause, args = f"{REMOVAL}, with {', '.join(others)}", {**args, "tags": " ".join(others)}
    return Plan((_absent_step(desired, verb, impact, cause, args),), refused=tuple(refused))


def _absent_step(
    desired: Desired,
    verb: str,
    impact: str,
    cause: str,
    args: Mapping[str, str],
    maybe: bool = False,
) -> Step:
    return Step(
        id=f"{verb}:{desired.name}",
        address=desired.address,
        verb=verb,
        causes=(cause,),
        impact=impact,
        maybe=maybe,
        args=args,
        effect="remove",
    )
