"""A build context from elsewhere brings no file of this machine into the image, and ends."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import (
    buildx,
    glob,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import (
    dockerfile as building_dockerfile,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.build import (
    added_files,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.context import (
    read_context,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.fake_engine import Build, BuildFailed, FakeEngine
from tests.lab.tasks import do

CANARY = "canary-of-a-file-of-the-controller"


@contextlib.contextmanager
def ends() -> Iterator[None]:
    """Raise TimeoutError for what would never end."""

    def late(*_args: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(30)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(f"{CANARY}\n")
    root = tmp_path / "ctx"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / "a").write_text("a")
    return root


def built(fake: FakeEngine, folder: Path, **build: Any) -> Dict[str, Any]:
    given = {"context": str(folder), **build}
    return do(IMAGE, fake.socket_path, name="app:1", build=given)


@pytest.mark.parametrize("inline", [None, "FROM scratch\nCOPY . /\n"])
@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore", "Dockerfile"])
@pytest.mark.parametrize("target", ["../key", "{}/key", "chain"])
def test_a_link_out_of_the_context_is_not_read(
    fake: FakeEngine, folder: Path, tmp_path: Path, name: str, target: str, inline: Any
) -> None:
    (folder / "chain").symlink_to("../key")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target.format(tmp_path))
    result = built(fake, folder, **({"dockerfile_inline": inline} if inline else {}))
    assert CANARY not in str(result)
    for one in fake.builds:
        assert not any(CANARY.encode() in data for data in one.files.values())
    read = inline is None or name == ".dockerignore"
    assert bool(result.get("failed")) is read, result
    assert not read or "it is a link that leads out of the context" in result["msg"]


def test_a_link_within_the_context_is_followed(folder: Path) -> None:
    (folder / "deploy").mkdir()
    (folder / "Dockerfile").rename(folder / "deploy" / "real")
    (folder / "Dockerfile").symlink_to("deploy/real")
    (folder / "rules").write_text("a\n")
    (folder / ".dockerignore").symlink_to("rules")
    context = read_context(str(folder))
    assert context.dockerfile == "FROM scratch\nCOPY . /\n"
    assert "a" not in {entry.path for entry in context.entries}


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore"])
@pytest.mark.parametrize("kind", ["fifo", "link to a fifo", "zero", "large"])
def test_what_has_no_end_is_refused(folder: Path, name: str, kind: str) -> None:
    (folder / name).unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(folder / name)
    elif kind == "link to a fifo":
        os.mkfifo(folder / "pipe")
        (folder / name).symlink_to("pipe")
    elif kind == "zero":
        (folder / name).symlink_to("/dev/zero")
    else:
        (folder / name).write_bytes(b"#" * (5 << 20))
    wrong = "not a plain file|leads out of the context|larger than 4 MiB"
    with ends(), pytest.raises(InvalidOption, match=wrong):
        read_context(str(folder))


def test_the_text_of_a_dockerfile_takes_the_place_of_a_link(folder: Path) -> None:
    (folder / ".dockerfile.inline").symlink_to("../key")
    context = read_context(str(folder), inline="FROM scratch\n")
    data = b"".join(context.tar(added_files("FROM scratch\n", context.root, "")))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
    assert names.count(".dockerfile.inline") == 1
    assert CANARY.encode() not in data


def test_a_sent_context_is_unpacked_over_no_link(folder: Path, tmp_path: Path) -> None:
    """Where it was sent to, a link in it would have the Dockerfile's text written elsewhere."""
    (folder / ".dockerfile.inline").symlink_to(tmp_path / "key")
    (folder / "sub" / "below").mkdir(parents=True, mode=0o750)
    (folder / "run.sh").write_text("x")
    (folder / "run.sh").chmod(0o755)
    context = read_context(str(folder), inline="FROM scratch\n")
    added = added_files("FROM scratch\n", context.root, "")
    (tmp_path / "context.tar").write_bytes(b"".join(context.tar(added)))
    own = tmp_path / "own"
    own.mkdir()
    buildx.unpack(str(tmp_path / "context.tar"), str(own))
    assert CANARY in (tmp_path / "key").read_text()
    assert (own / ".dockerfile.inline").read_text() == "FROM scratch\n"
    assert (own / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (own / "sub" / "below").stat().st_mode & 0o777 == 0o750
    assert (own / "Dockerfile").stat().st_mtime_ns // 10**9 == int(
        (folder / "Dockerfile").stat().st_mtime
    )


