"""Write the variable tables of the roles' READMEs from their argument specs.

`python -m tests.tools.role_readme` rewrites them, `--check` only says which are stale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.tools.module_pages import prose

ROOT = Path(__file__).resolve().parents[2]
START, END = "<!-- variables: make docs -->", "<!-- end of variables -->"


def table(spec: dict[str, Any]) -> str:
    """Return the table of one role's options; nested options follow their parent.

    Those of entry points beside `main` come after it, each in a table of its own.
    """
    tables = []
    for name, entry in spec["argument_specs"].items():
        rows = [] if name == "main" else [f"For `tasks_from: {name}`:", ""]
        rows += ["| Variable | Type | Default | Description |", "|---|---|---|---|"]
        tables.append("\n".join(rows + _rows(entry.get("options", {}), "")))
    return "\n\n".join(tables)


def _rows(options: dict[str, Any], prefix: str) -> list[str]:
    rows = []
    for name, option in options.items():
        kind = option.get("type", "str")
        if "elements" in option:
            kind += f" of {option['elements']}"
        default = "required" if option.get("required") else _value(option)
        text = prose(option.get("description", ""))
        if "choices" in option:
            text += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
        rows.append(f"| `{prefix}{name}` | {kind} | {default} | {' '.join(text.split())} |")
        rows += _rows(option.get("options", {}), f"{prefix}{name}.")
    return [row.replace("\\", "\\\\") for row in rows]


def _value(option: dict[str, Any]) -> str:
    return f"`{json.dumps(option['default'])}`" if "default" in option else ""


def renewed(role: Path) -> str:
    """Return the README of a role with its table as the specs say it."""
    text = (role / "README.md").read_text()
    if text.count(START) != 1 or text.count(END) != 1:
        raise SystemExit(f"{role.name}/README.md: needs one {START} and one {END}")
    before, after = text.split(START)[0], text.split(END)[1]
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    return f"{before}{START}\n{table(spec)}\n{END}{after}"


def roles() -> list[Path]:
    """Return the folders of all roles."""
    return sorted(path.parents[1] for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


def main(arguments: list[str]) -> int:
    """Rewrite, or check and return 1 if a README is stale."""
    stale = [role for role in roles() if renewed(role) != (role / "README.md").read_text()]
    for role in stale:
        if "--check" in arguments:
            print(f"roles/{role.name}/README.md: stale, run make docs")
        else:
            (role / "README.md").write_text(renewed(role))
            print(f"roles/{role.name}/README.md: renewed")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
