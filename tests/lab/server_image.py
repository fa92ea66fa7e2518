"""The images of the test servers: built once from the machine's own packages, kept in .cache/."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Path(__file__).resolve().parent / "server"
CACHE = ROOT / ".cache"
NAME = "dockyard-lab/server"


def run(*command: str, stdin: str | None = None) -> str:
    """Run a command and return what it printed; show its error output when it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def digest() -> str:
    """Return twelve hex digits that change with the recipe: the tag of the images."""
    whole = b"".join(path.read_bytes() for path in sorted(RECIPE.iterdir()) if path.is_file())
    return hashlib.sha256(whole).hexdigest()[:12]


def exists(image: str) -> bool:
    """Return whether the engine has the image."""
    return bool(run("docker", "images", "-q", image))


def image(variant: str = "bare", suite: str = "") -> str:
    """Return the reference of image `bare` (no engine) or `docker` (has one); build it if need be.

    `suite` is another of Debian's than this machine's, for `bare` only.

    Takes about 35 s the first time, 2 s when only the cached archive has to be imported.
    """
    reference = f"{NAME}:{variant}-{suite}{digest()}"
    if not exists(reference):
        if variant == "bare":
            _bare(reference, suite)
        else:
            _docker(reference)
    return reference


def _bare(reference: str, suite: str) -> None:
    archive = CACHE / f"server-{suite}{digest()}.tar"
    if not archive.exists():
        CACHE.mkdir(exist_ok=True)
        run("sh", str(RECIPE / "build.sh"), str(archive), suite)
    run("docker", "import", "--change", 'CMD ["/sbin/init"]', str(archive), reference)


def _docker(reference: str) -> None:
    command = ["docker", "build", "--force-rm", "-q", "-t", reference]
    run(*command, "--build-arg", f"BARE={image('bare')}", str(RECIPE))
