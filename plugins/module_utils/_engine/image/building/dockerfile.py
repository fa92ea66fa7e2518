# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Dockerfile is built from: the images behind FROM, COPY --from and RUN --mount."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Mapping, Optional, Set, Tuple

_ESCAPE = re.compile(r"#\s*escape\s*=\s*([`\\])\s*", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*\w+\s*=.*")
# A here-document of BuildKit's frontend (Dockerfile reference, "Here-documents"): a word by itself.
_HEREDOC = re.compile(r"\d*<<-?([\"']?)([A-Za-z_]\w*)\1")
# No reference is nearly as long, and values that name each other double with every line.
_MAX_VALUE = 8192
# What the classic builder takes and leaves out without a word (moby, builder/dockerfile).
_DROPPED = {
    "COPY": ("--link", "--exclude", "--parents"),
    "ADD": ("--link", "--exclude", "--checksum", "--keep-git-dir", "--unpack"),
}
_GIT = re.compile(r"(https?://\S+\.git(#\S*)?|git@\S+:\S+|git://\S+)")
_VARIABLE = re.compile(r"\\\$|\$(\w+)|\$\{(\w+)(?:(:?[-+])([^}]*))?\}")


def base_references(text: str, args: Mapping[str, str], target: str = "") -> Tuple[str, ...]:
    """Return the references that a build resolves, as written, without stages and `scratch`.

    ARG lines before the first FROM are substituted, declared `args` over their defaults. Stages
    behind `target` are not built and do not count (classic builder).
    """
    values: Dict[str, str] = {}
    stages: Set[str] = set()
    last, count = "", 0
    references: List[str] = []
    for word, rest in _instructions(text):
        if word == "ARG" and not count:
            _argument(rest, args, values)
        elif word == "FROM":
            if count and target and target.lower() in (last, str(count - 1)):
                break
            base, last = _from(rest, values)
            if base.lower() not in stages and base.lower() not in ("scratch", ""):
                references.append(base)
            stages.add(last)
            count += 1
        elif word in ("COPY", "RUN"):
            source = _copied_from(word, rest)
            if source and source.lower() not in stages and not source.isdigit():
                references.append(source)
    return tuple(dict.fromkeys(references))


def needs_buildkit(text: str) -> str:
    """Return the first thing in a Dockerfile that the classic builder leaves out silently, or "".

    What it refuses by itself, such as `RUN --mount`, is left to it.
    """
    for word, rest in _instructions(text):
        if word in ("RUN", "COPY", "ADD") and _heredocs(rest):
            return f"{word} <<{_heredocs(rest)[0]}"
        flags = [entry for entry in rest.split() if entry.startswith("--")]
        dropped = [entry for entry in flags if entry.partition("=")[0] in _DROPPED.get(word, ())]
        if dropped:
            return f"{word} {dropped[0].partition('=')[0]}"
        if word == "ADD" and any(_GIT.fullmatch(entry) for entry in rest.split()):
            return "ADD of a Git repository"
    return ""


def _heredocs(rest: str) -> List[str]:
    matches = (_HEREDOC.fullmatch(word) for word in rest.split())
    return [entry.group(2) for entry in matches if entry]


def _instructions(text: str) -> Iterator[Tuple[str, str]]:
    """Yield (WORD, rest) of each instruction, continued lines joined, comments left out."""
    escape = _escape(text)
    whole = ""
    lines = iter(text.lstrip("\ufeff").splitlines())
    for line in lines:
        part = line.strip()
        if part.startswith("#") or (not part and whole):
            continue
        if part.endswith(escape):
            whole += part[:-1] + " "
            continue
        words = (whole + part).split(None, 1)
        whole = ""
        if words:
            rest = words[1] if len(words) > 1 else ""
            yield words[0].upper(), rest
            if words[0].upper() in ("RUN", "COPY", "ADD"):
                for end in _heredocs(rest):
                    _skip(lines, end)


def _skip(lines: Iterator[str], end: str) -> None:
    for line in lines:
        if line.strip("\t") == end:
            return


def _escape(text: str) -> str:
    # Parser directives stand before everything else, comments included.
    for line in text.lstrip("\ufeff").splitlines():
        match = _ESCAPE.fullmatch(line.strip())
        if match:
            return match.group(1)
        if not _DIRECTIVE.fullmatch(line.strip()):
            break
    return "\\"


def _argument(rest: str, args: Mapping[str, str], values: Dict[str, str]) -> None:
    """Add what an ARG line declares to the values."""
    for word in rest.split():
        name, equals, default = word.partition("=")
        if name in args:
            values[name] = args[name]
        elif equals:
            values[name] = _substitute(_unquote(default), values)


def _from(rest: str, values: Mapping[str, str]) -> Tuple[str, str]:
    """Return the image and the stage's name in lower case ("" when it has none)."""
    words = [word for word in rest.split() if not word.startswith("--")]
    base = _substitute(_unquote(words[0]), values) if words else ""
    named = len(words) > 2 and words[1].upper() == "AS"
    return base, words[2].lower() if named else ""


def _copied_from(instruction: str, rest: str) -> str:
    """Return the image behind `COPY --from=…` or `RUN --mount=…,from=…`, "" if there is none."""
    for word in rest.split():
        if not word.startswith("--"):
            break
        if instruction == "COPY" and word.startswith("--from="):
            return _unquote(word[7:])
        if instruction == "RUN" and word.startswith("--mount="):
            parts = [part[5:] for part in word[8:].split(",") if part.startswith("from=")]
            if parts:
                return _unquote(parts[0])
    return ""


def _unquote(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _substitute(text: str, values: Mapping[str, str]) -> str:
    """Replace $V, ${V}, ${V:-x} and ${V:+x} (Dockerfile reference, "Environment replacement").

    What comes to more than any reference has is cut, and cannot be one.
    """
    result, at, room = [], 0, _MAX_VALUE
    text = text[:_MAX_VALUE]
    for match in _VARIABLE.finditer(text):
        for part in (text[at : match.start()], _value(match, values)):
            result.append(part[:room])
            room -= len(result[-1])
        at = match.end()
    return "".join([*result, text[at:][:room]])


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    name: Optional[str] = match.group(1) or match.group(2)
    if name is None:
        return "$"
    value, operator, word = values.get(name), match.group(3) or "", match.group(4) or ""
    given = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return word if given else ""
    return (value or "") if given or not operator else word
