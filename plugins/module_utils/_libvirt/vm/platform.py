# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform of a machine: its type, its processor, and what it boots from.

What is not declared is ours, never libvirt's.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec
from ..._desired.schema import check_keys
from ..client.domain_xml import Element, attribute, child, ensure
from ..client.options import plain_text

_CPU_KEYS = ("mode", "model", "features")
CPU_MODES = ("host-passthrough", "host-model", "maximum", "custom")
# libvirt's domain format, "CPU model and topology": what a guest gets of a feature.
_POLICIES = ("require", "disable", "optional", "force", "forbid")
_FEATURE = re.compile(r"[a-z0-9_.-]+", re.IGNORECASE)
_DEVICES = {"disk": "hd", "cdrom": "cdrom", "network": "network"}

Cpu = Dict[str, Any]


def _parse_machine(value: Any, where: str) -> str:
    text = plain_text(str(value).strip(), where)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", text):
        raise InvalidOption(f"'{text}' is not a machine type", option=where, hint="such as q35")
    return text


def _read_machine(obj: Mapping[str, Any], context: Context) -> Optional[str]:
    """Return the machine type: in the declared words, where they mean the one that is there.

    libvirt writes the version that an alias stands for when a machine is made, and that stays.
    """
    there = attribute(obj["config"], "os/type", "machine")
    declared = context.declared.get("machine")
    if declared is None:
        return None if context.record else there  # nothing to go back to
    return str(declared) if family(there) == declared else there


def family(machine: Optional[str]) -> str:
    """Return the alias of a versioned machine type, as pc-q35-7.2 is one of q35."""
    name = re.sub(r"-[0-9]+(\.[0-9]+)*$", "", machine or "")
    return {"pc-q35": "q35", "pc-i440fx": "pc"}.get(name, name)


def _write_machine(result: Dict[str, Any], value: Any, context: Context) -> None:
    if value is not None:  # what it is goes on where it is declared no more
        ensure(result["config"], "os/type").set("machine", value)


def _parse_cpu(value: Any, where: str) -> Cpu:
    """Return {mode, model, features {name: policy}}, those that are given; a text is a mode."""
    entry = {"mode": value} if isinstance(value, str) else value
    check_keys(entry, _CPU_KEYS, where)
    model = entry.get("model")
    mode = str(entry.get("mode") or ("custom" if model else ""))
    if mode not in CPU_MODES:
        raise InvalidOption(
            f"'{mode}' is not a mode" if mode else "is needed, or a model",
            option=f"{where}.mode",
            hint=", ".join(CPU_MODES),
        )
    if bool(model) != (mode == "custom"):
        raise InvalidOption(
            "goes with mode: custom, which needs it",
            option=f"{where}.model",
            hint="such as {mode: custom, model: Haswell-noTSX}",
        )
    result: Cpu = {"mode": mode}
    if model:
        result["model"] = plain_text(str(model), f"{where}.model")
    features = _features(entry.get("features") or [], f"{where}.features")
    return {**result, "features": features} if features else result


def _features(value: Any, where: str) -> Dict[str, str]:
    """Return policies by feature, of a mapping or of texts such as `+vmx`, `-svm` and `aes`."""
    if isinstance(value, Mapping):
        pairs = [(str(name), str(policy)) for name, policy in value.items()]
    elif isinstance(value, (list, tuple)):
        pairs = [_feature(str(text)) for text in value]
    else:
        raise InvalidOption("must be a list or a mapping", option=where, hint="[+vmx, -svm]")
    for name, policy in pairs:
        if not _FEATURE.fullmatch(name) or policy not in _POLICIES:
            raise InvalidOption(
                f"'{name}: {policy}' is not a feature with a policy",
                option=where,
                hint=f"such as +vmx, or vmx: require; policies are {', '.join(_POLICIES)}",
            )
    return dict(sorted(pairs))


def _feature(text: str) -> Tuple[str, str]:
    return text.lstrip("+-"), "disable" if text.startswith("-") else "require"


