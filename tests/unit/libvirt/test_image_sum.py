"""Checksums as users write them, and the files that distributions publish."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image_sum import (
    Checksum,
    find,
    parse_checksum,
)

ONE, TWO = "1" * 64, "2" * 64
LONG = "3" * 128
FILE = "https://example.com/SUMS"

DEBIAN = f"{LONG}  debian-12.qcow2\n{'4' * 128}  debian-12.raw\n"
UBUNTU = f"{ONE} *noble.img\n{TWO} *noble.manifest\n"
FEDORA = f"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

# Fedora-41.qcow2: 491716608 bytes
SHA256 (Fedora-41.qcow2) = {ONE}
- # dash-escaped
SHA256 (Fedora-41.raw.xz) = {TWO}
-----BEGIN PGP SIGNATURE-----

{"a" * 64}
-----END PGP SIGNATURE-----
"""
SEVERAL = f"SHA256 (a.img) = {ONE}\nSHA512 (a.img) = {LONG}\nMD5 (a.img) = {'5' * 32}\n"


@pytest.mark.parametrize(
    ("text", "wanted", "algorithm", "found"),
    [
        (DEBIAN, "debian-12.qcow2", "", f"sha512:{LONG}"),
        (UBUNTU, "noble.img", "", f"sha256:{ONE}"),
        (FEDORA, "Fedora-41.raw.xz", "", f"sha256:{TWO}"),
        (f"{ONE}\n", "whatever.qcow2", "", f"sha256:{ONE}"),
        (f"{ONE}  ./images/a.img\n", "a.img", "", f"sha256:{ONE}"),
        (f"{ONE}  debian-12-20260101.qcow2\n", "debian-12.qcow2", "", f"sha256:{ONE}"),
        (f"{ONE.upper()}  a b.img\n{TWO}  c\n", "a b.img", "", f"sha256:{ONE}"),
        (SEVERAL, "a.img", "", f"sha512:{LONG}"),
        (SEVERAL, "a.img", "sha256", f"sha256:{ONE}"),
    ],
)
def test_checksum_files_of_every_form(text: str, wanted: str, algorithm: str, found: str) -> None:
    assert str(find(text, wanted, Checksum(algorithm, file=FILE))) == found


@pytest.mark.parametrize(
    ("text", "algorithm", "said"),
    [
        (UBUNTU, "", f"checksum: {FILE} does not list a.img"),
        ("<html>not found</html>", "", f"checksum: {FILE} does not list a.img"),
        (f"{'5' * 32}  a.img\n", "", f"checksum: {FILE} has no sha256, sha384, sha512 checksum"),
        (f"{ONE}  a.img\n", "sha512", f"checksum: {FILE} has no sha512 checksum of a.img"),
        # The signature of a message is no part of it.
        (
            f"-----BEGIN PGP SIGNATURE-----\n{ONE}\n",
            "",
            f"checksum: {FILE} does not list a.img",
        ),
    ],
)
def test_a_file_that_does_not_tell(text: str, algorithm: str, said: str) -> None:
    with pytest.raises(FleetError) as caught:
        find(text, "a.img", Checksum(algorithm, file=FILE))
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (ONE, "checksum: names no algorithm; write sha256:HEX"),
        (f"md5:{'5' * 32}", "checksum: 'md5' is not an algorithm that is trusted; use one of"),
        (f"sha-256:{ONE}", "checksum: 'sha-256' is not an algorithm"),
        ("sha256:abc", "checksum: is not a sha256 checksum: 64 hexadecimal digits are needed"),
        (f"sha512:{ONE}", "checksum: is not a sha512 checksum: 128 hexadecimal digits"),
        ("~/SHA256SUMS", "checksum: names no algorithm"),
    ],
)
def test_a_checksum_that_cannot_be_one(value: str, said: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse_checksum(value, "checksum")
    assert str(caught.value).startswith(said)


def test_forms_of_a_checksum() -> None:
    assert parse_checksum(f"SHA256:{ONE}", "checksum") == Checksum("sha256", ONE)
    assert parse_checksum(FILE, "checksum") == Checksum("", file=FILE)
    assert parse_checksum(f"sha512:{FILE}", "checksum") == Checksum("sha512", file=FILE)
    assert parse_checksum("/srv/SUMS", "checksum") == Checksum("", file="/srv/SUMS")
