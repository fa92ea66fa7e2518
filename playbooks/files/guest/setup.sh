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

# The engine's packages, unpacked and packed again without compression: to unpack xz takes an emulated
# processor most of a minute. A local source beside the machine's own; a newer version there wins.
echo 'force-unsafe-io' >/etc/dpkg/dpkg.cfg.d/guest
echo 'Acquire::Languages "none";' >/etc/apt/apt.conf.d/90guest
mkdir -p /var/local/packages
cd /var/local/packages
apt-get -qq -y install --no-install-recommends --download-only docker.io iptables >/dev/null
for deb in /var/cache/apt/archives/*.deb; do
    dpkg-deb -R "$deb" /tmp/deb
    dpkg-deb -Znone -b /tmp/deb . >/dev/null
    rm -r /tmp/deb
done
rm -f /var/cache/apt/archives/*.deb
for deb in *.deb; do
    dpkg-deb -f "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
done >Packages
# Read before sources.list.d, hence preferred among equal versions.
echo 'deb [trusted=yes] file:/var/local/packages ./' >/etc/apt/sources.list
apt-get -qq update
