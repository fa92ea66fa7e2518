# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulling an image: when it is needed, and the step that does it. Used by every resource."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from .._desired.errors import FleetError
from .._desired.resource import Work
from .._desired.steps import Step
from .._desired.values import dig
from .client import EngineError
from .reference import parse_reference

ABSENT = "not on the engine"
CHANGED = "the registry has another image"
UNTOLD = "the registry did not say which image it has"
# A layer may come slowly, but it reports its progress: seconds of silence that mean failure.
_SILENCE = 300


def plan_pull(
    reference: str,
    policy: str,
    local: Optional[Mapping[str, Any]],
    remote: Any = None,
    settled: bool = False,
) -> Optional[Step]:
    """Return the step that brings an image, None if the engine has what the policy asks for.

    `policy` is missing, always or never; `local` the image's inspect answer, None if it is not
    there; `remote` the answer of `GET /distribution/REFERENCE/json`, asked only for always:
    anything without a digest means that the registry did not say. A pull that was made in this
    run already (`settled`) is not made again. Raise FleetError if it is not there and never may
    be pulled.
    """
    if local is None:
        if policy == "never":
            raise FleetError(
                "it is not on the engine, and pull_policy is never",
                address=_address(reference),
                hint="build or load it first, or allow a pull with pull_policy: missing",
            )
        return pull_step(reference, ABSENT)
    if policy != "always" or settled:
        return None
    digest = dig(remote, "Descriptor.digest")
    if not digest:
        return pull_step(reference, UNTOLD, maybe=True)
    known = [str(one).rpartition("@")[2] for one in local.get("RepoDigests") or ()]
    return None if digest in known else pull_step(reference, CHANGED)


def pull_step(reference: str, cause: str, maybe: bool = False) -> Step:
    """Return the step `pull` of a reference."""
    return Step(
        id=f"pull:{reference}",
        address=_address(reference),
        verb="pull",
        cause=cause,
        impact="none",
        maybe=maybe,
        args={"on": reference},
    )


def pull(work: Work, step: Step) -> bool:
    """Pull the step's reference; return False if the engine had that very image already.

    Raise FleetError with the engine's words if it cannot be had.
    """
    reference = step.args["on"]
    before = image_id(work.client, reference)
    name = parse_reference(reference, "image")
    query = {"fromImage": name.name, "tag": name.digest or name.tag}
    try:
        for _progress in work.client.stream("POST", "/images/create", query, idle=_SILENCE):
            pass
    except EngineError as error:
        raise cannot(error, f"{reference} cannot be had", step.address) from error
    after = image_id(work.client, reference)
    if after is None:
        raise FleetError(
            f"{reference} cannot be had: the engine reported success, and has no such image",
            address=step.address,
            hint="look at the engine's log",
        )
    return after != before


def ask_registry(client: Any, reference: str) -> Any:
    """Return what the registry has; the engine's silence about it is an answer as well.

    Apart from the other reads: a registry that does not answer must not fail them.
    """
    try:
        return client.get(f"/distribution/{reference}/json")
    except EngineError as error:
        return error


def image_id(client: Any, reference: str) -> Optional[str]:
    """Return the id of the image that a reference means on the engine, None if there is none."""
    try:
        return str(client.get(f"/images/{reference}/json")["Id"])
    except EngineError as error:
        if error.status == 404:
            return None
        raise


def cannot(error: EngineError, what: str, address: str) -> FleetError:
    """Return the error of a failed pull or build in the engine's words, with what would help."""
    hint = error.hint
    text = error.message.strip()
    if "no space left" in text.lower():
        hint = "there is no space left where the engine keeps its data: free some and run again"
    elif hint is None and "cannot be had" in what:
        hint = "check the name and the tag, and that the engine's host reaches the registry"
    return FleetError(f"{what}: {text}", address=address, hint=hint)


def _address(reference: str) -> str:
    return f"image/{reference}"
