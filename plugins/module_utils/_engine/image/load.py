# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from and into archives: load, import of a root file system, save."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..._desired.errors import FleetError, InvalidOption
from ..._desired.safe_files import mode_of, words, written
from ..._desired.steps import Step
from ..._desired.work import Work
from ..client.errors import ConnectionLost, EngineError
from ..values.image_reference import parse_id, parse_reference
from . import record as image_record
from .handover import need_context
from .pull import ABSENT, cannot, image_id, inspect
from .source import Source

Inspect = Mapping[str, Any]
# Layers are written while they come: seconds of silence that mean failure.
_SILENCE = 600
_PIECE = 1 << 18


def plan_source(
    name: str, source: Source, image: Optional[Mapping[str, Any]], record: Mapping[str, Any]
) -> Optional[Step]:
    """Return the step that loads or imports an image, None if the engine has that very one."""
    if image is None:
        causes = [ABSENT]
    elif source.kind == "load":
        same = source.member is not None and source.member.is_same(image)
        causes = [] if same else ["the archive has another image"]
    elif not record:
        causes = ["not imported by dockyard.fleet"]
    else:
        causes = image_record.option_causes(record, source.options(), "import")
    return source_step(name, source, causes) if causes else None


def listed(source: Source, there: Mapping[str, Optional[Inspect]]) -> List[Dict[str, Any]]:
    """Return the images of an archive as a result lists them: `id`, the engine's if it has the
    image, and `tags`."""
    result = []
    for entry in source.every:
        seen = (there.get(ref) for ref in entry.tags or entry.ids[-1:])
        ids = [str(image["Id"]) for image in seen if image is not None and entry.is_same(image)]
        result.append({"id": [*ids, entry.ids[-1]][0], "tags": list(entry.tags)})
    return result


def plan_every(
    source: Source, there: Mapping[str, Optional[Inspect]], cause: str = ABSENT
) -> List[Step]:
    """Return the steps that load an archive, one for each name whose image it brings.

    `there` is what the names mean on the engine. The first step sends the archive.
    """
    steps: List[Step] = []
    for reference, member in source.references.items():
        image = there.get(reference)
        if image is not None and member.is_same(image):
            continue
        reason = cause if image is None else "the archive has another image"
        step = source_step(reference, source, [reason])
        steps.append(replace(step, needs=(steps[0].id,)) if steps else step)
    return steps


def source_step(name: str, source: Source, causes: List[str]) -> Step:
    """Return the step that loads or imports an image."""
    return Step(
        id=f"{source.kind}:{name}",
        address=f"image/{name}",
        verb=source.kind,
        causes=tuple(causes),
        effect="create" if causes == [ABSENT] else "change",
        args={"on": name},
    )


def load(work: Work, step: Step) -> bool:
    """Send the archive to the engine; the image gets the task's name if the archive has none."""
    from .archive import pieces

    need_context(work.desired)
    source: Source = work.desired.source
    name = step.args["on"]
    member = source.member or source.references[name]
    if not step.needs:  # those that follow the first one came along with it
        every = source.every or (member,)
        body = pieces(source.path, *every)
        _send(work, step, "/images/load", {"quiet": True}, body, os.path.getsize(source.path))
    if not member.is_same(inspect(work.client, name)):
        called = (*member.ids, *member.tags)
        there = [entry for entry in called if member.is_same(inspect(work.client, entry))]
        if not there or parse_id(name):
            raise FleetError(
                "the engine accepted the archive, but does not have its image",
                address=step.address,
                hint="it may not support this format of archive",
            )
        to = parse_reference(name, "name")
        work.client.post(f"/images/{there[0]}/tag", {"repo": to.name, "tag": to.tag})
    if source.every:
        seen = {reference: inspect(work.client, reference) for reference in source.references}
        work.shared["report"] = {"images": listed(source, seen)}
    return True


def import_(work: Work, step: Step) -> bool:
    """Make an image of a root file system, with our record as its label."""
    need_context(work.desired)
    source: Source = work.desired.source
    label = image_record.encode_import(work.desired.name, source.options())
    labelled = (image_record.LABEL, label)
    body, size = _read(source.path), os.path.getsize(source.path)
    import_archive(work, step, step.args["on"], labelled, source.changes, body, size)
    return True


