"""Unit tests, sanity and a few plays against each supported version of ansible-core.

`make test-ansible`. Each version has a virtual environment in .cache/ansible. What this Python
cannot run is named in the end, and is no failure: Debian 12 has 2.19 alone, Debian 13 all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "ansible"
# The version, and the first Python that its controller runs on.
VERSIONS = {"2.19": (3, 11), "2.20": (3, 12), "2.21": (3, 12)}
# As a user has them, on an engine.
PLAYS = ["tests/e2e/test_package.py", "-k", "not machines"]
LAYERS = {"unit": ["tests/unit"], "sanity": ["tests/static/test_sanity.py"], "plays": PLAYS}
NEEDED = ("pytest", "pytest-xdist", "paramiko", "molecule")


def environment(version: str) -> Path:
    """Return the programs of a virtual environment with the newest release of a version."""
    folder = CACHE / f"{version}-py{sys.version_info.major}.{sys.version_info.minor}"
    pins = re.findall(r"^([\w-]+)(==.*)$", (ROOT / "requirements-test.txt").read_text(), re.M)
    wanted = [name + pin for name, pin in pins if name in NEEDED]
    if not (folder / "stamp").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(folder / "bin/pip"), "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, f"ansible-core=={version}.*", *wanted], check=True)
        (folder / "stamp").touch()
    return folder / "bin"


def run(programs: Path, layer: str) -> str:
    """Run one layer of tests; return its last line, and print all of it if it failed."""
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    command = [str(programs / "python"), "-m", "pytest", "-q", *LAYERS[layer]]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-8000:], done.stderr[-2000:], flush=True)
    return f"{'FAILED: ' if done.returncode else ''}{done.stdout.strip().splitlines()[-1]}"


def main() -> int:
    """Print a line for each version and layer; return 1 if a test failed."""
    lines = []
    for version, needed in VERSIONS.items():
        if sys.version_info < needed:
            lines.append(f"{version}: not tried, needs Python {needed[0]}.{needed[1]}")
            continue
        programs = environment(version)
        shown = subprocess.run(
            [programs / "ansible", "--version"], capture_output=True, text=True, check=True
        ).stdout.splitlines()[0]
        for layer in LAYERS:
            begin = time.monotonic()
            said = run(programs, layer)
            lines.append(f"{shown}: {layer}: {said} ({time.monotonic() - begin:.0f} s in all)")
            print(lines[-1], flush=True)
    print(*["", *lines], sep="\n")
    return any(": FAILED" in line for line in lines)


if __name__ == "__main__":
    sys.exit(main())
