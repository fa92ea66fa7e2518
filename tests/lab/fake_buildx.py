"""A stand-in for docker buildx: notes how it was called, and has the engine build the same.

`install(folder)` makes the program; each call is a line of `folder/calls`: {"argv", "env"}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """#!/bin/sh
PYTHONPATH={root}:{root}/collections exec {python} -m tests.lab.fake_buildx {folder} "$@"
"""


def install(folder: Path) -> Path:
    """Make `folder/cli-plugins/docker-buildx`; with DOCKER_CONFIG=folder it is found."""
    program = folder / "cli-plugins" / "docker-buildx"
    program.parent.mkdir(parents=True)
    program.write_text(SCRIPT.format(root=ROOT, python=sys.executable, folder=folder))
    program.chmod(0o755)
    return folder / "calls"


def calls(folder: Path) -> List[Dict[str, Any]]:
    """Return how the program was called."""
    lines = (folder / "calls").read_text().splitlines()
    return [json.loads(line) for line in lines]


def main(folder: str, *argv: str) -> None:
    """Note the call, then build by the classic endpoint of DOCKER_HOST."""
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
        Client,
        unix_dial,
    )
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
        EngineError,
    )
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import (
        context as build_context,
    )

    with (Path(folder) / "calls").open("a") as file:
        file.write(json.dumps({"argv": argv, "env": dict(os.environ)}) + "\n")
    words = list(argv)
    given = [(flag, words[at + 1]) for at, flag in enumerate(words[:-1])]
    labels = dict(value.partition("=")[::2] for flag, value in given if flag == "--label")
    query = {"t": dict(given)["-t"], "labels": labels, "dockerfile": "Dockerfile"}
    context = build_context.read_context(words[-1])
    text = Path(dict(given)["-f"]).read_bytes()
    print("#1 [internal] load build definition", file=sys.stderr)
    with Client(unix_dial(os.environ["DOCKER_HOST"][7:]), 10) as client:
        try:
            for _part in client.stream("POST", "/build", query, context.tar({"Dockerfile": text})):
                pass
        except EngineError as error:
            print(f"ERROR: failed to solve: {error}", file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
