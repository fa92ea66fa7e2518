#!/bin/sh
# Run inside the new root file system: what makes it a guest, and one that starts fast when emulated.
set -eu
update-ca-certificates >/dev/null 2>&1
cp /guest/cloud.cfg /etc/cloud/cloud.cfg.d/90_guest.cfg
# Only NoCloud is looked for, and without searching.
echo 'datasource: NoCloud' >/etc/cloud/ds-identify.cfg
echo '/dev/vda / ext4 defaults,noatime 0 0' >/etc/fstab
echo 'localhost' >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n' >/etc/hosts
# Each instance has its own: host keys from its seed, machine-id at its first boot.
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id

# Nothing of this serves a guest that lives for a demonstration; each costs a second or more there.
systemctl -q mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer getty@tty1.service \
    systemd-pstore.service systemd-binfmt.service systemd-rfkill.socket \
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-fs-fuse-connections.mount modprobe@.service cloud-init-hotplugd.socket
systemctl -q disable ifupdown-wait-online.service e2scrub_reap.service 2>/dev/null || true
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\n' >/etc/systemd/journald.conf.d/guest.conf

# dpkg's own care for power cuts costs a sync per file; no translations are read here.
echo 'force-unsafe-io' >/etc/dpkg/dpkg.cfg.d/guest
echo 'Acquire::Languages "none";' >/etc/apt/apt.conf.d/90guest

# The engine's packages are unpacked and not configured: dpkg does not count them as installed, nothing
# of them runs or starts. Installing them is left to whoever wants an engine, and takes an emulated
# processor seconds instead of two minutes.
rm -f /var/cache/apt/archives/*.deb
apt-get -qq -y install --no-install-recommends --download-only docker.io iptables >/dev/null
dpkg --unpack /var/cache/apt/archives/*.deb >/dev/null
rm -f /var/cache/apt/archives/*.deb
