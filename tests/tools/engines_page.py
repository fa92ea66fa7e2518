"""Write docs/engines.md: which option was tried on which engine.

`python -m tests.tools.engines_page` renews it. It says what tests/integration/test_fields.py does:
the tables of entries and the rows' own columns decide both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.fields import FieldSpec
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.schema import for_kind

from tests.lab.engines import RECIPES, Recipe
from tests.lab.fieldtable import ROWS, Entry, entries, honours

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"
HEAD = """\
# Engines

<!-- Made by `make docs` from the tests' own tables; do not edit. -->

Each option of [container](modules/container.md), [network](modules/network.md) and
[volume](modules/volume.md) is tried on real engines. A container is created with it, and a second
run changes nothing; it is given another value, and taken out of the declaration, and each time
apply does what check announced, a second run changes nothing, and in the end the container is as
it was. A network is replaced so under a running container, which keeps its alias and its fixed
address. A volume is made anew only if its data is given up by name; before that, the change is
refused. `make test` does so on Docker 20.10 and 28, `make test-engines` on all of these.

- **seen**: its effect was looked at as well, inside a container: a limit in the cgroup, a name
  that resolves.
- **kept**: the engine has it, and shows it as it was declared. Why no effect was looked at is said
  below.
- **made**: kept, and the container is not started, since what it needs is not on every machine.
- **not tried**: nothing here can have it; the reason is below.
- Anything else: it is refused with a message that says so, before anything is written.

"""
GAPS = """\
## What these engines cannot show

- cgroup v2: the machines that run the tests have version 1, so nobody looked at `memory.max` and
  its like.
- API 1.52 and later (Docker 29). "Docker 28 as 29" has what Engine 29 has by default: images are
  known by the ids of their manifests, and no API before 1.44 is spoken. Fields that only 1.52 has,
  or drops, are not in it.
- Rootless engines and remapped users, where limits do not bind.
- Healthchecks under Podman: without systemd its probes never run, so `wait: healthy` was not tried
  there.

## What Podman does not take

Its compatible API answers with success and drops these, so they are refused beforehand:

- of the long form of `volumes`: `create_host_path: false` (a missing folder is made always),
  `recursive: writable` and `readonly`, labels, driver and options of a volume (declare it by
  [volume](modules/volume.md)), and any colon in a path.
- of a network: driver options but a few, and reserved addresses (`aux_addresses`).
- of `import.changes` of an image: `HEALTHCHECK`, `SHELL` and `ONBUILD`. The others are written as
  Podman reads them, without quotes, one pair or port each.
- a build needs BuildKit for secrets, SSH agents and named contexts, and Podman's API has none.

What else an engine accepts and drops is found when the new container is looked at, before the
old one stops; see [plans](plans.md).

## What is not noticed on Podman

Its API shows less than Docker's, so some changes do not show:

- `HOME` taken out of `environment` alone: Podman sets it by itself.
- `sysctls`, `logging.options` and `device_cgroup_rules` that somebody else changed: what was
  declared at creation is all that is known.
- a fixed address taken out of `networks` while the container stays in that network.
- `memswap_limit: -1`: Podman drops it, which is an error after the creation, not before it.
- capabilities dropped that Podman's containers do not have anyway.
"""


def page() -> str:
    """Return the page as it should be."""
    count = ", ".join(f"{len(rows)} of a {name}" for name, rows in ROWS.items())
    tables = "\n".join(f"## {name.capitalize()}\n\n{_table(name)}\n" for name in ROWS)
    seen = f"Options: {count}. Engines: {len(RECIPES)}.\n\n"
    return f"{HEAD}{seen}{tables}\n{_unseen()}\n{GAPS}"


def _table(resource: str) -> str:
    kinds = {one.kind for one in RECIPES.values()}
    rows = {kind: {row.name: row for row in for_kind(ROWS[resource], kind)} for kind in kinds}
    listed = entries(resource)
    lines = ["| option |" + "".join(f" {one.title} |" for one in RECIPES.values())]
    lines.append("|---|" + "---|" * len(RECIPES))
    for name in dict.fromkeys(entry.row for entry in listed):
        ours = [entry for entry in listed if entry.row == name]
        cells = (_cell(ours, rows[one.kind][name], one) for one in RECIPES.values())
        lines.append(f"| `{name}` |" + "".join(f" {cell} |" for cell in cells))
    return "\n".join(lines)


def _cell(listed: list[Entry], row: FieldSpec, recipe: Recipe) -> str:
    able = [entry for entry in listed if honours(entry, row, recipe.api, recipe.kind)]
    if any(entry.inside for entry in able):
        return "seen"
    if able:
        return "kept" if any(entry.runs for entry in able) else "made"
    if row.only and recipe.kind not in row.only:
        return f"not with {recipe.kind.capitalize()}"
    if any(row.until) and recipe.api >= row.until:
        return f"before API {row.until[0]}.{row.until[1]}"
    since = max(row.since, *(entry.since for entry in listed))
    return f"API {since[0]}.{since[1]}" if recipe.api < since else "not tried"


def _unseen() -> str:
    lines = [line for resource in ROWS for line in _reasons(resource)]
    return "\n".join(["## Effects that were not looked at", "", *lines, ""])


def _reasons(resource: str) -> Iterator[str]:
    listed = entries(resource)
    reasons = dict.fromkeys(entry.unseen for entry in listed if entry.unseen and not entry.inside)
    for reason in reasons:
        names = dict.fromkeys(f"`{entry.row}`" for entry in listed if entry.unseen == reason)
        of = "" if resource == "container" else f" of a {resource}"
        yield f"- {', '.join(names)}{of}: {reason}."


if __name__ == "__main__":
    PAGE.write_text(page())
