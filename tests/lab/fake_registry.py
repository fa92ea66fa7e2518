"""The endpoints that go to a registry: pull, push, and what it has (`FakeEngine.registry`)."""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, Iterator, Optional

from .fake_archives import import_root
from .fake_images import OPTIONS, config_of, digest_of, find, store, tag_image
from .fake_routes import route
from .fake_state import ApiError, Json, State, normal
from .serving import Request, Response


def _authorize(request: Request, entry: Json) -> None:
    """Refuse who does not give the entry's `login` (user:password), in Docker 20.10's words."""
    if not entry.get("login"):
        return
    said = json.loads(base64.urlsafe_b64decode(request.headers.get("x-registry-auth") or "e30="))
    if not said.get("username"):
        raise ApiError(500, "no basic auth credentials")
    if f"{said['username']}:{said['password']}" != entry["login"]:
        raise ApiError(401, "unauthorized: authentication required")


def _line(**value: Any) -> bytes:
    return json.dumps(value).encode() + b"\r\n"


@route("POST", "/images/{ref}/push")
def push(state: State, request: Request, ref: str) -> Response:
    tag = request.query.get("tag")
    whole = normal(f"{ref}:{tag}" if tag else ref)
    if "x-registry-auth" not in request.headers:
        raise ApiError(400, "Bad parameters and missing X-Registry-Auth: EOF")
    image = find(state, whole)
    entry = state.registry.setdefault(whole, {"missing": True})
    return Response(200, stream=_pushing(state, request, whole, image, entry))


def _pushing(state: State, request: Request, ref: str, image: Json, entry: Json) -> Iterator[bytes]:
    name, _colon, tag = ref.rpartition(":")
    yield _line(status=f"The push refers to repository [{name}]")
    try:
        _authorize(request, entry)
    except ApiError as exc:
        yield _line(errorDetail={"message": exc.text}, error=exc.text)
        return
    if entry.get("error"):
        yield _line(errorDetail={"message": entry["error"]}, error=entry["error"])
        return
    with state.lock:
        digest = digest_of(image["Config"], image["Id"])
        login = {"login": entry["login"]} if entry.get("login") else {}
        state.registry[ref] = {"pushed": image, "digest": digest, **login}
        mine = f"{name}@{digest}"
        image["RepoDigests"] = list(dict.fromkeys([*image["RepoDigests"], mine]))
        state.emit("image", "push", ref, {"name": name})
    yield _line(status=f"{tag}: digest: {digest} size: 528")
    yield _line(progressDetail={}, aux={"Tag": tag, "Digest": digest, "Size": 528})


@route("POST", "/images/create")
def create(state: State, request: Request) -> Response:
    if request.query.get("fromSrc"):
        return import_root(state, request)
    name, tag_name = request.query["fromImage"], request.query.get("tag")
    ref = normal(f"{name}:{tag_name}" if tag_name else name)
    if tag_name and tag_name.startswith("sha256:"):
        ref = f"{name}@{tag_name}"
    entry = state.registry.get(ref)
    if entry is None:
        text = f"pull access denied for {name}, repository does not exist or may require"
        raise ApiError(404, f"{text} 'docker login': denied: requested access to the resource")
    _authorize(request, entry)
    return Response(200, stream=_pulling(state, ref, entry, request.query.get("platform", "")))


def _pulling(state: State, ref: str, entry: Json, platform: str) -> Iterator[bytes]:
    name, _colon, tag_name = ref.rpartition(":")
    yield _line(status=f"Pulling from {name}", id=tag_name)
    if entry.get("error"):
        yield _line(errorDetail={"message": entry["error"]}, error=entry["error"])
        return
    with state.lock:
        before = state.find_image(ref)
        image = _fetched(state, ref, entry, platform)
        state.behaviours.setdefault(image["Id"], entry.get("behaviour", "run"))
        state.emit("image", "pull", ref, {"name": name})
    digest = image["RepoDigests"][0].partition("@")[2]
    yield _line(status="Downloading", progressDetail={"current": 1, "total": 2}, id="a1b2c3d4e5f6")
    yield _line(status=f"Digest: {digest}")
    word = "Image is up to date for" if before is image else "Downloaded newer image for"
    yield _line(status=f"Status: {word} {ref}")


def _fetched(state: State, ref: str, entry: Json, platform: str) -> Json:
    if "pushed" not in entry:
        # An entry of one platform alone is brought whatever was asked for, as by 20.10.
        arch = entry.get("arch") or platform.partition("/")[2] or "amd64"
        seed = entry.get("seed", ref) + (arch if arch != "amd64" else "")
        image = store(state, ref, config_of(_options(entry)), seed, digest=True)
        image["Architecture"] = arch
        return image
    image = state.images.setdefault(entry["pushed"]["Id"], entry["pushed"])
    tag_image(state, image, ref)
    return image


def _options(entry: Json) -> Dict[str, Any]:
    return {key: value for key, value in entry.items() if key in OPTIONS}


@route("GET", "/distribution/{ref}/json")
def distribution(state: State, request: Request, ref: str) -> Response:
    entry: Optional[Json] = state.registry.get(normal(ref))
    _authorize(request, entry or {})
    if entry is not None and entry.get("missing"):
        raise ApiError(404, "manifest unknown: manifest unknown")
    if entry is None or entry.get("error"):
        text = (entry or {}).get("error") or "errors:\ndenied: requested access to the resource"
        raise ApiError(403 if entry is None else 500, text)
    digest = entry.get("digest") or digest_of(
        config_of(_options(entry)), entry.get("seed", normal(ref))
    )
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    found = {"mediaType": kind, "digest": digest, "size": 528}
    platforms = [{"architecture": "amd64", "os": "linux"}]
    return Response(200, {"Descriptor": found, "Platforms": platforms})
