# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources `login` and `logout`: an account at a registry, kept where this runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.steps import Change, Step
from ..._desired.work import Verbs, Work
from ..client.errors import EngineError
from ..client.options import LIMITS
from .credentials import HUB, Login, config_path, find, helper_of, read_config
from .store import host, is_listed, keep, remove_login

_TEXT = {"type": "str"}
_HUB_NAMES = ("", "docker.io", "index.docker.io", "registry-1.docker.io")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")


@dataclass(frozen=True)
class Desired:
    """An account as declared; without a user it is to be forgotten."""

    registry: str
    path: str
    username: str = ""
    password: str = field(default="", repr=False)
    plain_text: bool = False
    allow: Tuple[str, ...] = LIMITS
    protect: bool = False

    @property
    def address(self) -> str:
        """The account's name in plans."""
        return f"login/{host(self.registry)}"


@dataclass(frozen=True)
class Observed:
    """What is kept: by which helper ("" for the file itself), and if the file names it.

    `token` is what the registry gave for the password, when an account that is to be kept was
    proven.
    """

    registry: str
    path: str
    helper: str
    listed: bool
    kept: Optional[Login] = None
    token: str = field(default="", repr=False)


class _Account(Resource):
    """What both resources share (`_desired/run.py`, Resource)."""

    name = "login"
    server = "engine"

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Look into config.json and ask its helper; the engine is not asked."""
        config = read_config(desired.path)
        return Observed(
            registry=desired.registry,
            path=desired.path,
            helper=helper_of(config, desired.registry),
            listed=is_listed(config, desired.registry),
            kept=find(desired.registry, desired.path),
        )

    def present(self, observed: Observed) -> Dict[str, Any]:
        """Return what is kept, without anything secret."""
        return {
            "registry": observed.registry,
            "username": observed.kept.username if observed.kept else "",
            "logged_in": observed.kept is not None,
            "store": observed.helper or "plain text",
            "config_path": observed.path,
        }


class LoginResource(_Account):
    """An account that is to be kept."""

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {"login": _login}

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return {
            **LOGOUT.spec(),
            "username": {**_TEXT, "required": True},
            "password": {**_TEXT, "required": True, "no_log": True},
            "plain_text": {"type": "bool", "default": False},
        }

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared account; raise InvalidOption for what cannot be right."""
        for option in ("username", "password"):
            if not params[option]:
                raise InvalidOption("is empty", option=option, hint="give the registry's account")
        if ":" in params["username"]:
            raise InvalidOption("holds a colon", option="username", hint="correct it")
        result = LOGOUT.desired(params)
        account = (params["username"], params["password"], params["plain_text"])
        return Desired(result.registry, result.path, *account)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Look at what is kept; prove an account that is not, in check mode too.

        The engine asks the registry for it and keeps nothing of it (moby, `POST /auth`).
        """
        observed = super().observe(client, desired, pending, settled)
        agreed = observed.helper or desired.plain_text
        if client is None or settled or not agreed or not _differs(desired, observed.kept):
            return observed
        return replace(observed, token=_prove(client, desired))

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return the one step that keeps the account, or none."""
        if not observed.helper and not desired.plain_text:
            raise InvalidOption(
                f"no credential helper is named in {observed.path}, so the password would be kept"
                " as plain text there",
                option="plain_text",
                hint="name a helper as credsStore in that file, or accept it by plain_text: true",
            )
        changes = tuple(_differs(desired, observed.kept))
        planned = fingerprint([observed.helper, observed.listed, bool(observed.kept)])
        if not changes:
            return Plan(fingerprint=planned)
        cause = tuple(change.words() for change in changes)
        names = {"on": host(desired.registry), "to": _place(observed)}
        step = Step("1", desired.address, "login", cause, "live", changes, args=names)
        return Plan((step,), fingerprint=planned)


class LogoutResource(_Account):
    """An account that is to be forgotten."""

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {"logout": _logout}

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return {
            "registry": {**_TEXT, "default": "docker.io"},
            "store": {**_TEXT, "choices": ["controller", "host"], "default": "host"},
            "config_path": _TEXT,
        }

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the registry and the file; raise InvalidOption for what cannot be right."""
        path = params.get("config_path") or config_path()
        if not path.startswith("/"):
            hint = "write the absolute path of the file"
            raise InvalidOption(f"'{path}' is not absolute", option="config_path", hint=hint)
        return Desired(registry_key(params["registry"]), path)

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return the one step that forgets the account, or none."""
        planned = fingerprint([observed.helper, observed.listed, bool(observed.kept)])
        if not observed.kept and not observed.listed:
            return Plan(fingerprint=planned)
        user = observed.kept.username if observed.kept and observed.kept.username else "an account"
        change = Change("login", "", user, None, "live", "declared", text=f"{user} → none")
        names = {"on": host(desired.registry), "to": _place(observed)}
        step = Step(
            "1", desired.address, "logout", (change.words(),), "live", (change,), args=names
        )
        return Plan((step,), fingerprint=planned)


def registry_key(text: str) -> str:
    """Return a registry as Docker's client names it: host[:port], or the address of Docker Hub."""
    name = host(text)
    if name in _HUB_NAMES:
        return HUB
    if not _HOST.fullmatch(name):
        hint = "write host[:port], such as registry.example.com"
        raise InvalidOption(f"'{text}' is not a registry", option="registry", hint=hint)
    return name


def _place(observed: Observed) -> str:
    return f"docker-credential-{observed.helper}" if observed.helper else observed.path


def _differs(desired: Desired, kept: Optional[Login]) -> List[Change]:
    """Return what is kept otherwise. Of an identity token only the registry knows the password."""
    if kept is None:
        text = f"none → {desired.username}"
        return [Change("login", "", None, desired.username, "live", "declared", text=text)]
    if kept.username and kept.username != desired.username:
        text = f"{kept.username} → {desired.username}"
        return [Change("username", "", None, None, "live", "declared", text=text)]
    if not kept.token and kept.password != desired.password:
        return [Change("password", "", None, None, "live", "declared", True, text="changed")]
    return []


def _prove(client: Any, desired: Desired) -> str:
    """Return the registry's token for an account, "" if it gives none; raise EngineError if it does
    not accept the account."""
    body = {
        "username": desired.username,
        "password": desired.password,
        "serveraddress": desired.registry,
    }
    try:
        answer = client.post("/auth", None, body) or {}
    except EngineError as error:
        error.address = desired.address
        # Of a registry without a token service some engines make a 500.
        if error.status in (401, 403) or "401 unauthorized" in error.message.lower():
            error.hint = "the registry does not accept this username with this password"
        raise
    return str(answer.get("IdentityToken") or "")


def _login(work: Work, step: Step) -> bool:
    """Keep the account, which was proven when it was looked at."""
    desired: Desired = work.desired
    observed: Observed = work.snapshot
    login = Login(desired.username, desired.password, observed.token)
    keep(desired.registry, login, observed.helper, desired.path)
    return True


def _logout(work: Work, step: Step) -> bool:
    observed: Observed = work.snapshot
    remove_login(observed.registry, observed.helper if observed.kept else "", observed.path)
    return True


LOGOUT = LogoutResource()
LOGIN = LoginResource()
