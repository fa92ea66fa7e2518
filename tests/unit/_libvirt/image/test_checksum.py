"""Checksums as users write them, and the files that distributions publish."""

from __future__ import annotations

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image.checksum import (
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
GENTOO = f"""# BLAKE2B HASH
{"6" * 128}  stage.qcow2
# SHA512 HASH
{LONG}  stage.qcow2
"""
FOLDERS = f"{ONE}  amd64/disk.img\n{TWO}  arm64/disk.img\n"
LIKE = (
    f"BLAKE2b (a.img) = {'6' * 128}\nSHA3-256 (a.img) = {'7' * 64}\n"
    f"SHA512/256 (a.img) = {'8' * 64}\nSHA2-256 (a.img) = {ONE}\n"
)
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
        (GENTOO, "stage.qcow2", "", f"sha512:{LONG}"),
        (GENTOO, "stage.qcow2", "sha512", f"sha512:{LONG}"),
        (LIKE, "a.img", "", f"sha256:{ONE}"),
        (FOLDERS, "/pub/12/amd64/disk.img", "", f"sha256:{ONE}"),
        (FOLDERS, "/pub/12/arm64/disk.img", "", f"sha256:{TWO}"),
        (f"{ONE}  ./a.img\n{TWO}  old/a.img\n", "/pub/old/a.img", "", f"sha256:{TWO}"),
        (f"{ONE}  old/a.img\n{TWO}  ./a.img\n", "/pub/a.img", "", f"sha256:{TWO}"),
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
        (
            f"BLAKE2b (a.img) = {'6' * 128}\nSHA3-256 (a.img) = {'7' * 64}\n",
            "",
            f"checksum: {FILE} has no sha256, sha384, sha512 checksum of a.img",
        ),
        (
            f"SHA512/256 (a.img) = {ONE}\n",
            "sha256",
            f"checksum: {FILE} has no sha256 checksum of a.img",
        ),
        (
            f"{ONE}  x/a.img\n{TWO}  y/a.img\n",
            "",
            f"checksum: {FILE} has several sha256 checksums of a.img, in folders",
        ),
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
        (f"md5:{'5' * 32}", "checksum: 'md5' is not a trusted algorithm; use one of"),
        (f"sha-256:{ONE}", "checksum: 'sha-256' is not a trusted algorithm"),
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


@pytest.mark.parametrize("name", ["B2SUMS", "CHECKSUM.SHA3-256", "a.img.blake3", "SUMS.sha512-256"])
def test_a_file_that_is_named_after_another_algorithm_is_not_taken_for_ours(name: str) -> None:
    with pytest.raises(FleetError, match="has no sha256"):
        find(f"{ONE}  a.img\n", "a.img", Checksum("", file=f"https://example.com/{name}"))
