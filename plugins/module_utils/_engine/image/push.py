# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Giving an image further tags, and pushing it: only where the registry has something else."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Tuple

from ..._desired.steps import Step
from ..._desired.values import dig
from ..._desired.work import Work
from ..client.errors import EngineError
from ..registry.credentials import ANONYMOUS
from ..values.image_reference import parse_reference
from .pull import ABSENT, CHANGED, UNTOLD, authorize, cannot

NOT_THERE = "the registry does not have it"
# A layer that is compressed and sent reports its progress: seconds of silence that mean failure.
_SILENCE = 600


def plan_push(
    reference: str,
    image: Optional[Mapping[str, Any]],
    remote: Any,
    main: Optional[Step],
    needs: Tuple[str, ...],
) -> Optional[Step]:
    """Return the step that pushes a reference, None if the registry has the very image.

    `image` is what the engine has, `remote` the answer of `GET /distribution/REFERENCE/json` or
    the error that stands for it, `main` the step that brings another image, if there is one:
    a build makes what no registry can have.
    """
    cause, maybe = _compare(image, remote)
    if main is not None and main.verb == "build":
        cause, maybe = f"{main.args['on']} is built anew", main.maybe
    elif main is not None and main.verb == "pull" and main.args["on"] == reference:
        return None  # what it is pulled by has it
    elif main is not None and cause in ("", CHANGED):
        cause, maybe = CHANGED, True
    if not cause:
        return None
    return Step(
        id=f"push:{reference}",
        address=f"image/{reference}",
        verb="push",
        causes=(cause,),
        needs=needs,
        maybe=maybe,
        args={"on": reference},
    )


def _compare(image: Optional[Mapping[str, Any]], remote: Any) -> Tuple[str, bool]:
    """Return why to push, "" for no reason, and whether only the push will tell."""
    digest = None if isinstance(remote, EngineError) else dig(remote, "Descriptor.digest")
    if not digest:
        return (NOT_THERE, False) if _unknown_there(remote) else (UNTOLD, True)
    known = [str(entry).rpartition("@")[2] for entry in (image or {}).get("RepoDigests") or ()]
    if digest in known:
        return "", False
    # The engine knows the digest of what it pushed or pulled, and of nothing else.
    return CHANGED, not known


def _unknown_there(remote: Any) -> bool:
    """Tell if the registry answered that it has no such image (distribution API, error codes)."""
    if not isinstance(remote, EngineError):
        return False
    output = remote.message.lower()
    return any(word in output for word in ("manifest unknown", "name unknown", "not found: "))


def push(work: Work, step: Step) -> bool:
    """Push a reference; return False if the registry had that very image already.

    Raise FleetError with the registry's words if it does not take it.
    """
    from .progress import Layers

    reference = step.args["on"]
    name = parse_reference(reference, "name")
    layers = Layers("pushing")
    headers = authorize(reference, work.desired.account) or {"X-Registry-Auth": ANONYMOUS}
    digest = ""
    try:
        for part in work.client.stream(
            "POST", f"/images/{name.name}/push", {"tag": name.tag}, headers=headers, idle=_SILENCE
        ):
            work.tell(layers.words(part))
            digest = str(dig(part, "aux.Digest") or digest)
    except EngineError as error:
        raise cannot(error, f"{reference} cannot be pushed", step.address) from error
    return not digest or digest != dig(work.snapshot.remotes.get(reference), "Descriptor.digest")


def plan_tags(
    name: str,
    tags: Tuple[str, ...],
    image: Optional[Mapping[str, Any]],
    there: Mapping[str, Optional[Mapping[str, Any]]],
    main: Optional[Step],
) -> List[Step]:
    """Return the steps that give an image further tags; `there` is what has them now.

    `image` is None also for one that an earlier task of a check brings or changes.
    """
    steps = []
    for tag in tags:
        other = there.get(tag)
        same = other is not None and image is not None and image["Id"] == other["Id"]
        if same and main is None:
            continue
        # What is built is new; what is pulled or loaded may be the image that has the tag.
        later = image is None if main is None else main.maybe or main.verb != "build"
        maybe = other is not None and later
        steps.append(
            Step(
                id=f"tag:{tag}",
                address=f"image/{tag}",
                verb="tag",
                causes=(ABSENT if other is None else f"it is another image than {name}",),
                needs=(main.id,) if main else (),
                maybe=maybe,
                args={"on": name, "to": tag},
                effect="create" if other is None else "change",
                same_as=f"image/{name}",
            )
        )
    return steps


def tag(work: Work, step: Step) -> None:
    """Let a tag mean the step's image."""
    name = parse_reference(step.args["to"], "tags")
    query = {"repo": name.name, "tag": name.tag}
    try:
        work.client.post(f"/images/{step.args['on']}/tag", query)
    except EngineError as error:
        error.address = step.address
        raise
