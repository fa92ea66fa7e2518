"""The endpoints of the engine as a whole: what it fills, its build cache, logins at registries."""

from __future__ import annotations

from .fake_routes import public, route
from .fake_state import ApiError, State
from .serving import Request, Response


@route("GET", "/system/df")
def disk_usage(state: State, request: Request) -> Response:
    made = {
        "LayersSize": sum(image["Size"] for image in state.images.values()),
        "Images": [],
        "Containers": [],
        "Volumes": [],
        "BuildCache": public(state.build_cache) or None,
    }
    return Response(200, made)


@route("POST", "/build/prune")
def prune_cache(state: State, request: Request) -> Response:
    gone = [one for one in state.build_cache if not one["InUse"]]
    state.build_cache[:] = [one for one in state.build_cache if one["InUse"]]
    freed = sum(one["Size"] for one in gone)
    return Response(200, {"CachesDeleted": [one["ID"] for one in gone], "SpaceReclaimed": freed})


@route("POST", "/auth")
def login(state: State, request: Request) -> Response:
    """Accept what the registry's `accounts` hold; a registry that is not there is not reached."""
    body = request.json
    server = body.get("serveraddress", "")
    accounts = state.accounts.get(server)
    if accounts is None:
        text = f'Get "https://{server}/v2/": dial tcp: lookup {server}: no such host'
        raise ApiError(500, text)
    if accounts.get(body.get("username")) != body.get("password"):
        text = f"Get https://{server}/v2/: unauthorized: incorrect username or password"
        raise ApiError(401, text)
    token = state.tokens.get(server, "")
    return Response(200, {"Status": "Login Succeeded", "IdentityToken": token})
