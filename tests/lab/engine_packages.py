"""Engines of other Debian suites, taken from their packages, without installing anything.

The packages come from the mirror that this machine's own apt uses, checked with Debian's keyring.
What was unpacked stays in .cache/engines; a folder without its stamp is made anew.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterable, Iterator

from tests.lab.server_image import run

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "engines"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# A mirror's copy of sid's release file may be older than the date in it.
_STALE = 'Acquire::Check-Valid-Until "false"'
_DOCKER = ("docker.io", "containerd", "tini")
_PROGRAMS = ("dockerd", "docker-proxy", "containerd", "containerd-shim-runc-v2")
_PODMAN = (
    "podman,crun,netavark,aardvark-dns,conmon,catatonit,nftables,iptables,"
    "base-files,passwd,busybox-static,ca-certificates"
)
_TABLES = ("iptables", "ip6tables")


def docker(suite: str) -> Path:
    """Return a folder with the programs of a suite's Docker Engine; runc is the machine's own."""
    return _kept(f"docker-{suite}", lambda folder: _get_docker(suite, folder))


def podman(suite: str) -> Path:
    """Return a root file system with a suite's Podman and all that it calls."""
    return _kept(f"podman-{suite}", lambda folder: _get_podman(suite, folder))


def buildx() -> Path:
    """Return a folder with the program docker-buildx, which Debian has from trixie on."""
    return _kept("buildx-trixie", _get_buildx)


def compose() -> Path:
    """Return the program of Docker Compose's second version, which Debian has from sid on."""
    return _kept("compose-sid", _get_compose) / "docker-compose"


def mirror() -> str:
    """Return the address from which this machine has its Debian packages."""
    form = ["--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"]
    uris = run("apt-get", "indextargets", *form).split()
    found = next((uri for uri in uris if "security" not in uri), None)
    if found is None or not Path(KEYRING).exists():
        raise RuntimeError("engines of other suites need Debian's package sources and keyring")
    return found


@contextmanager
def _alone(name: str) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    folder, stamp = CACHE / name, CACHE / f"{name}.stamp"
    with _alone(name):
        if not stamp.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            stamp.touch()
    return folder


def _get_buildx(folder: Path) -> None:
    tree = _unpack("trixie", folder / "work", ["docker-buildx"])
    (tree / "usr/libexec/docker/cli-plugins/docker-buildx").rename(folder / "docker-buildx")
    shutil.rmtree(folder / "work")


def _get_compose(folder: Path) -> None:
    tree = _unpack("sid", folder / "work", ["docker-compose"])
    (tree / "usr/libexec/docker/cli-plugins/docker-compose").rename(folder / "docker-compose")
    shutil.rmtree(folder / "work")


def _unpack(suite: str, work: Path, packages: Iterable[str]) -> Path:
    """Unpack a suite's packages below the folder `work`; return the folder with their files."""
    for part in ("lists/partial", "archives/partial", "tree"):
        (work / part).mkdir(parents=True)
    (work / "list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n")
    (work / "conf").write_text(f"{_STALE};\nAPT::Sandbox::User root;\n")
    options = {
        "Dir::Etc::sourcelist": work / "list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": work / "lists",
        # What the machine itself has installed may be newer than anything in this suite.
        "Dir::State::status": "/dev/null",
        "Dir::Cache": work,
    }
    flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    apt = ["env", f"APT_CONFIG={work / 'conf'}", "apt-get", "-qq", *flags]
    run(*apt, "update")
    run("sh", "-c", 'cd "$1"; shift; "$@"', "-", str(work), *apt, "download", *packages)
    for package in work.glob("*.deb"):
        run("dpkg-deb", "-x", str(package), str(work / "tree"))
    return work / "tree"


def _get_docker(suite: str, folder: Path) -> None:
    work = folder / "work"
    _unpack(suite, work, _DOCKER)
    for name in _PROGRAMS:
        (program,) = (p for p in work.glob(f"tree/usr/*bin/{name}") if p.is_file())
        program.rename(folder / name)
    # sid's tini is no longer static; the machine's own does as well.
    static = work / "tree/usr/bin/tini-static"
    own = shutil.which("docker-init", path=f"{os.environ['PATH']}:/usr/sbin:/usr/libexec/docker")
    shutil.copy(static if static.exists() else str(own), folder / "docker-init")
    shutil.rmtree(work)


def _get_podman(suite: str, folder: Path) -> None:
    source = f"deb [signed-by={KEYRING}] {mirror()} {suite} main"
    aptopt = ["--variant=extract", f"--aptopt={_STALE}", f"--include={_PODMAN}"]
    run("mmdebstrap", "-q", *aptopt, suite, str(folder), source)
    # What the packages' own scripts would have done; they do not run in an unpacked tree.
    master = folder / "usr/share/base-passwd/passwd.master"
    text = master.read_text() if master.exists() else "root:x:0:0:root:/root:/bin/sh\n"
    (folder / "etc/passwd").write_text(text)
    (folder / "etc/group").write_text("root:x:0:\n")
    for table in _TABLES:
        for ending in ("", "-save", "-restore"):
            link = folder / "usr/sbin" / f"{table}{ending}"
            link.unlink(missing_ok=True)
            os.symlink("xtables-nft-multi", link)
    policy = '{"default": [{"type": "insecureAcceptAnything"}]}\n'
    settings = folder / "etc/containers"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "policy.json").write_text(policy)
