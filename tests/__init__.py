"""The tests. Some of them are programs as well (`python -m tests.lab.fieldwork`)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))