def import_archive(
    work: Work,
    step: Step,
    reference: str,
    label: Tuple[str, str],
    changes: Sequence[str],
    body: Iterator[bytes],
    size: int = 0,
) -> None:
    """Make an image of a root file system's archive, with a label whose value is JSON.

    `changes` are further instructions of a Dockerfile, `size` is that of the archive where it is
    known. Raise FleetError if that fails, or what has the reference then has not the label.
    """
    to = parse_reference(reference, "name")
    # Single quotes keep a Dockerfile's parser from looking into the JSON.
    changes = (*changes, f"LABEL {label[0]}='{label[1]}'")
    if work.client.kind == "podman":
        from .podman import import_changes

        changes = tuple(import_changes(tuple(changes)))
    query = {"fromSrc": "-", "repo": to.name, "tag": to.tag, "changes": changes}
    _send(work, step, "/images/create", query, body, size)
    image = work.client.get(f"/images/{reference}/json")
    if dict((image.get("Config") or {}).get("Labels") or {}).get(label[0]) != label[1]:
        raise FleetError(
            "the engine reported success, but the image does not carry the label of this import",
            address=step.address,
            hint="somebody else may have tagged another image; run again",
        )


def _send(work: Work, step: Step, path: str, query: Any, body: Iterator[bytes], size: int) -> None:
    """Send an archive's pieces, of so many bytes in all, 0 for unknown."""
    from ..._desired.progress import counted

    headers = {"Content-Type": "application/x-tar"}
    try:
        told = counted(work.tell, body, "sending", size)
        for _part in work.client.stream("POST", path, query, told, headers, _SILENCE):
            pass
    except ConnectionLost as error:
        raise cannot(error, f"the {step.verb} was interrupted", step.address) from error
    except EngineError as error:
        raise cannot(error, f"the {step.verb} failed", step.address) from error
    except OSError as exc:
        raise FleetError(f"cannot read the archive: {exc.strerror}", address=step.address) from exc


def _read(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        yield from iter(lambda: file.read(_PIECE), b"")


# -- save -----------------------------------------------------------------------------------


def saved_ids(path: str, name: str) -> Optional[Tuple[str, ...]]:
    """Return the ids of the image of this name in the archive at `path`, None without a file."""
    from .archive import find_image

    if not os.path.exists(path):
        return None
    try:
        member = find_image(path, name, "save")
    except InvalidOption:
        return ()
    return member.ids if name in (*member.tags, *member.ids) else ()


def plan_save(
    name: str,
    path: str,
    image: Optional[Mapping[str, Any]],
    ids: Optional[Tuple[str, ...]],
    main: Optional[Step],
    later: bool,
) -> List[Step]:
    """Return the step that writes the image into an archive, none if it is in it.

    `later` says that in this check an earlier task would have made another image of that name.
    """
    if ids and main is None and not later and image is not None and image["Id"] in ids:
        return []
    cause = f"{path} is not there" if ids is None else f"{path} does not hold this image"
    # What is built is new; what is pulled or loaded may be the image that the archive holds.
    maybe = bool(ids) and (later if main is None else main.maybe or main.verb != "build")
    needs = (main.id,) if main else ()
    args = {"on": name, "to": path}
    return [Step(f"save:{name}", f"image/{name}", "save", (cause,), "none", (), needs, maybe, args)]


def save(work: Work, step: Step) -> bool:
    """Write the image into an archive beside the old one, and put it in its place when whole."""
    from ..._desired.progress import counted
    from ..client.raw_stream import Raw

    name, path = step.args["on"], step.args["to"]
    try:
        with written(path) as part:
            with Raw(work.client, "GET", f"/images/{name}/get", idle=_SILENCE) as answer:
                for piece in counted(work.tell, answer.pieces(), "writing"):
                    part.write(piece)
            part.flush()
            if image_id(work.client, name) not in (saved_ids(part.path, name) or ()):
                text = "the engine sent an incomplete archive"
                raise FleetError(text, address=step.address)
            part.appear(mode_of(path))
    except EngineError as error:
        raise cannot(error, "the save failed", step.address) from error
    except OSError as exc:
        text = f"cannot write {words(exc)}"
        raise FleetError(text, address=step.address, hint="check its folder") from exc
    return True
