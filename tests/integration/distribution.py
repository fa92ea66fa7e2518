"""Images from host to host over ssh: what travels, what is verified, what a cut leaves."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.lab.agree import agree
from tests.lab.distribution import LARGE, SMALL, Distribution, Host, distribution
from tests.lab.engines import Engine, running

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="accounts to log in with are made by root"
)
# What a connection may carry beside the layers that changed: the handshake of ssh among it.
BESIDE = 20 << 10
# Of an image that is not measured.
SIZE = 8 << 20
ENGINES = ("d20", "d28", "d29")


@pytest.fixture(scope="module")
def ground(engine_of: Callable[[str], Engine]) -> Iterator[Distribution]:
    with running("d28") as other, distribution(Path(tempfile.mkdtemp(prefix="fleet-di-"))) as made:
        for name in ENGINES:
            made.add(name, engine_of(name))
        made.add("other", other)
        yield made


def layers(image: dict[str, Any]) -> list[str]:
    return list(image["RootFS"]["Layers"])


def is_whole(host: Host, name: str) -> bool:
    """Tell whether an engine has all that it needs to give the image away again."""
    with host.client() as client:
        image = client.get(f"/images/{name}/json", {"manifests": True})
    return all(entry["Available"] for entry in image.get("Manifests") or ())


@pytest.mark.parametrize(
    ("source", "receivers"),
    [("d20", "d28:other:d29"), ("d28", "d20:other:d29"), ("d29", "d20:d28:other")],
)
def test_only_changed_layers_travel_on_each_connection(
    ground: Distribution, source: str, receivers: str
) -> None:
    sender, to = ground.hosts[source], [ground.hosts[name] for name in receivers.split(":")]
    base = ground.base(sender, LARGE)
    first, second = ground.build(sender, base), ground.build(sender, base)
    for result in ground.take(receivers, first, source).values():
        assert result["changed"], result
    check = ground.take(receivers, second, source, "--check", "--diff")
    assert [host.name for host in to if second in host.names()] == []
    assert f"note: {second}: 1 of 2 layers, 1.0 MiB from {source}" in ground.output
    ground.reset()
    begun, since = time.monotonic(), time.time()
    results = ground.take(receivers, second, source)
    seconds = time.monotonic() - begun
    for host in to:
        result = results[host.name]
        assert not result["failed"], result
        agree(check[host.name], result)
        assert layers(host.image(second)) == layers(sender.image(second))
        assert is_whole(host, second)
        sent = result["transfers"][0]["sent"]
        assert SMALL <= sent < SMALL + 4096, result
        assert host.counting.bytes <= sent + BESIDE, (host.name, host.counting.bytes - sent)
    assert sender.counting.bytes <= SMALL + BESIDE, sender.counting.bytes - SMALL
    assert sender.saves(since) == (1 if source == "d28" else 2), "whatever the receivers"
    again = ground.take(receivers, second, source)
    assert not any(result["changed"] for result in again.values())
    report(ground, sender, to, seconds, base)


def report(ground: Distribution, sender: Host, to: list[Host], seconds: float, base: str) -> None:
    """Print what the same change costs by docker's own means."""
    counted = {host.name: host.counting.bytes for host in (sender, *to)}
    third = ground.build(sender, base)
    ground.reset()
    whole = sum(ground.save_and_load(sender, host, third) for host in to)
    print(f"\nfrom {sender.name} to {len(to)}: {seconds:.1f} s, save | ssh load {whole:.1f} s")
    for host in (sender, *to):
        full = host.counting.bytes
        ratio = full / counted[host.name]
        print(f"  {host.name:6} {counted[host.name]:>11,} of {full:>12,} bytes, 1:{ratio:.0f}")


@pytest.mark.parametrize("target", ENGINES)
def test_a_cut_transfer_leaves_the_old_tag_and_the_next_run_completes(
    ground: Distribution, target: str
) -> None:
    source, host = ground.hosts["other"], ground.hosts[target]
    name = ground.build(source, ground.base(source, SIZE))
    with host.client() as client:
        client.post("/images/dev/busybox:1/tag", dict(zip(("repo", "tag"), name.split(":"))))
    old, nameless = host.image(name)["Id"], host.dangling()
    ground.reset()
    host.counting.cut = SIZE // 2
    result = ground.take(target, name, "other")[target]
    assert host.counting.was_cut
    assert result["failed"], result
    assert host.image(name)["Id"] == old
    assert host.dangling() == nameless
    again = ground.take(target, name, "other")[target]
    assert again["changed"], again
    assert layers(host.image(name)) == layers(source.image(name))
    assert is_whole(host, name)
    assert not ground.take(target, name, "other")[target]["changed"]


@pytest.mark.parametrize("target", ENGINES)
def test_what_came_before_a_cut_is_not_sent_again(ground: Distribution, target: str) -> None:
    """Two layers are as large as one load; the second one is cut."""
    source, host = ground.hosts["other"], ground.hosts[target]
    large = 33 << 20
    name = ground.build(source, ground.base(source, large, ground.base(source, large)))
    nameless = host.dangling()
    ground.reset()
    host.counting.cut = large + large // 2
    result = ground.take(target, name, "other")[target]
    assert host.counting.was_cut
    assert result["failed"], result
    assert name not in host.names()
    check = ground.take(target, name, "other", "--check")[target]
    assert f"{name}: 2 of 3 layers, 34.0 MiB from other" in check["plan"]["notes"]
    again = ground.take(target, name, "other")[target]
    assert again["changed"], again
    assert large < again["transfers"][0]["sent"] < large + 2 * SMALL
    assert layers(host.image(name)) == layers(source.image(name))
    assert is_whole(host, name)
    assert host.dangling() == nameless, "what kept the first layer is gone"


