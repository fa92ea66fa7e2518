"""A case file brought to life on libvirt's built-in driver, a whole hypervisor in this process."""

from __future__ import annotations

import contextlib
import html
import json
import re
import sys
from typing import Any, Callable, Dict, Iterator, List, Tuple
from xml.etree import ElementTree as ET

from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.hypervisor import (
    Hypervisor,
    LibvirtMissing,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm import (
    console,
    observe,
    wait,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm.resource import MACHINE

from tests.lab.core import run_task
from tests.lab.hostmade import by_hand, make_pool, make_volume, wipe
from tests.lab.hostrun import Runs, leave
from tests.lab.hostworld import Stream, World

URI = "test:///default"
# Where the distribution keeps libvirt's binding.
DISTRIBUTION = "/usr/lib/python3/dist-packages"
# virterror.h.
_SYSTEM_ERROR, _NO_STORAGE_VOL = 38, 50
_MAC = re.compile(r"52:54:00(:[0-9a-f]{2}){3}")
# Every other call counts as one that writes.
READS = frozenset(
    (
        "DHCPLeases",
        "XMLDesc",
        "autostart",
        "blockInfo",
        "diskErrors",
        "download",
        "finish",
        "getDomainCapabilities",
        "getInfo",
        "getURI",
        "hasManagedSaveImage",
        "info",
        "interfaceAddresses",
        "isActive",
        "isPersistent",
        "listAllDomains",
        "listAllNetworks",
        "listAllStoragePools",
        "listAllVolumes",
        "lookupByName",
        "managedSaveGetXMLDesc",
        "name",
        "networkLookupByName",
        "newStream",
        "recv",
        "refresh",
        "snapshotListNames",
        "state",
        "storagePoolLookupByVolume",
        "storagePoolLookupByName",
        "storageVolLookupByName",
        "storageVolLookupByPath",
    )
)


def binding() -> Any:
    """Return the distribution's module libvirt, and nothing else of the distribution's."""
    sys.path.append(DISTRIBUTION)
    try:
        import libvirt
    finally:
        sys.path.remove(DISTRIBUTION)
    return libvirt


class Cut(BaseException):
    """The end of a run in the midst of it: nothing that follows is done, no way back either."""


def _inside(answer: Dict[str, Any]) -> Dict[str, Any]:
    """Return what the built-in driver tells of addresses, within its network's subnet.

    It counts on with every machine that was ever started in this process (libvirt 9.0), and so
    leaves the subnet after a few.
    """
    for entry in answer.values():
        for one in entry.get("addrs") or ():
            first, second, third, last = map(int, one["addr"].split("."))
            if (first, second) == (192, 168) and third >= 122:
                one["addr"] = f"192.168.122.{3 + ((third - 122) * 256 + last) % 250}"
    return answer


class BenchHost(Runs, Hypervisor):
    """A hypervisor on the built-in driver; what that cannot do is done by `world`."""

    def __init__(self, world: World, uri: str = URI) -> None:
        super().__init__(uri)
        self.world = world

    def worker(self) -> Hypervisor:
        """Return one more connection to the same world."""
        return type(self)(self.world, self.uri)

    def invoke(self, function: Callable[..., Any], args: Tuple[Any, ...]) -> Any:
        """Make one call, or play it; end the run at the point that was asked for."""
        name, target = function.__name__, function.__self__
        if name in self.world.broken and name in READS:
            raise _error(self.lib, self.world.broken[name])
        if name in READS:
            return self._play(name, target, function, args)
        self.world.writes.append(name)
        self.world.meanwhile.pop(len(self.world.writes), lambda: None)()
        here = len(self.world.writes) == self.world.cut
        if here and not self.world.after:
            raise Cut
        if name in self.world.broken:
            raise _error(self.lib, self.world.broken[name])
        try:
            return self._play(name, target, function, args)
        finally:
            if here:
                raise Cut

    def _play(self, name: str, target: Any, function: Any, args: Tuple[Any, ...]) -> Any:
        played = getattr(self, f"_play_{name}", None)
        return played(target, function, *args) if played else function(*args)

    def _play_newStream(self, target: Any, function: Any, flags: int) -> Stream:
        return Stream(self.world)

    def _play_download(self, volume: Any, function: Any, stream: Stream, *rest: int) -> None:
        stream.key = volume.path()

    def _play_upload(self, volume: Any, function: Any, stream: Stream, *rest: int) -> None:
        stream.key = volume.path()
        self.world.contents[stream.key] = b""

    def _play_getDomainCapabilities(self, target: Any, function: Any, *what: Any) -> str:
        # As libvirt 9.0 with QEMU 7.2 says, of the models a few.
        usable = {"Haswell": "yes", "Nehalem": "yes", "EPYC": "no"}
        models = "".join(f"<model usable='{can}'>{name}</model>" for name, can in usable.items())
        kinds = "".join(f"<value>{kind}</value>" for kind in self.world.firmwares)
        return (
            "<domainCapabilities><vcpu max='288'/>"
            f"<os><enum name='firmware'>{kinds}</enum></os>"
            f"<cpu><mode name='custom' supported='yes'>{models}</mode></cpu></domainCapabilities>"
        )

    def _play_resize(self, volume: Any, function: Any, size: int, flags: int) -> None:
        self.world.sizes[volume.path()] = size

    def _play_blockResize(
        self, domain: Any, function: Any, disk: str, size: int, flags: int
    ) -> None:
        source = ET.fromstring(domain.XMLDesc(0)).find(f"devices/disk/target[@dev='{disk}']/..")
        assert source is not None, disk
        place = source.find("source")
        assert place is not None
        pool = self.connection.storagePoolLookupByName(place.get("pool"))
        self.world.sizes[pool.storageVolLookupByName(place.get("volume")).path()] = size

    def _play_interfaceAddresses(self, domain: Any, function: Any, source: int, flags: int) -> Any:
        if self.world.told is None:
            return _inside(function(source, flags))
        # virDomainInterfaceAddressesSource.
        return self.world.told.get({0: "lease", 1: "agent"}.get(source, ""), {})

    def _play_DHCPLeases(self, network: Any, function: Any) -> Any:
        return (self.world.told or {}).get("leases", [])

    def _play_blockInfo(self, domain: Any, function: Any, disk: str, flags: int) -> List[int]:
        return [1 << 30] * 3

    def _play_attachDeviceFlags(self, domain: Any, function: Any, text: str, flags: int) -> None:
        self.world.plugged.setdefault(domain.name(), []).append(text)

    def _play_delete(self, volume: Any, function: Any, flags: int) -> Any:
        self.world.contents.pop(volume.path(), None)
        self.world.sizes.pop(volume.path(), None)
        return function(flags)

    def _play_refresh(self, pool: Any, function: Any, flags: int) -> None:
        for volume in pool.listAllVolumes():
            if volume.path() in self.world.deleted:
                self.world.deleted.remove(volume.path())
                volume.delete(0)
        function(flags)

    def _play_XMLDesc(self, target: Any, function: Any, flags: int) -> str:
        if getattr(target, "path", str)() in self.world.deleted:
            raise _error(self.lib, "no storage vol with matching path", _NO_STORAGE_VOL)
        active = not flags & self.lib.VIR_DOMAIN_XML_INACTIVE
        restored = self.world.restored.get(target.name()) if active else None
        root = ET.fromstring(restored or function(flags))
        if root.tag == "volume" and target.path() in self.world.sizes:
            capacity = root.find("capacity")
            assert capacity is not None
            capacity.text = str(self.world.sizes[target.path()])
        if root.tag == "domain" and active:
            devices = root.find("devices")
            assert devices is not None
            for text in self.world.plugged.get(target.name(), ()):
                devices.append(ET.fromstring(text))
        return ET.tostring(root, encoding="unicode")


def _readable(document: str) -> str:
    """Return a domain's document with no more of our record than what is ours."""

    def keep(found: re.Match[str]) -> str:
        record = json.loads(html.unescape(found.group(2)))
        return f"{found.group(1)}{record.get('volumes')}{record.get('generation')}"

    return re.sub(r"(<dockyard:record[^>]*>)([^<]*)", keep, document)


def _error(lib: Any, message: str, code: int = _SYSTEM_ERROR) -> Exception:
    """Return libvirt's own kind of error with a message."""
    error: Exception = lib.libvirtError(message)
    error.err = (code, 18, message, 2, message, None, None, -1, -1)
    return error


class HostBench:
    """One case: the hypervisor as it says, its task, and what came of running it.

    The network `default` is there (192.168.122.0/24), and the pool `default`. Keys of a case:
    `name`; `pools` [name or name/type]; `idle` [pool/NAME or network/NAME to stop]; `volumes`
    {POOL/NAME: {mib, raw, over: POOL/NAME of what it is backed by}}; `firmwares` (bios and efi,
    if it says nothing else); `machines` {name: document
    of a foreign one}; `reserved` {MAC: [name, address]}; `kvm` (the host can accelerate); `ssh`
    (false: none answers); `before` [params applied first; `cut` ends one before its n-th
    write]; `then` [[method, name, arguments of a call on a machine]]; `deleted` [POOL/NAME,
    after that]; `broken` {call: libvirt's message}; `edited` {machine: {old: new words of its
    document}}, `renames` and `copies` {machine: another name}; `saved` [machine whose memory
    libvirt keeps], `states` {machine: [state, reason]} and `transient` [machine that is not
    defined], before the task; `task` params; `pending` {address: planned}; `no_libvirt` (why it
    does not answer); and `plan` (printed), `error` (refused before any write) or `fails`
    (during: everything stays as it was).
    """

    def __init__(self, case: Dict[str, Any]) -> None:
        self.case = case
        self.task: Dict[str, Any] = case.get("task", {})
        self.world = World()
        self.lib = binding()

    def __enter__(self) -> HostBench:
        # The driver keeps its state as long as one connection is open.
        self.keeper = self.lib.open(URI)
        self._kvm, observe.kvm_works = observe.kvm_works, lambda: bool(self.case.get("kvm"))
        self._port, console.port_answers = console.port_answers, self._answers
        wait.port_answers = self._answers
        return self

    def __exit__(self, *_exc: Any) -> None:
        observe.kvm_works = self._kvm
        console.port_answers = wait.port_answers = self._port
        self.keeper.close()

    @property
    def writes(self) -> List[str]:
        """The names of the writing calls since the case was prepared."""
        return self.world.writes

    def prepare(self) -> None:
        """Make what the case says is there."""
        wipe(self.keeper)
        self.world.firmwares = self.case.get("firmwares", self.world.firmwares)
        for name in ["default", *self.case.get("pools", ())]:
            make_pool(self.keeper, name)
        for where, facts in (self.case.get("volumes") or {}).items():
            make_volume(self.keeper, where, facts or {})
        for document in (self.case.get("machines") or {}).values():
            self.keeper.defineXML(document)
        for mac, (name, address) in (self.case.get("reserved") or {}).items():
            self.reserve(mac, name, address)
        for params in self.case.get("before", ()):
            self._before(dict(params))
        for method, name, *args in self.case.get("then", ()):
            getattr(self.keeper.lookupByName(name), method)(*args)
        leave(self.keeper, self.world, self.case)
        by_hand(self.keeper, self.lib, self.case)
        for where in self.case.get("deleted", ()):
            pool, _slash, name = where.partition("/")
            holder = self.keeper.storagePoolLookupByName(pool)
            self.world.deleted.add(holder.storageVolLookupByName(name).path())
        for name in self.case.get("idle", ()):
            self._stop(name)
        self.world.broken = dict(self.case.get("broken", {}))
        self.world.writes.clear()

    def run(self, params: Dict[str, Any], check: bool = False) -> Dict[str, Any]:
        """Run a task as the module does; return its result."""
        pending = self.case.get("pending")
        return run_task(MACHINE, params, self._connect, check, pending, known=True)

    @contextlib.contextmanager
    def cutting(self, number: int, after: bool = False) -> Iterator[None]:
        """End the run inside before (or after) its n-th writing call."""
        self.world.writes.clear()
        self.world.cut, self.world.after = number, after
        try:
            with contextlib.suppress(Cut):
                yield
        finally:
            self.world.cut = 0

    def picture(self) -> Dict[str, Any]:
        """Return what a user would look at, by kind and name: documents, states, contents."""
        flags = self.lib.VIR_DOMAIN_XML_INACTIVE | self.lib.VIR_DOMAIN_XML_SECURE
        machines = {
            one.name(): (_readable(one.XMLDesc(flags)), one.isActive(), one.autostart())
            for one in self.keeper.listAllDomains()
        }
        volumes = {
            one.path(): self.world.sizes.get(one.path(), one.info()[1])
            for pool in self.keeper.listAllStoragePools()
            if pool.isActive()
            for one in pool.listAllVolumes()
            if one.path() not in self.world.deleted
        }
        networks = {one.name(): one.XMLDesc(0) for one in self.keeper.listAllNetworks()}
        seeds = dict(self.world.contents)
        return {"machines": machines, "volumes": volumes, "networks": networks, "seeds": seeds}

    @staticmethod
    def text(result: Dict[str, Any]) -> str:
        """Return the printed plan with MAC addresses made equal, so that cases can be written."""
        return _MAC.sub("<mac>", result["plan"]["text"])

    def _answers(self, address: str) -> Tuple[bool, str]:
        answers = self.case.get("ssh", True)
        return (True, "SSH-2.0-fake") if answers else (False, "port 22: Connection refused")

    def _connect(self) -> Hypervisor:
        why = self.case.get("no_libvirt")
        if why:
            raise LibvirtMissing(f"libvirt does not answer at qemu:///system: {why}", option="uri")
        return BenchHost(self.world)

    def _before(self, params: Dict[str, Any]) -> None:
        number = params.pop("cut", 0)
        with self.cutting(number):
            result = self.run(params)
            assert not result.get("failed"), result["msg"]
            assert not number, f"only {len(self.world.writes)} writes"

    def reserve(self, mac: str, name: str, address: str) -> None:
        """Let the network `default` reserve an address, as another task would."""
        entry = f"<host mac='{mac}' name='{name}' ip='{address}'/>"
        place = (
            self.lib.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
            self.lib.VIR_NETWORK_SECTION_IP_DHCP_HOST,
        )
        flags = self.lib.VIR_NETWORK_UPDATE_AFFECT_LIVE | self.lib.VIR_NETWORK_UPDATE_AFFECT_CONFIG
        self.keeper.networkLookupByName("default").update(*place, -1, entry, flags)

    def _stop(self, what: str) -> None:
        kind, _slash, name = what.partition("/")
        look = {
            "network": self.keeper.networkLookupByName,
            "pool": self.keeper.storagePoolLookupByName,
        }
        look[kind](name).destroy()