def test_a_deep_context_is_read_and_sent(tmp_path: Path) -> None:
    root = tmp_path / "ctx"
    deep = "/".join(["d"] * 1200)
    subprocess.run(["mkdir", "-p", f"{root}/{deep}"], check=True)
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / ".dockerignore").write_text("**/x\n!y\n")
    with ends():
        context = read_context(str(root))
        assert context.entries[-1].path == f"{deep}/"
        assert sum(map(len, context.tar())) > 1200 * 512
    subprocess.run(["rm", "-r", str(root / "d")], check=True)  # pytest goes too deep


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("**/" * 8 + "x", "a/" * 300 + "y"),
        ("*a" * 12, "a" * 255 + "b"),
        ("**/a/**/b/**/c/**/d/**/e/**/f", "a/b/c/d/e/" * 200 + "g"),
        ("**a" * 20 + "c", "a" * 255),
        ("*" * 500 + "x", "a" * 255),
        ("?*" * 100 + "x", "a" * 255),
    ],
)
def test_no_pattern_takes_for_ever(rule: str, path: str) -> None:
    with ends():
        assert glob.Glob(rule).matches(path) is False


def test_both_ways_to_match_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    made = random.Random(8)
    parts = ["a", "b", "/", "*", "**", "**/", "?", "[ab]", "[^a]", "\\*", "."]
    hits = 0
    for _number in range(2000):
        rule = glob.Glob("".join(made.choices(parts, k=made.randint(1, 8))))
        path = "".join(made.choices("aab/b*.", k=made.randint(0, 9)))
        monkeypatch.setattr(glob, "_FEW", 1 << 60)
        quick = rule.matches(path)
        monkeypatch.setattr(glob, "_FEW", -1)
        monkeypatch.setattr(rule, "_wild", 2)
        assert rule.matches(path) is quick, (rule._parts, path)
        hits += quick
    assert hits > 50


@pytest.mark.parametrize(
    "text",
    [
        "ARG A=xx\n" + "ARG A=${A}${A}\n" * 40 + "FROM $A\n",
        "ARG A=xx\nARG " + " ".join(["A=${A}${A}"] * 40) + "\nFROM $A\n",
        "ARG " + " ".join(f"a{n}=1" for n in range(50_000)) + "\nFROM b\n",
        "FROM scratch AS x\n" * 50_000,
        "ARG A=" + "${a:-" * 50_000 + "\nFROM b\n",
    ],
    ids=["lines", "words", "many", "stages", "open"],
)
def test_a_dockerfile_does_not_blow_up(text: str) -> None:
    with ends():
        assert sum(map(len, building_dockerfile.base_references(text, {}))) < 10_000


# -- secrets in what a build says -----------------------------------------------------------------


def test_a_secret_of_several_lines_is_masked_line_by_line(fake: FakeEngine, folder: Path) -> None:
    lines = [f"{word}-line-of-the-key" for word in ("first", "second", "third")]
    key = "\n".join(lines)

    def fails(build: Build) -> None:
        raise BuildFailed(f"no such user in {lines[1]}")

    fake.on_build = fails
    steps = "".join(f"RUN echo {line}\n" for line in lines)
    (folder / "Dockerfile").write_text(f"FROM scratch\nARG KEY\n{steps}")
    result = built(fake, folder, args={"KEY": key})
    assert result["failed"] is True
    assert any("RUN echo ****" in line for line in result["log"]), result["log"]
    assert not re.search("-line-of-the-key", str({**result, "plan": {}})), result


