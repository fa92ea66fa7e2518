"""Write docs/modules/*.md, the reference of the modules, from what ansible-doc says of them.

`python -m tests.tools.module_pages` rewrites the pages, `--check` only says which are stale.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "modules"
OURS = "dockyard.fleet."
_MARKUP = re.compile(r"\b(O|V|M|RV|C|E|I|B|P)\(((?:[^()\\]|\\.|\([^()]*\))*)\)")


def said() -> dict[str, Any]:
    """Return what ansible-doc says of each documented module, by short name."""
    paths = sorted((ROOT / "plugins" / "modules").glob("*.py"))
    # That each has documentation is another test's business.
    names = [OURS + path.stem for path in paths if "\nDOCUMENTATION =" in path.read_text()]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "--json", *names],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return {name.removeprefix(OURS): entry for name, entry in json.loads(done.stdout).items()}


def prose(text: Any) -> str:
    """Return a description as one paragraph of Markdown."""
    whole = " ".join(text) if isinstance(text, list) else str(text)
    return _MARKUP.sub(_markdown, " ".join(whole.split()))


def _markdown(found: re.Match[str]) -> str:
    kind, inner = found.group(1), found.group(2).replace("\\", "")
    if kind == "M" and inner.startswith(OURS):
        short = inner.removeprefix(OURS)
        return f"[{short}]({short}.md)"
    # An option or a return value of another plugin: dockyard.fleet.vm_image#module:vm_image.
    place, _colon, what = inner.rpartition(":") if kind in ("O", "RV") else ("", "", inner)
    plugin, _hash, type_ = place.partition("#")
    if type_ == "module" and plugin.startswith(OURS):
        short = plugin.removeprefix(OURS)
        return f"`{what}` of [{short}]({short}.md)"
    return f"`{what}`" if type_ else f"`{inner}`"


def page(name: str, entry: dict[str, Any]) -> str:
    """Return the Markdown page of one module."""
    doc = entry["doc"]
    description = "\n\n".join(prose(one) for one in _list(doc["description"]))
    lines = [
        "<!-- Made by `make docs` from the module's documentation; do not edit. -->",
        f"# `{OURS}{name}`: {doc['short_description'][0].lower()}{doc['short_description'][1:]}",
        "",
        description,
        "",
        "## Options",
        "",
        "| Option | Type | Default | Description |",
        "|---|---|---|---|",
        *_options(doc["options"], ""),
        "",
        "## Behaviour",
        "",
        *(
            f"- **{key}** ({one['support']}): {prose(one['description'])}"
            for key, one in doc.get("attributes", {}).items()
        ),
        *(f"- {prose(note)}" for note in doc.get("notes", ())),
        "",
        "## Examples",
        "",
        f"```yaml\n{entry['examples'].strip()}\n```",
        "",
        "## What it returns",
        "",
        "| Key | Type | When | Description |",
        "|---|---|---|---|",
        *_returned(entry["return"], ""),
    ]
    seen = [one["module"].removeprefix(OURS) for one in doc.get("seealso", ())]
    # A module of another collection has no page here.
    links = ", ".join(f"`{one}`" if "." in one else f"[{one}]({one}.md)" for one in seen)
    return "\n".join([*lines, *(["", f"See also: {links}"] if links else [])]) + "\n"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _kind(entry: dict[str, Any]) -> str:
    kind = entry.get("type", "str")
    return f"{kind} of {entry['elements']}" if "elements" in entry else kind


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _options(options: dict[str, Any], where: str) -> Iterator[str]:
    """Yield table rows, required options first; suboptions follow their parent."""
    for name in sorted(options, key=lambda one: (not options[one].get("required"), one)):
        entry = options[name]
        default = f"`{json.dumps(entry['default'])}`" if entry.get("default") is not None else ""
        text = prose(entry["description"])
        if "choices" in entry:
            text += f" One of {', '.join(f'`{one}`' for one in entry['choices'])}."
        if entry.get("aliases"):
            text += f" Alias: {', '.join(f'`{one}`' for one in entry['aliases'])}."
        default = "required" if entry.get("required") else default
        yield f"| `{where}{name}` | {_kind(entry)} | {default} | {_cell(text)} |"
        yield from _options(entry.get("suboptions") or {}, f"{where}{name}.")


def _returned(values: dict[str, Any], where: str) -> Iterator[str]:
    for name, entry in values.items():
        text = prose(entry["description"])
        sample = entry.get("sample")
        if isinstance(sample, (bool, int)) or (sample and len(json.dumps(sample)) < 60):
            shown = sample.strip() if isinstance(sample, str) else json.dumps(sample)
            text += f" Such as `{shown}`." if "\n" not in shown else ""
        when = _cell(prose(entry.get("returned", "")))
        yield f"| `{where}{name}` | {_kind(entry)} | {when} | {_cell(text)} |"
        yield from _returned(entry.get("contains") or {}, f"{where}{name}.")


def index(entries: dict[str, Any]) -> str:
    """Return the page that lists the modules."""
    rows = [
        f"| [{name}]({name}.md) | {prose(entry['doc']['short_description'])} |"
        for name, entry in sorted(entries.items())
    ]
    head = "<!-- Made by `make docs`; do not edit. -->\n# Modules\n\n| Module | |\n|---|---|\n"
    return head + "\n".join(rows) + "\n"


def pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    entries = said()
    made = {f"{name}.md": page(name, entry) for name, entry in entries.items()}
    return {**made, "README.md": index(entries)}


def main(arguments: list[str]) -> int:
    """Rewrite, or check and return 1 if a page is stale."""
    wanted = pages()
    there = {path.name: path.read_text() for path in PAGES.glob("*.md")}
    stale = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    for name in stale:
        if "--check" in arguments:
            print(f"docs/modules/{name}: stale, run make docs")
        elif name in wanted:
            PAGES.mkdir(parents=True, exist_ok=True)
            (PAGES / name).write_text(wanted[name])
        else:
            (PAGES / name).unlink()
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
