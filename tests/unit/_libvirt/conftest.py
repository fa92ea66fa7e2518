from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from tests.unit._libvirt.imagework import Images
from tests.unit._libvirt.origin import Origin


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Images]:
    with Origin(tmp_path) as origin:
        yield Images(tmp_path, origin)
