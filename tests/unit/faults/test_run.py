"""A job cut short at any call of the engine: one clear error, and the next run converges."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine
from tests.lab.killing import POINTS, chosen

from .stories import WORKERS

TASK = {"name": "job", "image": "job:1", "secret_environment": {"TOKEN": "hush-hush"}}
KINDS = ("kill", "kill-after", "500", "500-after", "drop", "drop-after")


def engine() -> FakeEngine:
    fake = FakeEngine(counted="all")
    fake.add_image("job:1", behaviour="exit:0", logs=["done"], volumes=["/data"])
    return fake


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_run_converges(
    kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    with engine() as fake:
        assert crew.run(TASK, fake.socket_path, kind="run").result["rc"] == 0
        count = fake.faults.count

    def point(number: int) -> int:
        with engine() as fake:
            fake.faults.at(number, kind)
            outcome = crew.run(TASK, fake.socket_path, kind="run")
            if not fake.faults.hits:  # it looks once more or less for the end
                return 0
            where = fake.faults.hits[0]
            assert (outcome.signal == 9) == kind.startswith("kill"), where
            assert "Traceback" not in outcome.result.get("msg", ""), where
            assert "\n" not in outcome.result.get("msg", ""), where
            fake.faults.reset()
            again = crew.run(TASK, fake.socket_path, kind="run").result
            assert not again.get("failed"), f"{where}: {again.get('msg')}"
            assert (again["rc"], again["stdout"]) == (0, "done"), where
            assert (fake.names(), fake.volumes) == ([], {}), where
            return 1

    numbers = [number for number in range(1, count + 1) if chosen(kind, number)]
    with ThreadPoolExecutor(WORKERS) as pool:
        hit = sum(pool.map(point, numbers))
    record_property(f"{POINTS}{kind}, a job", hit)
    assert hit > 2
