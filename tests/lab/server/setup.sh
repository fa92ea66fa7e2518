#!/bin/sh
# Run inside the new root file system: users, sshd, and what of systemd makes no sense in a container.
set -eu
useradd -m -s /bin/bash dock
useradd -m -s /bin/bash sudoer
useradd -m -s /bin/bash sudopw
# '*' would lock an account without a password out of sshd; the password of sudopw is set at start.
usermod -p '*' dock
usermod -p '*' sudoer
echo 'sudoer ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/sudoer
echo 'sudopw ALL=(ALL:ALL) ALL' >/etc/sudoers.d/sudopw
chmod 0440 /etc/sudoers.d/sudoer /etc/sudoers.d/sudopw

# What an engine in here needs for a first image: no registry is asked.
mkdir -p /usr/local/share/lab /tmp/root/bin
for applet in $(/bin/busybox --list); do ln -sf busybox "/tmp/root/bin/$applet"; done
rm -f /tmp/root/bin/busybox  # busybox lists itself
cp /bin/busybox /tmp/root/bin/busybox
tar -C /tmp/root -cf /usr/local/share/lab/busybox.tar bin
rm -rf /tmp/root

rm -f /etc/ssh/ssh_host_*
cat >/etc/ssh/sshd_config.d/lab.conf <<'CONF'
HostKey /etc/ssh/lab/host_key
AuthorizedKeysFile /etc/ssh/lab/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
MaxSessions 50
MaxStartups 100:30:200
CONF
mkdir -p /etc/ssh/lab
systemctl mask systemd-udevd.service systemd-udev-trigger.service systemd-logind.service \
    systemd-resolved.service systemd-networkd.service getty.target console-getty.service \
    systemd-remount-fs.service systemd-journal-flush.service dev-hugepages.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount apt-daily.timer apt-daily-upgrade.timer \
    e2scrub_all.timer fstrim.timer systemd-modules-load.service 2>/dev/null
systemctl enable ssh.service
: >/etc/machine-id

# An engine mounts the control groups of an unprivileged container read-only; an engine inside needs
# to write there. Only the mount is changed, hence "bind".
cat >/usr/local/sbin/lab-cgroups <<'SCRIPT'
#!/bin/sh
awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts | while read -r mount; do
    mount -o remount,bind,rw "$mount"
done
SCRIPT
chmod 0755 /usr/local/sbin/lab-cgroups
cat >/etc/systemd/system/lab-cgroups.service <<'UNIT'
[Unit]
Description=Make control groups writable
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/lab-cgroups
[Install]
WantedBy=sysinit.target
UNIT
systemctl enable lab-cgroups.service
