# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as Compose reads it: the scalars of YAML 1.2, and an error for a key that is there twice.

`no`, `on` and `22:22` are texts here, which YAML 1.1 (Ansible's, PyYAML's) makes other things of.
Numbers are those of Compose's own reader: `0440` is octal and `1_000` is a thousand, which is told
as a warning, for neither is YAML 1.2. A date is a text.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

import yaml

from ...module_utils._desired.errors import InvalidOption

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError:  # PyYAML without libyaml: slower, and the same nodes
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Parser(Reader, Scanner, Parser, Composer):  # type: ignore[no-redef]
        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)


# Aliases can make a short text stand for a very long one ("billion laughs"): so many values are
# read of one document, and no more. Fifty services have about 3,000.
MOST_VALUES = 100_000
_PLAIN, _TEXT = "plain", "text"
_WORDS: Dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_ODD = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|0[0-7_]*|[1-9][0-9_]*)")
_FRACTION = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 40
_TAG = "tag:yaml.org,2002:"
_SCALARS = {f"{_TAG}{name}" for name in ("int", "float", "bool", "null")}
# Keys whose numbers are permissions: octal is what is meant there.
_MODES = frozenset(("mode",))


class NotYaml(InvalidOption):
    """A file that cannot be read as YAML; its option is the file and the line."""


class _Reset:
    """What `!reset` stands for: the value of earlier files is taken away."""

    def __repr__(self) -> str:
        return "RESET"


RESET = _Reset()


