# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs in the container: image, command, entrypoint, environment, labels, user, stop."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.values import dig, parse_duration
from ...values.image_reference import parse_id, parse_reference
from ...values.labels import plain_labels
from ...values.strings import parse_mapping, parse_text
from .common import parse_words, text

OWNER_LABEL = "dockyard.fleet.container"
_SECOND = 1_000_000_000


def split_env(items: Any) -> Dict[str, Optional[str]]:
    """Return the engine's `K=V` list as a dict, the last of duplicates winning."""
    pairs = (str(item).partition("=") for item in items or ())
    return {key: value if equals else None for key, equals, value in pairs}


def hidden_keys(context: Context) -> List[str]:
    """Return the environment keys whose values are not shown: secret now, or when created."""
    now = context.declared.get("secret_environment") or {}
    return [*now, *context.record.get("secret", ())]


def secret_keys(context: Context) -> List[str]:
    """Return the environment keys that are compared as secret ones.

    One that was secret and is declared in plain now is not: the container is the same if the value
    is, and a replacement for the sake of the record would be needless.
    """
    plain = context.declared.get("environment") or {}
    return [key for key in hidden_keys(context) if key not in plain]


def _parse_image(value: Any, where: str) -> str:
    image = parse_text(value, where)
    return image if parse_id(image) else str(parse_reference(image, where))


def _read_image(obj: Mapping[str, Any], context: Context) -> Any:
    return obj.get("Image")


def _read_command(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    return tuple(dig(obj, "Config.Cmd") or ())


def _default_command(context: Context) -> Tuple[str, ...]:
    # The engine drops the image's Cmd when the entrypoint is overridden.
    overridden = "entrypoint" in context.declared
    return () if overridden else tuple(context.base.get("Cmd") or ())


def _write_command(body: Dict[str, Any], value: Any, context: Context) -> None:
    body["Cmd"] = list(value)
    if not value and "entrypoint" not in context.declared:
        # An empty Cmd alone brings the image's back; with an entrypoint beside it, it stays empty.
        body["Entrypoint"] = list(context.base.get("Entrypoint") or [""])


def _parse_entrypoint(value: Any, where: str) -> Tuple[str, ...]:
    """Return its words; a single empty one, which the engine's API takes for none, is none."""
    words = parse_words(value, where)
    return () if words == ("",) else words


def _read_entrypoint(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    words = tuple(dig(obj, "Config.Entrypoint") or ())
    return () if words == ("",) else words


def _write_entrypoint(body: Dict[str, Any], value: Any, context: Context) -> None:
    body["Entrypoint"] = list(value) or [""]


def _read_env(obj: Mapping[str, Any], context: Context) -> Dict[str, Optional[str]]:
    return _plain_env(dig(obj, "Config.Env"), context)


def _default_env(context: Context) -> Dict[str, Optional[str]]:
    return _plain_env(context.base.get("Env"), context)


def _plain_env(items: Any, context: Context) -> Dict[str, Optional[str]]:
    """Return what is set and no secret; a key without a value is one taken away."""
    hidden = secret_keys(context)
    env = split_env(items)
    return {key: value for key, value in env.items() if value is not None and key not in hidden}


def _write_env(body: Dict[str, Any], value: Any, context: Context) -> None:
    # A key without "=" takes the image's value away.
    pairs = [key if text is None else f"{key}={text}" for key, text in value.items()]
    body["Env"] = [*body.get("Env", ()), *pairs]


def _read_secret_env(obj: Mapping[str, Any], context: Context) -> Dict[str, Optional[str]]:
    env = split_env(dig(obj, "Config.Env"))
    return {key: env[key] for key in secret_keys(context) if key in env}


def _default_secret_env(context: Context) -> Dict[str, Optional[str]]:
    env = split_env(context.base.get("Env"))
    now = context.declared.get("secret_environment") or {}
    return {key: env[key] for key in secret_keys(context) if key in env and key not in now}


def _parse_secret_env(value: Any, where: str) -> Dict[str, str]:
    from ...values.mappings import parse_filled

    return parse_filled(value, where)


def _read_labels(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    return plain_labels(dig(obj, "Config.Labels"), context.declared.get("labels"))


def _default_labels(context: Context) -> Dict[str, str]:
    return plain_labels(context.base.get("Labels"), context.declared.get("labels"))


def _parse_labels(value: Any, where: str) -> Dict[str, str]:
    from ...values.mappings import parse_labels

    return parse_labels(value, where)


def _parse_grace(value: Any, where: str) -> Optional[int]:
    nanoseconds = parse_duration(value or None, where)  # an empty text is not set
    if nanoseconds is None:
        return None
    if nanoseconds % _SECOND:
        # The engine keeps whole seconds; a rest would be cut off, down to 0: "kill at once".
        raise InvalidOption(
            f"'{value}' is not a whole number of seconds", option=where, hint="such as 10s or 1m"
        )
    return nanoseconds // _SECOND


FIELDS = (
    FieldSpec(
        "image",
        at="Config.Image",
        option={"type": "str"},
        parse=_parse_image,
        read=_read_image,
    ),
    FieldSpec(
        "command",
        at="Config.Cmd",
        option={"type": "raw"},
        compare="list",
        parse=parse_words,
        read=_read_command,
        default=_default_command,
        write=_write_command,
    ),
    FieldSpec(
        "entrypoint",
        at="Config.Entrypoint",
        option={"type": "raw"},
        compare="list",
        parse=_parse_entrypoint,
        read=_read_entrypoint,
        default=lambda context: tuple(context.base.get("Entrypoint") or ()),
        write=_write_entrypoint,
    ),
    FieldSpec(
        "environment",
        at="Config.Env",
        option={"type": "raw"},
        compare="map",
        parse=parse_mapping,
        read=_read_env,
        default=_default_env,
        write=_write_env,
        guarded=True,
    ),
    FieldSpec(
        "secret_environment",
        at="Config.Env",
        option={"type": "dict", "no_log": True},
        compare="map",
        parse=_parse_secret_env,
        read=_read_secret_env,
        default=_default_secret_env,
        write=_write_env,
        secret=True,
    ),
    FieldSpec(
        "labels",
        at="Config.Labels",
        option={"type": "raw"},
        compare="map",
        parse=_parse_labels,
        read=_read_labels,
        default=_default_labels,
        guarded=True,
    ),
    text(
        "user",
        "Config.User",
        default=lambda context: context.base.get("User") or None,
    ),
    FieldSpec(
        "stop_grace_period",
        at="Config.StopTimeout",
        option={"type": "str"},
        parse=_parse_grace,
        read=lambda obj, context: dig(obj, "Config.StopTimeout"),
        show=lambda seconds: f"{seconds}s",
    ),
)
