#!/bin/sh
# build.sh OUT.tar [SUITE]: the root file system of a test server: Debian with systemd, sshd, python3 and sudo, and nothing else.
# It is made from this machine's own apt sources and asks its own package mirror, so it works wherever apt works here.
# Needs root and mmdebstrap. The users and their meaning are described in tests/lab/servers.py.
set -eu
out=$1
suite=${2-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. /etc/os-release
suite=${suite:-$VERSION_CODENAME}

[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' | head -n 1)" ] || apt-get -qq update
# The archive's own suites only: repositories of others would bring keys and surprises along.
# shellcheck disable=SC2016 # $(SITE) is apt's, not the shell's
apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    awk '{print "deb " $1 " " $2 " " $3}' | sed "s/ $VERSION_CODENAME/ $suite/" | sort -u >"$work/sources.list"
grep -q . "$work/sources.list" || { echo "build.sh: apt knows no Debian archive here; run apt-get update" >&2; exit 1; }
# Proxies and the like, as this machine has them.
apt-config dump | grep -E '^Acquire::(https?::|ftp::|Check-|Retries)' >"$work/apt.conf" || true
mkdir -p "$work/ca"
find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$work/ca/" \; 2>/dev/null || true

mmdebstrap --quiet --variant=minbase --skip=cleanup/apt/lists \
    --include=systemd,systemd-sysv,dbus,openssh-server,python3-minimal,python3,sudo,iproute2,netbase,ca-certificates,procps,kmod,busybox-static \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook="copy-in $work/apt.conf /etc/apt/apt.conf.d" \
    --customize-hook='mv "$1/etc/apt/apt.conf.d/apt.conf" "$1/etc/apt/apt.conf.d/99machine"' \
    --customize-hook="find '$work/ca' -name '*.crt' -exec cp {} \"\$1/usr/local/share/ca-certificates/\" ';'" \
    --customize-hook='chroot "$1" update-ca-certificates' \
    --customize-hook="cp '$here/setup.sh' \"\$1/setup.sh\"" \
    --customize-hook='chroot "$1" /bin/sh /setup.sh' \
    --customize-hook='rm "$1/setup.sh"' \
    "$suite" "$work/root.tar" "$work/sources.list"
mv "$work/root.tar" "$out"
