"""A stateful, scriptable Docker Engine on a real unix socket, in a thread of the test process.

    with FakeEngine() as fake:
        fake.add_image("app:1", cmd=["serve"], behaviour="healthy")
        client = Client(unix_dial(fake.socket_path))

Behaves like Docker 20.10 (API 1.41); `api="1.51"` like Docker 28. Containers of an image do what
its behaviour says: `run` | `cat` | `exit:N` | `oom` | `refuse:TEXT` (of the start) | `vanish`
| `healthy` | `unhealthy` | `healthy-after:SECONDS` | `slow-stop:SECONDS` | `wears-out:N` (from the
N+1st start of the image on they exit with 1); under `run` the health
of a container with a healthcheck stays `starting`.
"""

from __future__ import annotations

import posixpath
from typing import Any, Callable, Dict, List, Optional

from . import (
    fake_archives,
    fake_build,
    fake_containers,
    fake_files,
    fake_host,
    fake_life,
    fake_netvol,
    fake_output,
    fake_registry,
)
from .fake_build import Build, BuildFailed
from .fake_images import config_of, store
from .fake_layers import add_layered
from .fake_routes import find
from .fake_state import ApiError, Json, State, normal
from .serving import Request, Response, Server, failed

__all__ = ["Build", "BuildFailed", "FakeEngine"]
# Their routes are known once they are imported.
ROUTES = (
    fake_archives,
    fake_build,
    fake_containers,
    fake_files,
    fake_host,
    fake_life,
    fake_netvol,
    fake_output,
    fake_registry,
)
_VERSIONS = {"1.41": "20.10.24", "1.45": "26.1.5", "1.51": "28.5.2"}


