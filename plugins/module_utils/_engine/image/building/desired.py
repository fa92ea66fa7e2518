# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an image is to be built: the options under `build`, checked and in canonical form."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

from ...._desired.errors import InvalidOption
from ...values.image_reference import parse_reference
from .dockerfile import base_references
from .fields import BUILDKIT_ONLY, DECIDING

DOCKERFILE = "Dockerfile"
# Where a Dockerfile that is given as text lies in a classic builder's context.
INLINE = ".dockerfile.inline"
# An additional context that is an image (docker buildx build, --build-context).
_IMAGE = "docker-image://"


@dataclass(frozen=True)
class Build:
    """How an image is built.

    `context` holds `digest`, `files`, `dockerfile` and either `root` (its folder on this machine)
    and `tar` (a function that yields the archive), `archive` (its path on this machine) or
    neither: then it is still elsewhere. `values` are the options by name, `options` texts by key
    (`args.VERSION`): all that decides a rebuild. `bases` are the references that the Dockerfile
    names, as written, `secrets` values by id.
    """

    context: Mapping[str, Any]
    values: Mapping[str, Any]
    options: Mapping[str, str]
    bases: Tuple[str, ...]
    secrets: Mapping[str, str]

    def get(self, name: str) -> Any:
        """Return an option, None if it is not declared."""
        return self.values.get(name)

    @property
    def pull(self) -> bool:
        """Tell if the registry is asked for newer base images."""
        return bool(self.values.get("pull"))

    @property
    def private(self) -> Tuple[str, ...]:
        """The values that are not to be shown, longest first.

        Short ones are words such as 1 or true, which would blank half the output.
        """
        values = [*(self.get("args") or {}).values(), *self.secrets.values()]
        return tuple(sorted((entry for entry in values if len(entry) > 3), key=len, reverse=True))

    @property
    def needs_buildkit(self) -> str:
        """The first option that the classic builder does not know, "" if it knows all."""
        for name in BUILDKIT_ONLY:
            if self.get(name):
                return name
        if len(self.get("platforms") or ()) > 1:
            return "platforms"
        cached = any("type=" in entry for entry in self.get("cache_from") or ())
        return "cache_from" if cached else ""


def make_build(
    declared: Mapping[str, Any], given: Any, secrets: Mapping[str, Any], here: bool
) -> Build:
    """Return the build of declared values by row name; `given` is the context if it was read.

    `here` says that folders are those of this machine. Raise InvalidOption for what cannot be
    right, a context that cannot be read included.
    """
    values = {name[6:]: value for name, value in declared.items() if name.startswith("build.")}
    _check(values)
    if given is None:
        values = placed(values)
    context = _context(given, values)
    values.setdefault("dockerfile", DOCKERFILE)
    if "dockerfile_inline" in values:
        values["dockerfile"] = INLINE
    build = Build(
        context=context,
        values=values,
        options=_options(values, here),
        bases=_bases(context["dockerfile"], values),
        secrets=_secrets(values, secrets),
    )
    _check_builder(build)
    return build


