from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.unit.libvirt.imagework import Images
from tests.unit.libvirt.origin import Origin


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    with Origin(tmp_path) as origin:
        yield Images(tmp_path, origin)
