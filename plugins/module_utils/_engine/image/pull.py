# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulling an image: when it is needed, and the step that does it. Used by every resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, NamedTuple, Optional

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..._desired.values import dig
from ..._desired.work import Work
from ..client.errors import EngineError
from ..values.image_reference import parse_reference

if TYPE_CHECKING:
    from ..registry.credentials import Login

ABSENT = "not on the engine"
CHANGED = "the registry has another image"
UNTOLD = "the registry did not say which image it has"
_NO_ACCOUNT = ("no basic auth credentials", "unauthorized", "authentication required")
# What kernels, and so Ansible's facts, call an architecture, and engines take as well.
_SAME = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386"}
# A layer may come slowly, but it reports its progress: seconds of silence that mean failure.
_SILENCE = 300


class Account(NamedTuple):
    """What a task itself gives for one registry (see credentials.registry_of)."""

    registry: str
    login: Login


def plan_pull(
    reference: str,
    policy: str,
    local: Optional[Mapping[str, Any]],
    remote: Any = None,
    settled: bool = False,
    platform: str = "",
) -> Optional[Step]:
    """Return the step that brings an image, None if the engine has what the policy asks for.

    `policy` is missing, always or never (see pull_policy); `local` the image's inspect answer,
    None if it is not there; `remote` the answer of `GET /distribution/REFERENCE/json`, asked only
    for always: anything without a digest means that the registry did not say. A pull that was
    made in this run already (`settled`) is not made again. An image of another `platform` is not
    what is asked for. Raise FleetError if it is not there and never may be pulled.
    """
    other = _other_platform(local, platform)
    if policy == "never" and (other or local is None):
        raise FleetError(
            f"{other or 'it is not on the engine'}, and pull_policy is never",
            address=_address(reference),
            hint="build or load it first, or allow a pull with pull_policy: missing",
        )
    if other and not settled:
        return pull_step(reference, other)
    if local is None:
        return pull_step(reference, ABSENT)
    if policy != "always" or settled or "@" in reference:  # a digest cannot change
        return None
    digest = dig(remote, "Descriptor.digest")
    if not digest:
        return pull_step(reference, UNTOLD, maybe=True)
    known = [str(entry).rpartition("@")[2] for entry in local.get("RepoDigests") or ()]
    # Whether one that was built or loaded here is the registry's, only a pull tells.
    return None if digest in known else pull_step(reference, CHANGED, maybe=not known)


def _other_platform(local: Optional[Mapping[str, Any]], platform: str) -> str:
    """Return in words that the image there is of another platform than asked for, or ""."""
    if local is None or not platform:
        return ""
    parts = [str(local.get(key) or "") for key in ("Os", "Architecture", "Variant")]
    asked = [_SAME.get(part, part) for part in platform.split("/")]
    if asked == [parts[1]]:
        return ""  # as for engines, an architecture alone is one of the engine's own system
    # A variant that was not asked for does not count, and older engines do not report it.
    alike = all(want in (have, "") or not have for want, have in zip(asked, parts))
    return "" if alike else f"the image there is for {'/'.join(parts).rstrip('/')}"


def pull_step(reference: str, cause: str, maybe: bool = False) -> Step:
    """Return the step `pull` of a reference."""
    return Step(
        id=f"pull:{reference}",
        address=_address(reference),
        verb="pull",
        causes=(cause,),
        impact="none",
        maybe=maybe,
        args={"on": reference},
        effect="create" if cause == ABSENT else "change",
    )


def pull(work: Work, step: Step) -> bool:
    """Pull the step's reference; return False if the engine had that very image already.

    Raise FleetError with the engine's words if it cannot be pulled.
    """
    from .progress import Layers

    reference = step.args["on"]
    before = image_id(work.client, reference)
    name = parse_reference(reference, "image")
    wanted = getattr(work.desired, "reference", "") or work.desired.name
    platform = getattr(work.desired, "platform", "") if reference == wanted else ""
    query = {"fromImage": name.name, "tag": name.digest or name.tag, "platform": platform or None}
    headers = authorize(reference, getattr(work.desired, "account", None))
    try:
        layers = Layers()
        for part in work.client.stream(
            "POST", "/images/create", query, headers=headers, idle=_SILENCE
        ):
            work.tell(layers.words(part))
    except EngineError as error:
        raise cannot(error, f"{reference} cannot be pulled", step.address) from error
    after = inspect(work.client, reference)
    if after is None:
        raise FleetError(
            f"{reference} cannot be pulled: the engine reported success, and has no such image",
            address=step.address,
            hint="check the engine's log",
        )
    other = _other_platform(after, platform)
    if other:
        raise FleetError(
            f"{reference} cannot be pulled for {platform}: {other}",
            address=step.address,
            hint="leave out platform, or take an image that has it",
        )
    return bool(after["Id"] != before)


def ask_registry(client: Any, reference: str, account: Optional[Account] = None) -> Any:
    """Return what the registry has; the engine's silence about it is an answer as well.

    Apart from the other reads: a registry that does not answer must not fail them.
    """
    path = f"/distribution/{reference}/json"
    headers = authorize(reference, account)
    try:
        if not headers:
            return client.get(path)
        return next(client.stream("GET", path, headers=headers, idle=client.timeout), None)
    except EngineError as error:
        return error


def authorize(reference: str, account: Optional[Account]) -> Dict[str, str]:
    """Return the header that tells the engine who asks a reference's registry, {} without a login.

    What the task gives for that registry comes before what Docker's client has on this machine.
    """
    from ..registry.credentials import find, registry_of

    registry = registry_of(reference)
    given = account.login if account and account.registry == registry else None
    login = given or find(registry)
    return {"X-Registry-Auth": login.header(registry)} if login else {}


def image_id(client: Any, reference: str) -> Optional[str]:
    """Return the id of the image that a reference means on the engine, None if there is none."""
    image = inspect(client, reference)
    return str(image["Id"]) if image else None


def inspect(client: Any, reference: str) -> Optional[Mapping[str, Any]]:
    """Return what the engine says of an image, None if there is none."""
    try:
        return dict(client.get(f"/images/{reference}/json"))
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
    elif hint is None and any(word in text for word in _NO_ACCOUNT):
        hint = "log in where this task runs, or give registry_username and registry_password"
    elif hint is None and "cannot be pulled" in what:
        hint = "check the name and the tag, and that the engine's host reaches the registry"
    return FleetError(f"{what}: {text}", address=address, hint=hint)


def _address(reference: str) -> str:
    return f"image/{reference}"
