#!/bin/sh
# build.sh DIR: a guest of Debian 12 for the demonstration, made from this machine's own package sources.
# Writes into DIR: debian-12-demo.qcow2 with its .sha256, and vmlinuz and initrd.img beside it: the
# guest boots without a boot loader, with root=/dev/vda. Prints "built" or "unchanged"; a change of
# this folder builds anew. Needs root, mmdebstrap, e2fsprogs, qemu-utils and python3.
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
exec 9>"$dir/.lock"
flock 9
image=debian-12-demo.qcow2
# Files alone: Python leaves a folder beside boot.py where somebody imports it.
recipe=$(find "$here" -maxdepth 1 -type f | LC_ALL=C sort | xargs -d '\n' cat | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$dir/recipe" 2>/dev/null)" = "$recipe" ] && (cd "$dir" && [ -s "$image" ] && [ -s vmlinuz ] && [ -s initrd.img ]); then
    echo unchanged
    exit 0
fi
# What a killed build left.
rm -rf --one-file-system "$dir"/.build-*
work=$(mktemp -d "$dir/.build-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' | head -n 1)" ] || apt-get -qq update
# The archive's own suites only: repositories of others would bring keys and surprises along. An
# archive that has this machine's release has Debian 12 too.
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
# shellcheck disable=SC2016 # $(REPO_URI) is apt's, not the shell's
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    awk -v own="$release" 'sub("^(" own "|bookworm)", "bookworm", $2) {print "deb " $1 " " $2 " " $3}' | sort -u >"$work/sources.list"
grep -q . "$work/sources.list" ||
    { echo "build.sh: apt has no source of Debian on this machine" >&2; exit 1; }
# Proxies and the like, as this machine has them.
apt-config dump | grep -E '^Acquire::(https?::|ftp::|Check-|Retries)' >"$work/99machine" || true
mkdir "$work/ca"
find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$work/ca/" \; 2>/dev/null || true

packages=linux-image-cloud-amd64,systemd,systemd-sysv,udev,dbus,kmod,procps,netbase,iproute2
packages=$packages,ifupdown,isc-dhcp-client,openssh-server,cloud-init,qemu-guest-agent,ca-certificates
packages=$packages,sudo,python3-minimal,python3-apt,busybox-static
# The kernel's package would make an initial file system with everything in it.
INITRD=No mmdebstrap --quiet --mode=root --variant=minbase --skip=cleanup/apt/lists,cleanup/apt/cache --include=$packages \
    --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
    --customize-hook="copy-in $work/99machine /etc/apt/apt.conf.d" \
    --customize-hook="find '$work/ca' -name '*.crt' -exec cp {} \"\$1/usr/local/share/ca-certificates/\" ';'" \
    --customize-hook="mkdir \"\$1/guest\" && find '$here' -maxdepth 1 -type f -exec cp {} \"\$1/guest/\" ';'" \
    --customize-hook='chroot "$1" /bin/sh /guest/setup.sh' \
    --customize-hook='rm -r "$1/guest"' \
    bookworm "$work/root" "$work/sources.list"

python3 "$here/boot.py" "$work/root" "$work"
truncate -s 4G "$work/raw"
# Everything is written now: the guest has no table to finish in the background.
mkfs.ext4 -q -F -L root -m 0 -E lazy_itable_init=0,lazy_journal_init=0 -d "$work/root" "$work/raw"
qemu-img convert -f raw -O qcow2 "$work/raw" "$work/$image"
(cd "$work" && sha256sum "$image" >"$image.sha256")
rm -f "$dir/recipe"
(cd "$work" && mv "$image" "$image.sha256" vmlinuz initrd.img "$dir/")
echo "$recipe" >"$dir/recipe"
echo built
