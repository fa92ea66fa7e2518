"""What a case says is there, made on libvirt's built-in driver; see hostwork.py."""

from __future__ import annotations

from typing import Any, Dict
from xml.etree import ElementTree as ET

NETWORK = (
    "<network><name>default</name><uuid>2a7d11b5-6ae3-4e7f-9b1c-3f0a1d9c5e60</uuid>"
    "<forward mode='nat'/><bridge name='virbr0'/>"
    "<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>"
    "<range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network>"
)


def wipe(keeper: Any) -> None:
    """Leave nothing but one network: an object that is still alive somewhere keeps the rest."""
    for domain in keeper.listAllDomains():
        if domain.isActive():
            domain.destroy()
        domain.undefine()
    for thing in [*keeper.listAllStoragePools(), *keeper.listAllNetworks()]:
        if thing.isActive():
            thing.destroy()
        thing.undefine()
    keeper.networkDefineXML(NETWORK).create()


def make_pool(keeper: Any, name: str) -> None:
    """Make an active pool NAME of a directory, or one of another type: NAME/TYPE."""
    name, _slash, kind = name.partition("/")
    source = "<source><device path='/dev/none'/></source>" if kind else ""
    path = f"<target><path>/pools/{name}</path></target>"
    head = f"<pool type='{kind or 'dir'}'><name>{name}</name>"
    keeper.storagePoolDefineXML(f"{head}{source}{path}</pool>").create(0)


def make_volume(keeper: Any, where: str, facts: Dict[str, Any]) -> None:
    """Make a volume POOL/NAME."""
    pool, _slash, name = where.partition("/")
    size = f"<capacity unit='MiB'>{facts.get('mib', 1024)}</capacity>"
    kind = "raw" if facts.get("raw") else "qcow2"
    document = f"<volume><name>{name}</name>{size}<target><format type='{kind}'/></target>"
    if "over" in facts:
        path = f"<path>/pools/{facts['over']}</path><format type='qcow2'/>"
        document += f"<backingStore>{path}</backingStore>"
    keeper.storagePoolLookupByName(pool).createXML(f"{document}</volume>", 0)


def by_hand(keeper: Any, lib: Any, case: Dict[str, Any]) -> None:
    """Do to machines what a case says that somebody did by hand."""
    for name, other in (case.get("renames") or {}).items():
        _copy(keeper, lib, name, other, gone=True)
    for name, other in (case.get("copies") or {}).items():
        _copy(keeper, lib, name, other)


def _copy(keeper: Any, lib: Any, name: str, other: str, gone: bool = False) -> None:
    """Copy a machine as `virt-clone` does, or (`gone`) rename it as `virsh domrename` does."""
    domain = keeper.lookupByName(name)
    root = ET.fromstring(domain.XMLDesc(lib.VIR_DOMAIN_XML_INACTIVE))
    for tag in root.findall("name"):
        tag.text = other
    if gone:
        domain.undefine()
    else:
        for tag in root.findall("uuid"):
            root.remove(tag)
    keeper.defineXML(ET.tostring(root, encoding="unicode"))
