#!/bin/sh
# Serve Podman's API: podman.sh ROOT DIR, in a mount namespace of its own. Podman needs the C library
# and helpers of its suite, so ROOT becomes the root of this namespace (a chroot would let `exec` out
# of it). DIR holds the socket, the storage, the settings and `shared`; it is at the same path inside.
set -eu
root=$1 dir=$2
mount --bind "$root" "$root"
for part in proc sys dev; do mount --rbind "/$part" "$root/$part"; done
# With a second hierarchy mounted here, Podman would take the machine for one with cgroup v2.
umount "$root/sys/fs/cgroup/unified" 2>/dev/null || true
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/var/lib/containers" "$root/etc/containers" "$root/.old" "$dir/storage"
# Volumes with a file system of their own are mounted by this program.
[ -e "$root/usr/bin/mount" ] || ln -s busybox "$root/usr/bin/mount"
mkdir -p "$root$dir"
mount --bind "$dir" "$root$dir"
mount --bind "$dir/storage" "$root/var/lib/containers"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cd "$root"
pivot_root . .old
/bin/busybox umount -l /.old
exec /bin/busybox env -i PATH=/usr/sbin:/usr/bin HOME=/root PODMAN_IGNORE_CGROUPSV1_WARNING=1 \
    "CONTAINERS_CONF=$dir/containers.conf" "CONTAINERS_STORAGE_CONF=$dir/storage.conf" \
    podman --network-config-dir "$dir/networks" system service --time=0 "unix://$dir/engine.sock"
