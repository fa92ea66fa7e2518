"""Three servers, reached in three ways, and the demonstration run against them.

The fixtures build on each other in the order of a user's day: checked, run. The files of this
folder use them in the order of their names; the last one removes everything again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.checkout import Checkout, Run
from tests.lab.servers import Server, start, stop

USERS = {"e2e-dock": "dock", "e2e-sudoer": "sudoer", "e2e-sudopw": "sudopw"}


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]
) -> Iterator[dict[str, Server]]:
    folder = tmp_path_factory.mktemp("servers")
    with_engine, *bare = USERS
    try:
        # Without root nobody installs an engine: the first server has one already.
        made = [*start([with_engine], folder, variant="docker"), *start(bare, folder)]
        yield {server.name: server for server in made}
    finally:
        stop(list(USERS))


@pytest.fixture(scope="session")
def tree(servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    tree = Checkout(tmp_path_factory.mktemp("fleet"))
    hosts = {server: USERS[name] for name, server in servers.items()}
    tree.demo_on(hosts, dock={"site_runtime": False})
    return tree


@pytest.fixture(scope="session")
def planned(tree: Checkout) -> Run:
    return tree.play("playbooks/demo.yml", "--check", "--diff")


@pytest.fixture(scope="session")
def first(planned: Run, tree: Checkout) -> Run:
    return tree.play("playbooks/demo.yml")
