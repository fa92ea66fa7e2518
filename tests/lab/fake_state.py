"""What the fake engine holds: objects by id, the event hub, timers, and its one lock."""

from __future__ import annotations

import hashlib
import itertools
import queue
import threading
import time
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

Json = Dict[str, Any]
ZERO_TIME = "0001-01-01T00:00:00Z"


class ApiError(Exception):
    """A refusal in the engine's own words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def now() -> str:
    """Return the time as the engine writes it, in nanoseconds."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"


def normal(ref: str) -> str:
    """Add the tag that a reference leaves out."""
    if "@" in ref or ref.startswith("sha256:"):
        return ref
    return ref if ":" in ref.rsplit("/", 1)[-1] else f"{ref}:latest"


class State:
    """Objects as inspect shows them: containers, images, networks by id, volumes by name."""

    _count = itertools.count(1)

    def __init__(self, api: str) -> None:
        self._number = next(State._count)
        self.api = tuple(int(part) for part in api.split("."))
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.containers: Dict[str, Json] = {}
        self.images: Dict[str, Json] = {}
        self.networks: Dict[str, Json] = {}
        self.volumes: Dict[str, Json] = {}
        self.registry: Dict[str, Json] = {}
        self.builds: List[Any] = []
        self.on_build: Optional[Callable[[Any], Optional[Json]]] = None
        self.behaviours: Dict[str, str] = {}  # by image id
        self.starts: Dict[str, int] = {}  # by image id
        self.ignores: List[str] = []  # settings that are dropped without a word
        self.lacks: List[str] = []  # parts of HostConfig that the kernel does not have
        self.log_lines: Dict[str, List[Tuple[int, str]]] = {}  # by container id
        self.manifests = False  # whether images are kept in containerd, by their manifests
        self.build_cache: List[Json] = []
        self.accounts: Dict[str, Dict[str, str]] = {}  # passwords by user, by registry
        self.tokens: Dict[str, str] = {}  # the identity token that a registry answers with
        self.execs: Dict[str, Json] = {}
        self.programs: Dict[str, Any] = {}  # what commands do, by their first word
        self.image_logs: Dict[str, List[str]] = {}  # by image id
        self.events: List[Json] = []
        self._subscribers: List[queue.Queue[Json]] = []
        self.pids = itertools.count(1000)
        self._ids = itertools.count(1)
        self._ports = itertools.count()
        self._timers: List[threading.Timer] = []
        self._ended = False

    def new_id(self) -> str:
        """Make a 64-digit id whose first twelve are unique too, and no number.

        A process that does the same again has the same ids: no test's outcome is a matter of luck.
        Docker draws another one as well (pkg/stringid), since a container's hostname, its short
        id, must not be a number. One id in 280 would be one, and nobody could tell it from a size.
        """
        while True:
            made = hashlib.sha256(f"{self._number} {next(self._ids)}".encode()).hexdigest()
            if not made[:12].isdecimal():
                return made

    def free_port(self) -> str:
        """Return the next port for who asks for any, as Docker: one after the other."""
        return str(49153 + next(self._ports) % 15000)

    # -- looking up -----------------------------------------------------------------------

    def find_container(self, ref: str) -> Optional[Json]:
        """Find by id, name, or unambiguous id prefix, in this order, as the engine does."""
        ref = ref.lstrip("/")
        if ref in self.containers:
            return self.containers[ref]
        for box in self.containers.values():
            if box["Name"] == f"/{ref}":
                return box
        found = [box for key, box in self.containers.items() if key.startswith(ref)]
        if ref and len(found) > 1:
            raise ApiError(500, f"Multiple IDs found with provided prefix: {ref}")
        return found[0] if len(found) == 1 else None

    def container(self, ref: str) -> Json:
        box = self.find_container(ref)
        if box is None:
            raise ApiError(404, f"No such container: {ref}")
        return box

    def find_image(self, ref: str) -> Optional[Json]:
        bare = ref[7:] if ref.startswith("sha256:") else ref
        for key, image in self.images.items():
            tags = image["RepoTags"] + image["RepoDigests"]
            if normal(ref) in tags or key[7:] == bare:
                return image
        found = [image for key, image in self.images.items() if key[7:].startswith(bare)]
        return found[0] if len(found) == 1 and len(bare) >= 4 else None

    def find_network(self, ref: str) -> Optional[Json]:
        for net in self.networks.values():
            if net["Name"] == ref or net["Id"] == ref:
                return net
        found = [net for net in self.networks.values() if net["Id"].startswith(ref)]
        if ref and len(found) > 1:
            text = f"network {ref} is ambiguous ({len(found)} matches found based on ID prefix)"
            raise ApiError(400, text)
        return found[0] if len(found) == 1 else None

    # -- events ---------------------------------------------------------------------------

    def emit(self, kind: str, action: str, actor: str, attributes: Dict[str, str]) -> None:
        """Tell every subscriber, and wake who waits for a change."""
        event: Json = {
            "Type": kind,
            "Action": action,
            "Actor": {"ID": actor, "Attributes": dict(attributes)},
            "scope": "local",
            "time": int(time.time()),
            "timeNano": time.time_ns(),
        }
        if kind in ("container", "image") and self.api < (1, 52):
            event = {"status": action, "id": actor, **event}
            if kind == "container":
                event["from"] = attributes.get("image", "")
        with self.lock:
            self.events.append(event)
            for subscriber in self._subscribers:
                subscriber.put(event)
            self.changed.notify_all()

    def container_event(self, box: Json, action: str, **more: str) -> None:
        labels = box["Config"]["Labels"] or {}
        attributes = {**labels, "image": box["Config"]["Image"], "name": box["Name"][1:], **more}
        self.emit("container", action, box["Id"], attributes)

    def subscribe(self, wanted: Callable[[Json], bool]) -> Iterator[Optional[Json]]:
        """Return events from now on; None now and then, so that a reader can look around."""
        mine: queue.Queue[Json] = queue.Queue()
        with self.lock:
            self._subscribers.append(mine)
        return self._follow(mine, wanted)

    def _follow(
        self, mine: queue.Queue[Json], wanted: Callable[[Json], bool]
    ) -> Iterator[Optional[Json]]:
        try:
            while not self._ended:
                try:
                    event = mine.get(timeout=0.05)
                except queue.Empty:
                    yield None
                    continue
                if wanted(event):
                    yield event
        finally:
            with self.lock:
                self._subscribers.remove(mine)

    # -- time -----------------------------------------------------------------------------

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something under the lock after a while, unless the engine has ended."""

        def run() -> None:
            with self.lock:
                if not self._ended:
                    action()
                    self.changed.notify_all()

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        self._timers = [one for one in self._timers if one.is_alive()] + [timer]
        timer.start()

    def end(self) -> None:
        with self.lock:
            self._ended = True
            for timer in self._timers:
                timer.cancel()
            self.changed.notify_all()