def test_a_layer_stays_when_the_image_that_it_came_with_goes(ground: Distribution) -> None:
    source, host = ground.hosts["d28"], ground.hosts["d29"]
    base = ground.base(source, SIZE)
    first, second = ground.build(source, base), ground.build(source, base)
    for name in (first, second):
        assert ground.take("d29", name, "d28")["d29"]["changed"]
    with host.client() as client:
        client.delete(f"/images/{first}")
        client.post("/images/prune")
    assert is_whole(host, second)
    assert len(layers(host.image(second))) == 2


def test_what_an_engine_has_in_another_form_is_sent_whole_and_said(ground: Distribution) -> None:
    packed, plain = ground.hosts["d29"], ground.hosts["d28"]
    base = ground.base(packed, SIZE)
    assert ground.take("d28", base, "d29")["d28"]["changed"]
    name = ground.build(plain, base)
    result = ground.take("d29", name, "d28")["d29"]
    assert any("sent whole" in note for note in result["plan"]["notes"]), result["plan"]
    assert result["transfers"][0]["sent"] > SIZE
    assert is_whole(packed, name)
    second = ground.build(plain, base)
    assert ground.take("d29", second, "d28")["d29"]["transfers"][0]["sent"] < SIZE


def test_a_sender_without_python_sends_all_and_receivers_still_little(
    ground: Distribution, engine_of: Callable[[str], Engine]
) -> None:
    bare = ground.site.folder / "bin"
    bare.mkdir()
    for tool in ("sh", "id", "ls", "cat"):
        (bare / tool).symlink_to(f"/bin/{tool}")
    sender = ground.add("bare", engine_of("d28"), f"SetEnv PATH={bare}")
    base = ground.base(sender, SIZE)
    first, second = ground.build(sender, base), ground.build(sender, base)
    assert ground.take("d20:other", first, "bare")["d20"]["changed"]
    ground.reset()
    results = ground.take("d20:other", second, "bare")
    for name in ("d20", "other"):
        assert results[name]["changed"], results[name]
        assert ground.hosts[name].counting.bytes < SMALL + BESIDE + 4096
    assert SIZE < sender.counting.bytes < 2 * SIZE, "it is read once for two"


def test_several_images_share_what_they_have_in_common(ground: Distribution) -> None:
    sender, host = ground.hosts["d28"], ground.hosts["d20"]
    base = ground.base(sender, SIZE)
    names = [ground.build(sender, base) for _number in range(3)]
    check = ground.take("d20", names, "d28", "--check")["d20"]
    ground.reset()
    result = ground.take("d20", names, "d28")["d20"]
    agree(check, result)
    assert [entry["tags"] for entry in result["images"]] == [[name] for name in names]
    assert host.counting.bytes < SIZE + 4 * SMALL
    assert sender.counting.bytes < SIZE + 4 * SMALL
    again = ground.take("d20", names, "d28")["d20"]
    assert not again["changed"]
    assert again["images"] == result["images"]


def test_the_controllers_own_engine_and_a_become_password(
    ground: Distribution, engine_of: Callable[[str], Engine]
) -> None:
    sudo = ground.site.account("pw", sudo="password")
    sender = ground.add("become", engine_of("d28"), account=sudo)
    sender.variables.update(ansible_become=True, ansible_become_password=sudo.password)
    base = ground.base(sender, SIZE)
    first, second = ground.build(sender, base), ground.build(sender, base)
    ground.hosts["d20"].variables["here"] = sender.variables["engine"]
    local = {"from_host": "localhost", "from_engine_host": "{{ here }}"}
    assert ground.take("d20", first, "become", **local)["d20"]["changed"]
    ground.reset()
    result = ground.take("d20", second, "become")["d20"]
    assert result["changed"], result
    assert sender.counting.bytes < SMALL + 2 * BESIDE
    assert sudo.password not in ground.output


def test_hosts_that_cannot_send_are_told_by_name(ground: Distribution) -> None:
    missing = f"{ground.name}:none"
    result = ground.take("d20", missing, "d28")["d20"]
    assert result["msg"] == (
        f"image/{missing}: d28 does not have it; build, pull or load it there first"
    )
    other = {"from_host": "nowhere"}
    result = ground.take("d20", missing, "d28", **other)["d20"]
    assert result["msg"].startswith("from_host: the inventory has no host nowhere")
    other = {"from_engine_host": "unix:///run/none.sock"}
    result = ground.take("d20", missing, "d28", **other)["d20"]
    assert result["msg"].startswith("from_host: no engine on 127.0.0.1"), result["msg"]
    ground.hosts["d28"].variables["ansible_port"], port = 1, ground.hosts["d28"].counting.port
    try:
        ground.reset()
        result = ground.take("d20", missing, "d28")["d20"]
    finally:
        ground.hosts["d28"].variables["ansible_port"] = port
    assert "cannot reach the engine of d28" in result["msg"]
    assert result["was"] == "failed", "the host of the task is not the one that is unreachable"