class Override:
    """A value with `!override`: it takes the place of that of earlier files, without merging."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _Loader(_Parser):
    """Makes nodes of a text, and of a plain scalar a note that it is one."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return ""

    def descend_resolver(self, node: Any, index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def documents(text: str, label: str) -> Iterator[Tuple[Any, Any, List[str]]]:
    """Yield (value, node, warnings) of each document of a text.

    Values are dict with str keys, list, str, int, float, bool and None; RESET and Override where
    the tags are. `node` tells lines (`line_of`). Raise NotYaml, with the line, for what is
    not YAML, an unknown tag, a key that is there twice, or too many values.
    """
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            builder = _Builder(label)
            yield builder.value(node, ""), node, builder.warnings
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = f"{label}:{place.line + 1}" if place is not None else label
        text = getattr(error, "problem", None) or getattr(error, "reason", None) or "unknown cause"
        raise NotYaml(f"is not YAML: {text}", option=where) from None
    except RecursionError:
        raise NotYaml("is nested too deeply", option=label) from None


class _Builder:
    def __init__(self, label: str) -> None:
        self.label = label
        self.warnings: List[str] = []
        self.count = 0
        self.open: Set[int] = set()
        self.lists = 0

    def fault(self, node: Any, text: str, hint: Optional[str] = None) -> NotYaml:
        return NotYaml(text, option=f"{self.label}:{node.start_mark.line + 1}", hint=hint)

    def value(self, node: Any, key: str) -> Any:
        self.count += 1
        if self.count > MOST_VALUES:
            hint = "aliases (*name) may repeat more than they seem to"
            raise self.fault(node, f"holds more than {MOST_VALUES} values", hint)
        tag = node.tag
        if tag == _PLAIN:
            return self.scalar(node, key)
        if tag == _TEXT:
            return node.value
        if tag == "!reset":
            return RESET
        if tag == "!override":
            value = self.untagged(node, key)
            # Entries of lists are never merged: there it says nothing.
            return value if self.lists else Override(value)
        if tag and tag != "!":
            return self.tagged(node, tag, key)
        return self.untagged(node, key)

    def untagged(self, node: Any, key: str) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else self.scalar(node, key)
        if id(node) in self.open:
            raise self.fault(node, "an alias stands within its own anchor")
        self.open.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            self.lists += 1
            items = [self.value(item, key) for item in node.value]
            self.lists -= 1
            result: Any = [item for item in items if item is not RESET]
        else:
            result = self.mapping(node)
        self.open.discard(id(node))
        return result

    def tagged(self, node: Any, tag: str, key: str) -> Any:
        if tag == f"{_TAG}str" and isinstance(node, yaml.ScalarNode):
            return node.value
        if tag in _SCALARS and isinstance(node, yaml.ScalarNode):
            return self.scalar(node, key)
        if tag in (f"{_TAG}map", f"{_TAG}seq"):
            return self.untagged(node, key)
        shown = tag.replace(_TAG, "!!")
        hint = "Compose has !reset and !override; values of Ansible Vault go into variables"
        raise self.fault(node, f"the tag {shown} is not known", hint)

    def scalar(self, node: Any, key: str) -> Any:
        text = node.value
        if text in _WORDS:
            return _WORDS[text]
        first = text[0]
        if not (first.isdigit() or first in "+-.") or len(text) > _LONGEST_NUMBER:
            return text
        if _WHOLE.fullmatch(text):
            return int(text)
        if _ODD.fullmatch(text) and not text.endswith("_"):
            number = _odd(text)
            if key not in _MODES:
                self.warn(node, text, number)
            return number
        if _FRACTION.fullmatch(text):
            fraction = float(text)
            if text[:1] == "0" and text.isdigit():
                self.warn(node, text, int(fraction))
            return fraction
        return text

    def warn(self, node: Any, text: str, number: int) -> None:
        line = node.start_mark.line + 1
        self.warnings.append(f"{self.label}:{line}: {text} is read as {number}; put it in quotes")

    def mapping(self, node: Any) -> Dict[str, Any]:
        result: Dict[str, Any] = {}
        merged: List[Any] = []
        lines: Dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.fault(key_node, "a key is a list or a mapping", "write a text")
            key = key_node.value
            if key in lines:
                first = lines[key].start_mark.line + 1
                text = f"the key '{key}' is there twice (first in line {first})"
                raise self.fault(key_node, text)
            lines[key] = key_node
            if key == "<<" and key_node.tag == _PLAIN:
                merged = self.merged(value_node)
            else:
                result[key] = self.value(value_node, key)
                if self.lists and result[key] is RESET:
                    del result[key]
        for entry in merged:
            result = {**entry, **result}
        return result

    def merged(self, node: Any) -> List[Dict[str, Any]]:
        """Return the mappings of a merge key; those that come first win."""
        value = self.value(node, "")
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, dict) for entry in values):
            raise self.fault(node, "<< stands before what is no mapping")
        return values


def _odd(text: str) -> int:
    """Return the number of a spelling that is not YAML 1.2's: hexadecimal, octal, with `_`."""
    digits = text.replace("_", "").lower()
    sign, digits = (-1, digits[1:]) if digits[0] == "-" else (1, digits.lstrip("+"))
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def line_of(node: Any, path: str) -> Tuple[int, int]:
    """Return (line, how much of the path is there) for a key path such as `services.web.ports[0]`.

    The line is that of the deepest part which the document has.
    """
    line, at = 1, 0
    while at < len(path):
        step = _step(node, path, at)
        if step is None:
            break
        node, line, at = step
    return line, at


def _step(node: Any, path: str, at: int) -> Optional[Tuple[Any, int, int]]:
    rest = path[at:].lstrip(".")
    start = len(path) - len(rest)
    if isinstance(node, yaml.SequenceNode):
        match = re.match(r"\[([0-9]+)\]", rest)
        if match is None or int(match[1]) >= len(node.value):
            return None
        item = node.value[int(match[1])]
        return item, item.start_mark.line + 1, start + match.end()
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        text = key.value if isinstance(key, yaml.ScalarNode) else None
        if text and rest.startswith(text) and rest[len(text) : len(text) + 1] in ("", ".", "["):
            return value, key.start_mark.line + 1, start + len(text)
    return None
