# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the option `cloud_init` of a machine becomes: the files of its NoCloud seed.

cloud-init reads YAML, of which JSON is a part: so no YAML library is needed here. Our own keys
(host keys, the message that ends the boot) stand in the user data when it is a mapping, beside
the user's. When it is text of the user's they stand in the vendor data, which cloud-init merges
with it.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ..._desired.errors import InvalidOption
from .checks import SHORTCUTS, check

_HEADER = "#cloud-config\n"
# Characters that YAML 1.1 refuses as they are, or takes for line breaks (PyYAML, reader.py).
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_FINAL = "final_message"


class HostKey(NamedTuple):
    """An SSH host key of type ed25519.

    `private` is in OpenSSH's own format with a final newline, `public` one line without a newline
    (type, base64, comment). Printing it shows the public half alone.
    """

    private: str
    public: str

    def __repr__(self) -> str:
        """Hide the private half."""
        return f"HostKey(private='********', public={self.public!r})"


def validate(cloud_init: Any) -> None:
    """Raise InvalidOption for anything in the option that cannot be right; make nothing."""
    check(cloud_init)
    # What cannot be written is found by writing it.
    seed_files(cloud_init, "name", "id", None, "token")


def seed_files(
    cloud_init: Mapping[str, Any],
    name: str,
    instance_id: str,
    host_key: Optional[HostKey],
    token: str,
) -> Dict[str, bytes]:
    """Return the seed's files by name: user-data and meta-data, the others where needed.

    `name` becomes the host name unless another one is declared; `token` is printed on the console
    once cloud-init is done (see `completion_line`). Equal arguments give equal files. Raise
    InvalidOption as `validate` does.
    """
    check(cloud_init)
    given = {key: value for key, value in cloud_init.items() if value is not None}
    hostname = given.get("hostname", name)
    meta = {"local-hostname": hostname, **given.get("meta_data", {}), "instance-id": instance_id}
    files = {"meta-data": _dump(meta, "meta_data").encode()}
    if "network_config" in given:
        network = given["network_config"]
        files["network-config"] = _dump(network.get("network", network), "network_config").encode()
    shortcuts = {key: given[key] for key in SHORTCUTS if key in given}
    user = given.get("user_data", {})
    if isinstance(user, str):
        files["user-data"] = _encode(user, "user_data")
        files["vendor-data"] = _cloud_config({**shortcuts, **_ours({}, host_key, token)})
    else:
        files["user-data"] = _cloud_config({**user, **shortcuts, **_ours(user, host_key, token)})
    return files


def completion_line(token: str) -> str:
    """Return the line that the console of a machine shows when its cloud-init is done.

    It comes at every boot, whether or not all went well.
    """
    return f"dockyard.fleet: cloud-init is done: {token}"


def host_key_of(files: Mapping[str, bytes]) -> Optional[HostKey]:
    """Return the host key that the files of a seed of ours give their machine, or None."""
    for name in ("vendor-data", "user-data"):
        keys = _parse(files.get(name, b"")).get("ssh_keys")
        if isinstance(keys, dict) and {"ed25519_private", "ed25519_public"} <= keys.keys():
            return HostKey(keys["ed25519_private"], keys["ed25519_public"].strip())
    return None


def digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 (hexadecimal) of names and contents; equal for equal files only."""
    total = hashlib.sha256()
    for name in sorted(files):
        # The length keeps the end of one file from passing for the beginning of the next.
        total.update(f"{name}\0{len(files[name])}\0".encode())
        total.update(files[name])
    return total.hexdigest()


def _ours(user: Mapping[str, Any], host_key: Optional[HostKey], token: str) -> Dict[str, Any]:
    """Return our keys. A final message of the user's stays, with our line behind it."""
    ours: Dict[str, Any] = {}
    if token:
        own = user.get(_FINAL)
        ours[_FINAL] = "\n".join(filter(None, (own, completion_line(token))))
    if host_key is not None:
        # sshd refuses a private key without its final newline. The image's keys are known to
        # everybody who has the image, so they go.
        private = host_key.private.rstrip("\n") + "\n"
        ours["ssh_keys"] = {"ed25519_private": private, "ed25519_public": host_key.public + "\n"}
        ours["ssh_deletekeys"] = True
    return ours


def _cloud_config(values: Mapping[str, Any]) -> bytes:
    return _HEADER.encode() + _dump(values, "user_data").encode()


def _dump(values: Mapping[str, Any], option: str) -> str:
    """Return JSON that is YAML 1.1 too.

    Escapes of JSON above U+FFFF are pairs of surrogates, which YAML does not join: such
    characters stand as they are, and only what YAML refuses is escaped.
    """
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    except (TypeError, ValueError):
        raise _unwritable(option) from None
    text = _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    _encode(text, option)
    return text + "\n"


def _encode(text: str, option: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _unwritable(option) from None


def _unwritable(option: str) -> InvalidOption:
    return InvalidOption(
        "it holds a value that cannot be written as text",
        option=f"cloud_init.{option}",
        hint="use text, numbers, true, false, lists and mappings with text as keys",
    )


def _parse(content: bytes) -> Dict[str, Any]:
    """Return the cloud-config that we wrote; {} for anything else."""
    head = _HEADER.encode()
    try:
        values = json.loads(content[len(head) :]) if content.startswith(head) else {}
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