def _read_cpu(obj: Mapping[str, Any], context: Context) -> Optional[Cpu]:
    element = obj["config"].find("cpu")
    if element is None:
        return None
    defined = obj["defined"].find("cpu")
    if element.get("check") == "full" and defined is not None:
        # Of host-model, what runs names the model that the host has; and of each model what that
        # has, and lacks, on this host. What was asked for is what is configured.
        same = defined.findtext("model") == element.findtext("model")
        element = defined if same or defined.get("mode") == "host-model" else element
    result: Cpu = {"mode": element.get("mode") or "custom"}
    if result["mode"] == "custom":
        result["model"] = element.findtext("model") or ""
    features = element.findall("feature")
    pairs = sorted((str(entry.get("name")), str(entry.get("policy"))) for entry in features)
    result.update({"features": dict(pairs)} if pairs else {})
    return result


def _usual_cpu(context: Context) -> Cpu:
    """Return all that the host has: the processor of a machine where none is declared."""
    return {"mode": "host-passthrough" if context.extra.get("type") == "kvm" else "maximum"}


def _write_cpu(result: Dict[str, Any], value: Any, context: Context) -> None:
    """Write mode, model and features; a topology, NUMA cells and caches stay."""
    root: Element = result["config"]
    cpu = ensure(root, "cpu")
    for name in ("match", "check", "migratable"):  # they belong to the mode that there was
        cpu.attrib.pop(name, None)
    cpu.set("mode", value["mode"])
    for tag in ("model", "vendor", "feature"):
        for old in cpu.findall(tag):
            cpu.remove(old)
    if "model" in value:
        cpu.set("match", "exact")
        child(cpu, "model", fallback="forbid").text = value["model"]
    for name, policy in value.get("features", {}).items():
        child(cpu, "feature", policy=policy, name=name)


def _show_cpu(cpu: Optional[Cpu]) -> str:
    if not cpu:
        return "none"
    signs = {"require": "+", "disable": "-"}
    features = [
        f"{signs[policy]}{name}" if policy in signs else f"{name}={policy}"
        for name, policy in cpu.get("features", {}).items()
    ]
    return " ".join([cpu.get("model") or cpu["mode"], *features])


def _parse_boot(value: Any, where: str) -> Tuple[str, ...]:
    wanted = tuple(map(str, value))
    for word in wanted:
        if word not in _DEVICES:
            raise InvalidOption(
                f"'{word}' is not what a machine boots from",
                option=where,
                hint=", ".join(_DEVICES),
            )
    if len(set(wanted)) < len(wanted) or not wanted:
        raise InvalidOption("names nothing, or the same twice", option=where, hint="[disk]")
    return wanted


def _read_boot(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    names = {device: word for word, device in _DEVICES.items()}
    there = [str(entry.get("dev")) for entry in obj["config"].findall("os/boot")]
    return tuple(names.get(device, device) for device in there)


def _write_boot(result: Dict[str, Any], value: Any, context: Context) -> None:
    """Write the order; that of single devices goes, which libvirt takes in its place only."""
    root: Element = result["config"]
    system = ensure(root, "os")
    for old in system.findall("boot"):
        system.remove(old)
    for device in root.findall("devices/*"):
        for old in device.findall("boot"):
            device.remove(old)
    for word in value:
        child(system, "boot", dev=_DEVICES[word])


ROWS = (
    FieldSpec(
        "machine",
        at="os/type",
        option={"type": "str"},
        parse=_parse_machine,
        read=_read_machine,
        write=_write_machine,
        change="restart",
        unset="restart",
    ),
    FieldSpec(
        "cpu",
        at="cpu",
        option={"type": "raw"},
        parse=_parse_cpu,
        read=_read_cpu,
        write=_write_cpu,
        default=_usual_cpu,
        show=_show_cpu,
        change="restart",
        unset="restart",
    ),
    FieldSpec(
        "boot",
        at="os/boot",
        option={"type": "list", "elements": "str"},
        compare="list",
        parse=_parse_boot,
        read=_read_boot,
        write=_write_boot,
        default=lambda context: ("disk",),
        change="restart",
        unset="restart",
    ),
)
