#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vm
short_description: Create, change and remove a virtual machine
version_added: 0.1.0
description:
  - Keeps one virtual machine of libvirt as declared, with its disks, its interfaces, its reserved
    addresses and its cloud-init data.
  - What is declared is compared with the machine's configuration. Only the places that differ are
    changed in it, so UUID, MAC addresses, disks and whatever others have added stay as they are.
  - The machine's own metadata name the options that are managed and the volumes that were made for
    it. An option that is left out is left alone if it was never declared, and goes back to its
    default if it was.
  - A task without O(memory) manages only what it names; O(name) with O(state) starts, stops or
    removes a machine.
  - What a running machine can take is changed C(live); the rest is written into its configuration
    and counts from its next start. RV(restart_required) says so until then. With V(restart) in
    O(allow) it is restarted at once.
  - The volumes are listed in the metadata before they are made, so a run that was killed at any
    instant is finished by the next one, and only what was made here is ever deleted.
  - A new machine that cannot start, that dies or that gets no address is taken away again, with the
    last lines of its console in the error. One that was off is switched off again. After a restart
    that fails, the former settings run again. What has an address and is late for O(wait) stays,
    so that it can be looked at, and the next run continues to wait.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.libvirt
  - dockyard.fleet.engine.changing
options:
  name:
    description:
      - The name of the machine; letters, digits, V(_), V(.) or V(-), at most 200 of them.
      - It begins the names of its volumes, C(NAME-DISK.qcow2) and C(NAME-seed.img).
    type: str
    required: true
  vcpus:
    description:
      - The number of CPUs. The default is 1.
      - More than libvirt says that a machine can have is refused, 255 without an IOMMU.
      - 'Change: C(restart).'
    type: int
  memory:
    description:
      - The memory, such as V(512MiB) or V(2GiB); at least V(16MiB). Units are V(b), V(k), V(m),
        V(g) and V(t), in powers of 1024; it is rounded up to whole KiB.
      - It is needed to make a machine. More than the host has is refused.
      - 'Change: C(restart).'
    type: str
  disks:
    description:
      - The disks, as a list of mappings. Each is a volume of its own, qcow2 (version 3) in a pool
        of files and raw in one of LVM or ZFS. Other types of pools have no volumes for it.
      - Each has a C(size), or an C(image), or both. C(name) stands in the machine's document as an
        alias (C(ua-dockyard-root)), so that the disk is the same one after a snapshot, a copy
        (C(virsh blockcopy)) or a move of its file.
      - A disk that is there stays on the version of the image that it was made from, and the plan's
        notes say so.
      - There are at most 25 of C(virtio), and 25 of the other buses together.
      - A disk that is added is plugged in C(live) as long as the running machine has a free PCIe
        port for it, which are four at first; a C(sata) one, and what finds no port, counts at the
        next start. A larger C(size) counts C(live); the guest grows its file system itself. Another
        C(bus) needs a C(restart).
      - A smaller C(size), another C(image) or another C(pool) is refused, since data would be
        lost. A disk whose volume was moved to another pool is declared there, and the machine's
        document has to name that pool as well (C(virsh edit)). One of qcow2 version 2, as earlier
        releases made them, cannot grow beside an internal snapshot.
      - Disks of C(scsi) get controllers of the model C(virtio-scsi). One that the machine has
        already, with a model that kernels of cloud images do not drive, stays, and the plan notes
        which new disk goes on it.
      - A disk whose volume somebody deleted is made anew, with a warning. While the machine runs,
        and so still has its data, that is refused.
      - A disk that is taken out is detached at the next start (C(restart)); its volume stays. Disks
        that others attached are left alone.
    type: list
    elements: dict
    suboptions:
      name:
        description: What tells it from the others for good. By default it is V(root) for the first
          and C(diskN) for others, with N counted from 0.
        type: str
      size:
        description: Its size, such as V(10GiB), at least V(1MiB). Without it the disk has the
          image's.
        type: str
      pool:
        description: The storage pool that it is in.
        type: str
        default: default
      image:
        description: The volume of a base image in the same pool that it is backed by (C(volume) in
          RV(dockyard.fleet.vm_image#module:vm_image)).
        type: str
      bus:
        description: How the guest sees it, V(virtio), V(scsi), V(sata) or V(usb).
        type: str
        default: virtio
  networks:
    description:
      - The interfaces in their order, each the name of a network or a mapping with the keys below.
      - A reserved C(address) counts C(live), and the guest gets it at its next renewal. A
        reservation that is not declared any more is given back. That of the first interface bears
        the machine's name, shortened to 63 characters with a digest of it at the end; others bear
        none.
      - Each is known by an alias in the machine's document (C(ua-dockyardnic-0)). Interfaces that
        others added are left alone.
      - 'To add or to remove an interface, or to change C(network) or C(mac): C(restart).'
    type: list
    elements: raw
    suboptions:
      network:
        description: The network of libvirt.
        type: str
        default: default
      mac:
        description: Its MAC address. One that was made up is kept, so it is seldom needed.
        type: str
      address:
        description: An IPv4 address that the network's DHCP server reserves for it, in the subnet
          that this serves.
        type: str
  title:
    description:
      - A short title, one line, which tools show beside the name.
      - 'Change: C(none).'
    type: str
  description:
    description:
      - A text of any lines about the machine, at most 4096 characters.
      - 'Change: C(none).'
    type: str
  osinfo:
    description:
      - The operating system that is on it, which other tools go by; nothing here does. A short id
        of libosinfo such as V(debian12), V(ubuntu24.04) or V(rhel9.4), or the URL of any other.
      - 'Change: C(none).'
    type: str
  machine:
    description:
      - The machine type. By default it is V(q35) on x86_64, and V(virt) elsewhere.
      - An alias such as V(q35) stands for the newest version that QEMU has when the machine is
        made; that version stays, and is what the alias is compared with.
      - Another family, such as V(pc) for V(q35), is refused, since all devices would move; without
        the option a machine keeps the type that it has.
      - 'Change: C(restart).'
    type: str
  cpu:
    description:
      - The processor, as a mode or as a mapping of C(mode), C(model) and C(features).
      - C(mode) is V(host-passthrough), V(host-model), V(maximum) or V(custom). By default it is
        V(host-passthrough) with KVM, and V(maximum) under emulation, where V(host-passthrough) is
        refused.
      - C(model) is one that libvirt knows (C(virsh cpu-models x86_64)), and goes with V(custom),
        which it makes the default.
      - C(features) is a list such as V([+vmx, -svm]), or a mapping of names to V(require),
        V(disable), V(optional), V(force) or V(forbid).
      - A topology, NUMA cells and caches that others wrote stay.
      - 'Change: C(restart).'
    type: raw
  boot:
    description:
      - From what it boots, first to last, of V(disk), V(cdrom) and V(network). The default is
        V([disk]).
      - The order of single devices that others wrote goes when this is changed, since libvirt does
        not take both.
      - 'Change: C(restart).'
    type: list
    elements: str
  firmware:
    description:
      - V(bios), V(uefi), or a mapping of C(type) and C(secure_boot). The default is V(bios).
      - UEFI needs firmware on the KVM host, on Debian the package C(ovmf). C(secure_boot) is
        V(false) by default, and then kernels without a signature boot too.
      - Its variables go with the machine, and stay while another machine uses them.
      - The guest has to have a boot loader for it.
      - 'Change: C(restart).'
    type: raw
  graphics:
    description:
      - A screen, as a type or as a mapping of C(type) (V(vnc), V(spice) or V(none)), C(listen) and
        C(port). The default is V(none).
      - It asks for no password, and so C(listen) is an address of the KVM host's own loopback,
        V(127.0.0.1) by default. Reach it with C(ssh -L), or C(virt-viewer -c qemu+ssh://HOST/system
        NAME).
      - C(port) is 5900 or higher. Without it libvirt takes a free one at each start.
      - The first screen is this one; further ones that others added stay.
      - 'Change: C(restart).'
    type: raw
  video:
    description:
      - The graphics card, V(virtio), V(qxl), V(vga), V(bochs), V(cirrus), V(ramfb) or V(none). The
        default is V(virtio) with O(graphics), and V(none) without.
      - 'Change: C(restart).'
    type: str
  kernel:
    description:
      - A kernel on the KVM host that is booted directly, without boot loader; a whole path.
      - 'Change: C(restart).'
    type: str
  initrd:
    description:
      - The initial RAM disk that goes with O(kernel); a whole path on the KVM host.
      - 'Change: C(restart).'
    type: str
  cmdline:
    description:
      - The command line of O(kernel), such as V(root=/dev/vda ro console=ttyS0).
      - The console of the first serial port is what errors quote.
      - 'Change: C(restart).'
    type: str
  cloud_init:
    description:
      - What cloud-init does in the guest at its first boot. An empty mapping gives it a name, an
        instance and a host key.
      - What it holds is left to cloud-init. Beside O(cloud_init.user_data) some keys of a
        cloud-config can be written directly; what cloud-init would skip in them, such as a misspelt
        key of a user, is refused. Where the controller has the program C(cloud-init), what its
        C(cloud-init schema) does not take in a cloud-config becomes a warning that names the keys,
        and no more, since the guest's version may be another.
      - The SSH host key is made with the machine, and its public half is in
        C(vm.ssh_host_keys) of the result, so that it is known before the first contact. It stays
        the same for the life of the machine.
      - The data is on a small disk that stays attached. When it changes, the guest reads it at its
        next boot, and runs only what it runs at every boot; see O(reseed). Values are never shown.
      - Left out later, it stays as it is.
      - 'Change: C(none).'
    type: dict
    suboptions:
      user_data:
        description: A cloud-config as a mapping, or a text that begins with C(#).
        type: raw
      meta_data:
        description: A mapping as the data source NoCloud has it; the instance id is the machine's
          own.
        type: dict
      network_config:
        description: A mapping as the data source NoCloud has it, with C(version). Without it the
          guest's own default counts, DHCP on the first interface in most images.
        type: dict
      hostname:
        description: The guest's name; by default the machine's.
        type: str
      fqdn:
        description: The guest's name with its domain.
        type: str
      users:
        description: Users as a cloud-config has them, mappings or V(default).
        type: list
        elements: raw
      ssh_authorized_keys:
        description: Public keys of the image's default user.
        type: list
        elements: str
      packages:
        description: Packages to install, as a cloud-config has them.
        type: list
        elements: raw
      runcmd:
        description: Commands of the first boot, each a text for the shell or a list of words.
        type: list
        elements: raw
      write_files:
        description: Files to write, mappings with C(path), C(content) and others as a cloud-config
          has them.
        type: list
        elements: dict
  autostart:
    description:
      - Whether the machine starts with its host. The default is false.
      - 'Change: C(live).'
    type: bool
  accelerator:
    description:
      - V(auto) uses KVM where it truly works, and emulation elsewhere, which is many times slower;
        C(vm.accelerator) of the result says which and why. V(kvm) fails where KVM does not work.
      - It counts when the machine is made. It is never changed afterwards.
    type: str
    choices: [auto, kvm, qemu]
    default: auto
  state:
    description:
      - V(started), it exists as declared and runs. One that is paused goes on, one that sleeps is
        woken, and one whose memory libvirt has saved comes back as it was saved.
      - V(stopped), it exists as declared and does not run.
      - V(present), it exists as declared; whether it runs is left as it is.
      - One that was undefined while it runs is defined again.
      - V(absent), it does not exist. Its disks stay unless O(delete_disks=true); the plan names
        them.
    type: str
    choices: [absent, present, started, stopped]
    default: started
  stop_grace_period:
    description:
      - How long the guest may take to shut down, such as V(30s), before its plug is pulled.
    type: str
    default: 1m
  wait:
    description:
      - What a machine must reach after it was started, in this order, else the task fails with what
        was seen last and the end of its console.
      - One that runs already is only looked at. Where it has no address, where nobody answers at
        the port of SSH, or where its console shows no end of cloud-init since its start, it is
        waited for as well.
      - V(none), nothing.
      - V(address), it has an address, from a lease, the guest agent or the host's ARP table.
      - V(ssh), SSH answers there with the expected host key. Nobody logs in.
      - V(cloud_init), cloud-init is done. It needs O(cloud_init).
    type: str
    choices: [none, address, ssh, cloud_init]
    default: none
  wait_timeout:
    description:
      - How long O(wait) may take in all.
      - It ends at once for a machine that stops, that is paused since its pool is full, or whose
        kernel panics, as its console shows (a kernel writes there with C(console=ttyS0)).
    type: str
    default: 10m
  allow:
    description:
      - The impacts that changes may have at once.
      - Without V(restart), what needs one waits for the machine's next start.
      - Stopping by O(state) counts as V(live). Creating, starting and removing are always allowed.
    type: list
    elements: str
    choices: [live, restart]
    default: [live]
  protect:
    description:
      - Refuses to remove the machine.
    type: bool
    default: false
  ignore_changes:
    description:
      - Options that are not compared, such as V(memory) or V(disks). They count when the machine is
        created. With V(disks), no disk grows or is added either.
    type: list
    elements: str
    default: []
  delete_disks:
    description:
      - With O(state=absent), deletes the volumes that were made for the machine, also those of
        disks that were taken out of it, and what was put on top of them, such as snapshots. Base
        images stay, and so do other people's volumes.
      - It is refused while another machine or another file stands on one of them.
      - This destroys data.
    type: bool
    default: false
  reseed:
    description:
      - Gives the guest a new instance id, so that cloud-init does all of its work again at the next
        boot. The host key stays.
      - It does that in every run, so it is for a single one.
    type: bool
    default: false
  _seed:
    description:
      - The values of O(cloud_init) and a new host key as one secret text.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: str
notes:
  - Machines that nobody made with this module are started and stopped, and otherwise left alone. So
    is a copy of one that was made with it (C(virt-clone)), although it carries the same metadata.
  - Tasks about different machines of one hypervisor may run side by side.
seealso:
  - module: dockyard.fleet.vm_info
  - module: dockyard.fleet.vm_image
"""

EXAMPLES = r"""
- name: Have a base image
  dockyard.fleet.vm_image:
    name: debian-12
    url: https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2
    checksum: https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS
  register: base

- name: Run a machine from it, with a user to log in as, and wait until it is ready
  dockyard.fleet.vm:
    name: web01
    vcpus: 2
    memory: 2GiB
    disks:
      - image: "{{ base.vm_image.volume }}"
        size: 20GiB
    networks: [default]
    cloud_init:
      hostname: web01
      users:
        - name: ops
          sudo: ALL=(ALL) NOPASSWD:ALL
          shell: /bin/bash
          ssh_authorized_keys: ["{{ ops_public_key }}"]
    autostart: true
    wait: cloud_init
  register: web01

- name: Show where it answers, and with which key
  ansible.builtin.debug:
    msg: "{{ web01.vm.address }} {{ web01.vm.ssh_host_keys }}"

- name: A machine with a reserved address, a disk for data and more of cloud-init
  dockyard.fleet.vm:
    name: db01
    memory: 1GiB
    disks:
      - image: "{{ base.vm_image.volume }}"
      - name: data
        size: 50GiB
    networks:
      - network: default
        address: 192.168.122.41
    cloud_init:
      user_data:
        timezone: Europe/Berlin
        package_update: true
      packages: [postgresql]

- name: A machine that is installed over the network, on a processor that all hosts have
  dockyard.fleet.vm:
    name: lab01
    title: Laboratory
    description: Installed anew each Monday.
    osinfo: debian12
    memory: 1GiB
    machine: q35
    cpu:
      model: Nehalem
      features: [-vmx]
    boot: [network, disk]
    graphics: vnc
    disks:
      - size: 20GiB
    networks: [default]

- name: Give it twice the memory, and restart it for that
  dockyard.fleet.vm:
    name: db01
    memory: 2GiB
    disks:
      - image: "{{ base.vm_image.volume }}"
      - name: data
        size: 50GiB
    networks:
      - network: default
        address: 192.168.122.41
    allow: [live, restart]

- name: Boot a kernel directly, without boot loader
  dockyard.fleet.vm:
    name: small
    memory: 512MiB
    disks:
      - size: 1GiB
    kernel: /var/lib/libvirt/boot/vmlinuz
    initrd: /var/lib/libvirt/boot/initrd.img
    cmdline: root=/dev/vda ro console=ttyS0

- name: Stop a machine, and leave everything else of it alone
  dockyard.fleet.vm:
    name: small
    state: stopped

- name: Remove a machine with its disks
  dockyard.fleet.vm:
    name: small
    state: absent
    delete_disks: true
"""

RETURN = r"""
vm:
  description:
    - The machine as it is afterwards; null if it does not exist.
    - Sizes are in bytes. C(disks) has what the disks are by name, with those that others attached
      by device name and with their C(source); C(networks) the interfaces by number, those that
      others attached by MAC address.
    - C(address) is the first of C(addresses), null while it has none. Only unicast addresses within
      the subnets of its networks count, whatever the guest says.
    - C(ssh_host_keys) are the public keys that it answers with, if it was made with C(cloud_init).
  returned: success
  type: dict
  sample:
    name: web01
    uuid: 4f1b3c2d-9e8a-4b6c-8d4e-3f2a1b0c9d8e
    state: running
    accelerator: {kind: kvm, reason: ""}
    vcpus: 2
    memory: 2147483648
    disks:
      root: {pool: default, size: 21474836480, image: debian-12-9f86d081884c.qcow2, bus: virtio}
    networks:
      "0": {network: default, mac: "52:54:00:5e:9a:01"}
    title: null
    description: null
    osinfo: null
    machine: pc-q35-7.2
    cpu: {mode: host-passthrough}
    boot: [disk]
    firmware: {type: bios}
    graphics: {}
    video: none
    kernel: null
    initrd: null
    cmdline: null
    autostart: true
    macs: ["52:54:00:5e:9a:01"]
    address: 192.168.122.41
    addresses: [192.168.122.41]
    ssh_host_keys:
      - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample web01
ready:
  description:
    - The steps up to O(wait), each with what was seen, and with the seconds since the machine was
      about to be made or started. C(defined) is one of a machine that was made.
  returned: when it was waited for
  type: list
  elements: dict
  sample:
    - {rung: defined, seconds: 0.1, seen: defined}
    - {rung: running, seconds: 1.3, seen: running}
    - {rung: address, seconds: 10.5, seen: 192.168.122.41}
restart_required:
  description: Whether something waits for the next start; C(plan.pending) says what.
  returned: when it does
  type: bool
  sample: true
plan:
  description:
    - What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
    - C(pending) is what is configured and waits for the next start.
  returned: success
  type: dict
  sample:
    text: |
      vm/web01
        memory: 1GiB → 2GiB [none]
          define web01
      pending: memory: 1GiB → 2GiB
    steps:
      - id: vm/web01#1
        address: vm/web01
        verb: define
        cause: "memory: 1GiB → 2GiB"
        impact: none
        maybe: false
        needs: []
        args: {"on": web01}
    notes: []
    pending: ["memory: 1GiB → 2GiB"]
    refused: []
    fingerprint: 8c6976e5b5410415
    declared: {}
created:
  description: Whether the machine was made.
  returned: success
  type: bool
  sample: false
updated:
  description: Whether something was changed while it ran, or could have run.
  returned: success
  type: bool
  sample: false
replaced:
  description: Always false for machines.
  returned: success
  type: bool
  sample: false
restarted:
  description: Whether it was restarted for a change.
  returned: success
  type: bool
  sample: false
rung:
  description: The step that was not reached.
  returned: when waiting failed
  type: str
  sample: address
console:
  description: The last lines of the machine's console.
  returned: when waiting failed
  type: list
  elements: str
  sample: ["[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs"]
"""

from ..module_utils._libvirt.frontend.module import main
from ..module_utils._libvirt.vm.resource import MACHINE

if __name__ == "__main__":
    main(MACHINE)