class FakeEngine(Server):
    """The fake; `containers`, `images`, `networks` (by id) and `volumes` (by name) are its state.

    `registry` maps references to what a pull brings: add_image's options, `behaviour`, `seed`
    (another one makes another image), `login` (user:password that it wants), `arch` (the only one),
    `missing` (it has no
    such tag, but takes a push), or `error` (the text that ends the stream of a pull or push).
    `on_build` is called with each Build: it may return Config entries or raise BuildFailed;
    `builds` lists them.
    """

    def __init__(
        self,
        api: str = "1.41",
        min_api: str = "1.12",
        counted: str = "writes",
        buffers: int = 0,
    ) -> None:
        super().__init__(counted, buffers)
        self.api, self.min_api = api, min_api
        self.state = State(api)
        self.containers: Dict[str, Json] = self.state.containers
        self.images = self.state.images
        self.networks = self.state.networks
        self.volumes = self.state.volumes
        self.registry = self.state.registry
        self.builds: List[Build] = self.state.builds
        self.events = self.state.events
        self.state.programs.update(fake_output.PROGRAMS)
        fake_netvol.add_defaults(self.state)

    # -- what tests arrange ---------------------------------------------------------------

    def add_image(
        self,
        ref: str,
        *,
        behaviour: str = "run",
        logs: Optional[List[str]] = None,
        seed: str = "",
        layers: Optional[List[str]] = None,
        **options: Any,
    ) -> str:
        """Make an image and return its id; `seed` tells images of one configuration apart.

        With `layers`, their contents as texts, it can be saved, and loaded without some of them.

        Options: env (dict or list), cmd, entrypoint, labels, volumes and exposed (lists),
        healthcheck (as in the API), user, workdir, stop_signal. `logs` are the lines that each
        start of a container prints. Without cmd and entrypoint the command is `serve`.
        """
        if not options.get("cmd") and not options.get("entrypoint"):
            options["cmd"] = ["serve"]
        with self.state.lock:
            if layers:
                return str(add_layered(self.state, ref, layers, **options)["Id"])
            image = store(self.state, ref, config_of(options), seed or normal(ref))
            self.state.behaviours[image["Id"]] = behaviour
            self.state.image_logs[image["Id"]] = list(logs or [])
        return str(image["Id"])

    def behave(self, ref: str, behaviour: str) -> None:
        """Change what containers of an image do from their next start or stop on."""
        with self.state.lock:
            self.state.behaviours[self._image(ref)["Id"]] = behaviour

    def _image(self, ref: str) -> Json:
        image = self.state.find_image(ref)
        if image is None:
            raise KeyError(ref)
        return image

    @property
    def on_build(self) -> Optional[Callable[[Build], Optional[Json]]]:
        return self.state.on_build

    @on_build.setter
    def on_build(self, hook: Optional[Callable[[Build], Optional[Json]]]) -> None:
        self.state.on_build = hook

    # -- what tests look at ---------------------------------------------------------------

    def container(self, ref: str) -> Optional[Json]:
        """Find a container by name or id; None when there is none."""
        return self.state.find_container(ref)

    def network(self, ref: str) -> Optional[Json]:
        return self.state.find_network(ref)

    def image(self, ref: str) -> Optional[Json]:
        return self.state.find_image(ref)

    def names(self) -> List[str]:
        """Return the names of all containers, sorted."""
        return sorted(box["Name"][1:] for box in self.containers.values())

    # -- what happens to containers without a request -------------------------------------

    def die(self, ref: str, code: int = 1) -> None:
        """Let a running container end by itself."""
        with self.state.lock:
            fake_life.die(self.state, self.state.container(ref), code)

    def health(self, ref: str, status: str) -> None:
        """Let a container's healthcheck come out as `healthy` or `unhealthy`."""
        with self.state.lock:
            fake_life.set_health(self.state, self.state.container(ref), status)

    def log(self, ref: str, *lines: str, stream: int = 1) -> None:
        """Add lines to a container's output (stream 1 or 2)."""
        key = self.state.container(ref)["Id"]
        with self.state.lock:
            self.state.log_lines.setdefault(key, []).extend((stream, line) for line in lines)
            self.state.changed.notify_all()

    def files(self, ref: str) -> Dict[str, fake_files.Node]:
        """Return what a container holds, by absolute path; tests may change it."""
        return fake_files.tree(self.state.container(ref))

    def program(self, word: str, act: fake_output.Act) -> None:
        """Say what a command does that begins with this word."""
        self.state.programs[word] = act

    # -- serving --------------------------------------------------------------------------

    def __exit__(self, *exc: object) -> None:
        self.state.end()
        super().__exit__(*exc)

    def answer(self, request: Request) -> Response:
        refused = self._version(request)
        if refused:
            return failed(400, refused)
        clean = posixpath.normpath(request.path)
        if request.path.rstrip("/") != clean:  # as Go's router, which has no empty parts either
            words = f'<a href="{clean}">Moved Permanently</a>.\n\n'.encode()
            return Response(301, body=words, headers={"Location": clean}, kind="text/html")
        if request.path in ("/_ping", "/version", "/info"):
            return self._about(request)
        found = find(request)
        if found is None:
            return failed(404, "page not found")
        handler, parameters = found
        try:
            with self.state.lock:
                return handler(self.state, request, **parameters)
        except ApiError as exc:
            return failed(exc.status, exc.text)
        except Exception as exc:  # a gap of the fake must be seen in the test it spoils
            return failed(500, f"the fake engine cannot do this: {exc!r}")

    def _version(self, request: Request) -> str:
        if request.api is None:
            return ""
        asked = [int(part) for part in request.api.split(".")]
        if asked > [int(part) for part in self.api.split(".")]:
            text = f"client version {request.api} is too new. Maximum supported API version is"
            return f"{text} {self.api}"
        if asked < [int(part) for part in self.min_api.split(".")]:
            text = f"client version {request.api} is too old. Minimum supported API version is"
            return f"{text} {self.min_api}, please upgrade your client to a newer version"
        return ""

    def _about(self, request: Request) -> Response:
        version = _VERSIONS.get(self.api, f"{self.api}-fake")
        headers = {"Api-Version": self.api, "Server": f"Docker/{version} (linux)"}
        if request.path == "/_ping":
            return Response(200, body=b"OK", headers=headers, kind="text/plain")
        about: Json = {"ApiVersion": self.api, "MinAPIVersion": self.min_api, "Version": version}
        if request.path == "/info":
            running = sum(box["State"]["Running"] for box in self.containers.values())
            about = {
                "ID": "FAKE",
                "Name": "fake-host",
                "ServerVersion": version,
                "Containers": len(self.containers),
                "ContainersRunning": running,
                "Images": len(self.images),
                "Driver": "overlay2",
                "OSType": "linux",
                "Architecture": "x86_64",
                "NCPU": 2,
                "MemTotal": 8 << 30,
                "CgroupVersion": "1",
                "LiveRestoreEnabled": False,
                "Swarm": {"LocalNodeState": "inactive"},
            }
        return Response(200, about, headers=headers)