# -- what only BuildKit does ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("RUN <<EOF\necho hi > /hi\nEOF", "RUN <<EOF"),
        ("RUN cat <<EOF > /f\nx\nEOF", "RUN <<EOF"),
        ("RUN <<-'EOF' sh\nx\nEOF", "RUN <<EOF"),
        ("COPY <<EOF /f\nx\nEOF", "COPY <<EOF"),
        ("COPY --exclude=a . /", "COPY --exclude"),
        ("COPY --link . /", "COPY --link"),
        ("COPY --link=true --chown=0 . /", "COPY --link"),
        ("ADD --checksum=sha256:00 a /a", "ADD --checksum"),
        ("ADD --keep-git-dir=true a /a", "ADD --keep-git-dir"),
        ("ADD https://host.example/r.git#v1 /r", "ADD of a Git repository"),
        ("copy \\\n  --link . /", "COPY --link"),
        ("RUN echo $((1<<2))\nCOPY . /", ""),
        ("RUN cat <<<word", ""),
        ("RUN program --link", ""),
        ("COPY --chown=0:0 --from=x . /", ""),
        ("ADD https://host.example/r.tar.gz /r", ""),
        ("# COPY --link . /", ""),
        ("RUN --mount=type=cache,target=/c true", ""),  # the classic builder says so itself
    ],
)
def test_what_the_classic_builder_would_drop_is_refused(
    fake: FakeEngine, folder: Path, text: str, need: str
) -> None:
    assert building_dockerfile.needs_buildkit(f"FROM scratch\n{text}\n") == need
    (folder / "Dockerfile").write_text(f"FROM scratch\n{text}\n")
    given = {"context": str(folder)}
    result = do(IMAGE, fake.socket_path, name="app:1", build=given, check=True)
    assert bool(result.get("failed")) is bool(need)
    assert not need or result["msg"] == (
        f"build.dockerfile: {need} needs BuildKit, and the classic builder would leave it out "
        "silently; install Docker's plugin buildx where this task runs (usually the controller)"
    )


# -- a Dockerfile that lies elsewhere -------------------------------------------------------------


def test_a_dockerfile_outside_of_the_context(
    fake: FakeEngine, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "Dockerfile.web"
    other.write_text("FROM scratch\nCOPY . /app/\n")
    for name in (str(other), "../Dockerfile.web"):
        result = built(fake, folder, dockerfile=name)
        assert not result.get("failed"), result
    assert len(fake.builds) == 1
    sent = fake.builds[0].files
    assert other.read_bytes() in sent.values()
    assert b".dockerfile.inline" in sent[".dockerignore"]
    other.write_text("FROM scratch\nCOPY a /\n")
    result = built(fake, folder, dockerfile=str(other))
    assert result["plan"]["steps"][0]["cause"] == "build.dockerfile_inline changed"
    (tmp_path / "Dockerfile.web.dockerignore").write_text("a\n")
    result = built(fake, folder, dockerfile=str(other))
    assert "has ignore rules of its own beside it; put those of" in result["msg"]


def test_a_whole_path_inside_of_the_context_is_the_same(fake: FakeEngine, folder: Path) -> None:
    assert built(fake, folder)["changed"] is True
    assert built(fake, folder, dockerfile=f"{folder}/Dockerfile")["changed"] is False
    assert built(fake, folder, dockerfile="./sub/../Dockerfile")["changed"] is False


@pytest.mark.parametrize("name", ["/nowhere/Dockerfile", "/etc", "../none", "/dev/zero"])
def test_what_is_no_dockerfile_outside_is_named(fake: FakeEngine, folder: Path, name: str) -> None:
    result = built(fake, folder, dockerfile=name)
    assert result["msg"].startswith("build.dockerfile: no Dockerfile at /")
    assert fake.builds == []
