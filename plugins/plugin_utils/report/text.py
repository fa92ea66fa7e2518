# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in words: bounded, and nothing in it that a terminal would obey."""

from __future__ import annotations

from typing import Dict, Iterator, List, Mapping, Sequence, Tuple

from ...module_utils._desired.terminal_text import visible
from .host import Host, Machine
from .stages import Stage

# Characters of a line, of a name and of a page; hosts, stages, and lines of one sort for a host.
_WIDTH, _NAME, _PAGE = 160, 60, 60
_HOSTS, _STAGES, _LINES = 40, 40, 40
# Seconds of a part of a play that is worth a line.
_SHORTEST = 0.05
# One and several of a kind.
_KINDS = {
    "image": ("image", "images"),
    "network": ("network", "networks"),
    "volume": ("volume", "volumes"),
    "container": ("container", "containers"),
    "vm": ("machine", "machines"),
    "vm_image": ("base image", "base images"),
}


def report(hosts: Mapping[str, Host], plays: Sequence[Stage]) -> List[str]:
    """Return the lines of a report; hosts with nothing new to tell share theirs."""
    groups: Dict[Tuple[str, ...], List[str]] = {}
    for name, host in hosts.items():
        lines = tuple(_bounded(_host(host)))
        # What was changed or failed stands under the host's own name.
        own = (name,) if host.verbs or host.others or host.failed else ()
        if lines:
            groups.setdefault((*own, "", *lines), []).append(visible(name, _NAME))
    shown = list(groups.items())
    if len(shown) > _HOSTS:  # then first of all what is new
        shown.sort(key=lambda group: group[0][0] == "")
    output: List[str] = []
    for lines, names in shown[:_HOSTS]:
        output.append(", ".join(names))
        output += [f"  {line}" for line in lines[lines.index("") + 1 :]]
    if len(shown) > _HOSTS:
        rest = sum(len(names) for _lines, names in shown[_HOSTS:])
        output.append(f"and {rest} more hosts")
    if plays:
        output += ["times", *(f"  {line}" for line in _bounded(_times(plays), _STAGES))]
    return [visible(line, _WIDTH) for line in output]


def _bounded(lines: Iterator[str], most: int = 4 * _LINES) -> List[str]:
    """Return lines; of too many, the first ones and how many are left out."""
    shown = list(lines)
    rest = len(shown) - most
    return shown if rest <= 0 else [*shown[:most], f"and {rest} more lines"]


def _host(host: Host) -> Iterator[str]:
    changed = [
        _row(address, f"would {', '.join(verbs)}" if check else ", ".join(verbs))
        for (address, check), verbs in host.verbs.items()
    ]
    yield from _bounded(iter(changed), _LINES)
    if host.unchanged:
        counts = (f"{n} {_KINDS[kind][n != 1]}" for kind, n in host.unchanged.items())
        yield _row("unchanged", ", ".join(counts))
    for (role, check), number in host.others.items():
        what = "1 change" if number == 1 else f"{number} changes"
        yield _row(f"role {role}" if role else "other tasks", f"{'would make ' * check}{what}")
    machines = (line for item in host.machines.items() for line in _machine(*item))
    yield from _bounded(machines, _LINES)
    if host.ways:
        yield _row("engine", f"reached by {', '.join(host.ways)}")
    pages = (_row("page", f'{url} answers "{visible(text, _PAGE)}"') for url, text in host.pages)
    yield from _bounded(pages, _LINES)
    if host.failed:
        yield _row("failed", host.failed)


def _machine(address: str, machine: Machine) -> Iterator[str]:
    if machine.accelerator:
        runs = "KVM" if machine.accelerator == "kvm" else "emulation"
        yield _row(address, f"runs on {runs}")
    before = 0.0
    for rung, seconds in machine.rungs:
        yield _row(f"  {rung}", f"{max(0.0, seconds - before):6.1f} s, at {seconds:.1f} s")
        before = seconds
    if machine.missed:
        yield _row(f"  {machine.missed}", "not reached")


def _times(plays: Sequence[Stage]) -> Iterator[str]:
    for play in plays:
        yield _row(play.name, f"{play.seconds:6.1f} s")
        parts = [part for part in play.parts.values() if part.seconds >= _SHORTEST]
        for part in parts if len(parts) > 1 else ():
            yield _row(f"  {part.name}", f"{part.seconds:6.1f} s")


def _row(name: str, words: str) -> str:
    return f"{visible(name, _NAME):<26} {words}"
