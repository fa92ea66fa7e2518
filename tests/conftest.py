"""Make `ansible_collections.dockyard.fleet` importable from the checkout."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))

pytest_plugins = ["tests.lab.session", "tests.lab.hypervisor", "tests.lab.engines"]
