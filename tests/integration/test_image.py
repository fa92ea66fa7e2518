"""Images on a real engine, through ansible-playbook, by both front ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.amounts import ways
from tests.lab.playing import Play
from tests.lab.registry import PASSWORD, USER, Registry
from tests.lab.sshd import Site

DOCKERFILE = """\
ARG BASE
FROM ${BASE:-scratch} AS start
COPY busybox /bin/busybox
FROM start AS tools
LABEL stage=tools
FROM start
COPY site /site
CMD ["/bin/busybox", "sleep", "1d"]
"""


class Images:
    """One front end with a context folder and names that nobody else uses."""

    def __init__(self, folder: Path, via: str) -> None:
        self.via = via
        self.remote = False
        self.prefix = f"fleet-image-{uuid.uuid4().hex[:8]}"
        self.name = f"{self.prefix}/app:1"
        self.context = folder / "app"
        (self.context / "site").mkdir(parents=True)
        (self.context / "Dockerfile").write_text(DOCKERFILE)
        (self.context / ".dockerignore").write_text("site\n")
        # Goes before the other one, whatever builds.
        (self.context / "Dockerfile.dockerignore").write_text("**/*.tmp\n")
        (self.context / "site" / "index.html").write_text("one\n")
        shutil.copy(shutil.which("busybox") or "/bin/busybox", self.context / "busybox")
        self.play = Play(folder)

    def task(self, name: str = "", **params: Any) -> dict[str, Any]:
        return {
            "dockyard.fleet.image": {
                "name": name or self.name,
                "engine_via": self.via,
                **params,
            }
        }

    def build(self, name: str = "", **build: Any) -> dict[str, Any]:
        return self.task(name, build={"context": "app", **build})

    def run(self, *tasks: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        return self.play.run(*tasks, options=("--check", "--diff") if check else ())

    def remove(self) -> None:
        listed = docker("ps", "-aq", "--filter", f"label=test={self.prefix}").split()
        if listed:
            docker("rm", "-f", *listed)
        form = "{{.Repository}} {{.Tag}} {{.Digest}}"
        for line in docker("images", "--digests", "--format", form).splitlines():
            name, tag, digest = line.split()
            if self.prefix in name:
                # By name, never by id: an id may be somebody else's image too.
                docker("rmi", "-f", f"{name}@{digest}" if tag == "<none>" else f"{name}:{tag}")


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def image_id(name: str) -> str:
    return docker("image", "inspect", "-f", "{{.Id}}", name)


def causes(result: dict[str, Any]) -> list[str]:
    return [f"{step['verb']}: {step['cause']}" for step in result["plan"]["steps"]]


@pytest.fixture(params=ways())
def images(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Images]:
    made = Images(tmp_path, request.param)
    try:
        yield made
    finally:
        made.remove()


def test_complaint_containers_09_built_again_when_a_file_changed(images: Images) -> None:
    task = images.build(labels={"team": "shop"})
    first, again = images.run(task, task)
    assert causes(first) == ["build: not on the engine"]
    assert first["engine_way"]["name"] == ("target" if images.via == "target" else "socket")
    assert again["changed"] is False
    assert again["image"]["id"] == first["image"]["id"] == image_id(images.name)
    assert again["image"]["labels"] == {"team": "shop"}
    (images.context / "site" / "note.tmp").write_text("ignored")
    (images.context / "site" / "index.html").write_text("two\n")
    (planned,) = images.run(task, check=True)
    assert causes(planned) == ["build: context: site/index.html changed"]
    assert "context: site/index.html changed [none]" in images.play.output
    assert image_id(images.name) == first["image"]["id"]
    changed, again = images.run(task, task)
    assert causes(changed) == causes(planned)
    assert again["changed"] is False
    page = docker("run", "--rm", images.name, "/bin/busybox", "cat", "/site/index.html")
    assert page == "two"


def test_stages_arguments_and_base_images(images: Images) -> None:
    base, tools = f"{images.prefix}/base:1", f"{images.prefix}/tools:1"
    on_base = images.build(args={"BASE": base})
    stage = images.build(tools, target="tools")
    results = images.run(images.build(base), on_base, on_base, stage, stage)
    assert [one["changed"] for one in results] == [True, True, False, True, False]
    assert results[3]["image"]["labels"] == {"stage": "tools"}
    base_again = images.build(base, labels={"new": "1"})
    rebuilt, follows, quiet = images.run(base_again, on_base, on_base)
    assert causes(rebuilt) == ["build: build.labels.new added"]
    assert causes(follows) == [f"build: base image {base} changed"]
    assert quiet["changed"] is False


def test_check_mode_sees_what_an_earlier_task_would_change(images: Images) -> None:
    base = f"{images.prefix}/base:1"
    on_base = images.build(args={"BASE": base})
    other = images.build(base, network="none")
    foreseen = {**on_base, "check_mode": True}
    results = images.run(
        images.build(base), on_base, {**other, "check_mode": True}, foreseen, other, foreseen
    )
    assert [one["msg"] for one in results if one["failed"]] == []
    planned, after = results[3], results[5]
    assert causes(planned) == [f"build: base image {base} will be rebuilt"]
    assert causes(after) == [f"build: base image {base} changed"], "it is no longer to come"


def test_a_failed_build_leaves_the_old_image(images: Images) -> None:
    (first,) = images.run(images.build())
    with (images.context / "Dockerfile").open("a") as file:
        file.write('RUN ["/bin/busybox", "sh", "-c", "echo on the way; exit 3"]\n')
    (failed,) = images.run(images.build())
    assert failed["failed"] is True
    assert failed["changed"] is False
    assert failed["msg"].startswith(f"image/{images.name}: the build failed: The command")
    assert "returned a non-zero code: 3" in failed["msg"]
    assert "on the way" in failed["log"]
    assert image_id(images.name) == first["image"]["id"]


def test_an_image_in_use_is_not_removed(images: Images) -> None:
    absent = images.task(state="absent")
    images.run(images.build())
    box = docker("create", "--label", f"test={images.prefix}", "--name", images.prefix, images.name)
    refused, forced_check = images.run(absent, images.task(state="absent", force=True), check=True)
    assert f"refused: used by {images.prefix}" in refused["msg"]
    assert causes(forced_check) == ["remove: state: absent"]
    (refused,) = images.run(absent)
    assert refused["failed"] is True
    docker("tag", images.name, f"{images.prefix}/app:2")
    (used,) = images.run(images.task(f"{images.prefix}/app:2", state="absent"))
    assert causes(used) == [f"untag: state: absent, {images.name} stays"]
    docker("rm", box)
    docker("tag", images.name, f"{images.prefix}/app:2")
    untagged, removed, quiet = images.run(
        absent, images.task(f"{images.prefix}/app:2", state="absent"), absent
    )
    assert causes(untagged) == [f"untag: state: absent, {images.prefix}/app:2 stays"]
    assert causes(removed) == ["remove: state: absent"]
    assert quiet["changed"] is False
    assert docker("images", "-q", images.name) == ""


def test_somebody_elses_image_of_that_name(images: Images) -> None:
    docker("tag", "dev/busybox:1", images.name)
    first, again = images.run(images.build(), images.build())
    assert causes(first) == ["build: not built by dockyard.fleet"]
    assert again["changed"] is False
    # A committed container inherits the label, but is not what was built.
    box = docker("create", "--label", f"test={images.prefix}", images.name)
    docker("commit", box, images.name)
    (committed,) = images.run(images.build(), check=True)
    assert causes(committed) == ["build: not built by dockyard.fleet"]


def test_pulls_from_a_registry(images: Images, tmp_path: Path) -> None:
    store = tmp_path / "registry"
    store.mkdir()
    with Registry(store) as registry:
        name = f"{registry.address}/{images.prefix}/app:1"
        always = images.task(name, pull_policy="always")
        images.run(images.build(name))
        docker("push", "-q", name)
        docker("rmi", name)
        pulled, quiet, current = images.run(images.task(name), images.task(name), always)
        assert causes(pulled) == ["pull: not on the engine"]
        assert pulled["image"]["digests"]
        assert (quiet["changed"], current["changed"]) == (False, False)
        # The registry gets another image behind the engine's back.
        old = pulled["image"]["id"]
        images.run(images.build(name, labels={"new": "1"}))
        docker("push", "-q", name)
        new = image_id(name)
        docker("tag", old, name)
        missing, planned = images.run(images.task(name), always, check=True)
        assert (missing["changed"], causes(planned)) == (
            False,
            ["pull: the registry has another image"],
        )
        brought, quiet = images.run(always, always)
        assert brought["image"]["id"] == new
        assert quiet["changed"] is False
        gone = f"{registry.address}/{images.prefix}/none:1"
        (failed,) = images.run(images.task(gone))
        assert failed["msg"].startswith(f"image/{gone}: {gone} cannot be pulled: manifest")
    # Without the registry nobody can say which image it has.
    (planned,) = images.run(always, check=True)
    assert causes(planned) == ["pull: the registry did not say which image it has"]
    assert planned["plan"]["steps"][0]["maybe"] is True


def test_pushed_to_a_registry_that_wants_an_account(images: Images, tmp_path: Path) -> None:
    store = tmp_path / "registry"
    store.mkdir()
    with Registry(store, locked=True) as registry:
        name, other = (f"{registry.address}/{images.prefix}/app:{tag}" for tag in "12")
        account = {"registry_username": USER, "registry_password": PASSWORD}
        pushing = {"tags": [other], "push": True}
        task = images.task(name, build={"context": "app"}, **pushing, **account)
        planned, first, again = images.run({**task, "check_mode": True}, task, task)
        assert causes(planned) == causes(first)
        assert causes(first) == [
            "build: not on the engine",
            "tag: not on the engine",
            f"push: {name} is built anew",
            f"push: {name} is built anew",
        ]
        assert not first.get("failed"), first.get("msg")
        one, two = first["plan"]["steps"][2:]
        assert one["id"] in two["needs"], "two pushes to one repository at once"
        assert again["changed"] is False, causes(again)
        (digest,) = {one.partition("@")[2] for one in first["image"]["digests"]}
        docker("rmi", name, other)
        both = images.task(f"{name}@{digest}", pull_policy="always", **account)
        daily = images.task(other, pull_policy="daily", **account)
        results = images.run(both, both, daily, daily, images.task(name))
        assert [one["changed"] for one in results[:4]] == [True, False, True, False]
        assert "no basic auth credentials; log in where this task runs" in results[4]["msg"]
        assert PASSWORD not in images.play.output + json.dumps([first, results])


def test_what_is_on_the_engine_is_pushed_by_its_own_name(images: Images, tmp_path: Path) -> None:
    store = tmp_path / "registry"
    store.mkdir()
    with Registry(store) as registry:
        name, other = (f"{registry.address}/{images.prefix}/app:{tag}" for tag in "12")
        docker("tag", "dev/busybox:1", name)
        pushing = images.task(name, push=True, pull_policy="never")
        planned, first, again = images.run({**pushing, "check_mode": True}, pushing, pushing)
        assert causes(planned) == causes(first) == ["push: the registry does not have it"]
        assert again["changed"] is False
        both = images.task(name, push=True, pull_policy="never", tags=[name, other])
        first, again = images.run(both, both)
        assert causes(first)[:1] == ["tag: not on the engine"]
        assert again["changed"] is False
        docker("rmi", name, other)
        results = images.run(images.task(name), images.task(other))
        assert {one["image"]["Id"] for one in results} == {image_id("dev/busybox:1")}


def test_an_image_by_its_id(images: Images, tmp_path: Path) -> None:
    built = images.build(labels={"only": images.prefix})
    ident = images.run(built)[0]["image"]["Id"]
    tagging = images.task(ident, tags=[f"{images.prefix}/app:2"])
    tagged, again = images.run(tagging, tagging)
    assert (tagged["changed"], again["changed"]) == (True, False)
    absent = images.task(ident, state="absent")
    planned, removed, again = images.run({**absent, "check_mode": True}, absent, absent)
    assert causes(planned) == causes(removed)
    assert causes(removed) == [f"remove: state: absent, with {images.name}, {images.prefix}/app:2"]
    assert again["changed"] is False
    assert docker("images", "-q", "--filter", f"label=only={images.prefix}") == ""


def test_archives(images: Images, tmp_path: Path) -> None:
    """What is saved is loaded; a root file system is imported once."""
    remote = {"remote_src": True} if images.via == "target" else {}
    archive, other = str(tmp_path / "app.tar"), f"{images.prefix}/other:1"
    saving = images.task(save=archive, **remote)
    imported = images.task(
        f"{images.prefix}/root:1", **{"import": {"path": archive, "changes": ["ENV A=b"]}}
    )
    build, loading = images.build(), images.task(other, load=archive)
    results = images.run(build, saving, saving, loading, loading, imported, imported)
    assert [one["changed"] for one in results] == [True, True, False, True, False, True, False]
    assert causes(results[1]) == [f"save: {archive} is not there"]
    assert results[3]["image"]["id"] == results[0]["image"]["id"]
    assert docker("image", "inspect", "-f", "{{.Config.Env}}", f"{images.prefix}/root:1") == (
        "[A=b]"
    )
    # The engine forgets both names; the archive brings the image back by either.
    docker("rmi", images.name, other)
    (again,) = images.run(images.task(load=archive))
    assert causes(again) == ["load: not on the engine"]
    docker("rmi", images.name)
    subprocess.run(["gzip", archive], check=True)
    packed, changed = images.run(
        images.task(other, load=f"{archive}.gz"),
        images.task(load=f"{archive}.gz", tags=[f"{images.prefix}/more:1"]),
    )
    assert packed["image"]["id"] == again["image"]["id"]
    assert causes(changed)[-1] == "tag: not on the engine"


def test_a_context_that_cannot_be_one(images: Images) -> None:
    (images.context / "Dockerfile").unlink()
    missing, nowhere, tilde, unknown = images.run(
        images.build(),
        images.build(context="nowhere"),
        images.build(context="~/app"),
        images.build(contxt="app"),
    )
    assert missing["msg"].startswith(
        f"build.dockerfile: no Dockerfile at {images.context}/Dockerfile"
    )
    assert nowhere["msg"].startswith("build.context: there is nothing at")
    assert "a ~ is not expanded" in tilde["msg"]
    assert unknown["msg"] == "build.contxt: unknown option; did you mean context?"


@pytest.mark.skipif(os.geteuid() != 0, reason="accounts to log in with are made by root")
def test_the_context_is_sent_to_a_target_that_builds() -> None:
    folder = Path(tempfile.mkdtemp(prefix="fleet-im-"))
    site = Site(folder, prefix="fleet-im")
    images = Images(folder, "target")
    try:
        account = site.account("dock", groups=["docker"])
        images.play = Play(folder, site.sshd(account).variables)
        first, again = images.run(images.build(), images.build())
        assert causes(first) == ["build: not on the engine"]
        assert again["changed"] is False
        left = subprocess.run(
            ["find", str(account.home), "-name", "context.tar"], capture_output=True, check=True
        )
        assert left.stdout == b""
        assert json.dumps(first).count("context.tar") == 0
    finally:
        images.remove()
        site.stop()
        shutil.rmtree(folder, ignore_errors=True)