def placed(build: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a task's `build` options with the Dockerfile's path as one below the context.

    A Dockerfile elsewhere on this machine is there as text, as if it were given inline: so both
    builders get it, under a name of ours. InvalidOption if it cannot be read.
    """
    name = build.get("dockerfile")
    if not name or build.get("dockerfile_inline") is not None or name.startswith("~"):
        return dict(build)
    context = os.path.normpath(build["context"])
    full = os.path.normpath(os.path.join(context, name))
    inner = os.path.relpath(full, context)
    if not inner.startswith(".."):
        return {**build, "dockerfile": inner}
    from .context import outside_text

    result = {key: value for key, value in build.items() if key != "dockerfile"}
    return {**result, "dockerfile_inline": outside_text(full)}


def read_for(build: Mapping[str, Any]) -> Any:
    """Read the context of a task's `build` options on this machine (context.Context)."""
    from .context import read_context

    inline = build.get("dockerfile_inline")
    return read_context(build["context"], build.get("dockerfile") or DOCKERFILE, inline)


def _check(values: Mapping[str, Any]) -> None:
    if "context" not in values:
        raise InvalidOption("is missing", option="build.context", hint="name the folder to build")
    if "dockerfile" in values and "dockerfile_inline" in values:
        raise InvalidOption(
            "excludes build.dockerfile", option="build.dockerfile_inline", hint="leave out one"
        )


def _check_builder(build: Build) -> None:
    """Raise InvalidOption if no builder on this machine can do what is asked for."""
    builder, need = build.get("builder") or "auto", build.needs_buildkit
    named = builder not in ("auto", "classic")
    if need and (builder == "classic" or build.get("isolation")):
        other = "build.builder is classic" if builder == "classic" else "build.isolation"
        raise InvalidOption(
            f"needs BuildKit, and {other}"
            + (" is for the classic builder" if builder != "classic" else ""),
            option=f"build.{need}",
            hint="leave out one of them",
        )
    if need or named:
        from .builders import require

        require(f"build.{need}" if need else "build.builder")


def _secrets(values: Mapping[str, Any], given: Mapping[str, Any]) -> Dict[str, str]:
    """Return the secrets' values by the id that the Dockerfile uses."""
    result = {}
    for ident, source in (values.get("secrets") or {}).items():
        if given.get(source) is None:
            raise InvalidOption(
                f"there is no value for {source}",
                option="build.secrets",
                hint=f"give it under build_secrets.{source}",
            )
        if "\0" in str(given[source]):
            raise InvalidOption("a secret is a text", option=f"build_secrets.{source}")
        result[ident] = str(given[source])
    for name in given:
        if name not in (values.get("secrets") or {}).values():
            raise InvalidOption(
                "the build does not use it",
                option=f"build_secrets.{name}",
                hint="name it under build.secrets as well",
            )
    return result


def _options(values: Mapping[str, Any], here: bool) -> Dict[str, str]:
    result: Dict[str, str] = {}
    for key in DECIDING:
        value = values.get(key)
        if key == "additional_contexts":
            value = {name: _content(name, text, here) for name, text in (value or {}).items()}
        if key == "dockerfile" and value == INLINE:
            continue
        if isinstance(value, Mapping):
            result.update({f"{key}.{entry}": text for entry, text in value.items()})
        elif value:
            result[key] = ",".join(value) if isinstance(value, tuple) else str(value)
    return result


def _content(name: str, text: str, here: bool) -> str:
    """Return what of an additional context decides: a folder's content, not its place."""
    if "://" in text:
        return text
    option = f"build.additional_contexts.{name}"
    if not here:
        raise InvalidOption(
            f"the folder {text} is not on this machine",
            option=option,
            hint="use engine_via: channel, or a folder of the host with remote_src: true",
        )
    from .context import read_context

    return read_context(text, inline="", option=option).digest


def _bases(text: str, values: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return the canonical references of a Dockerfile; the builder reports what cannot be one.

    A name that is an additional context is that context.
    """
    contexts: Mapping[str, str] = values.get("additional_contexts") or {}
    references = []
    for base in base_references(text, values.get("args") or {}, values.get("target") or ""):
        where = contexts.get(base, _IMAGE + base)
        if not where.startswith(_IMAGE):
            continue
        try:
            references.append(str(parse_reference(where[len(_IMAGE) :], "build.dockerfile")))
        except InvalidOption:
            continue
    return tuple(dict.fromkeys(references))


def _context(given: Any, values: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the context in one form, already read by the action plugin or not."""
    if given is None:
        given = read_for(values)
    if isinstance(given, Mapping):
        return dict(given)
    result = {name: getattr(given, name) for name in ("digest", "files", "dockerfile")}
    return {**result, "tar": given.tar, "root": given.root}
